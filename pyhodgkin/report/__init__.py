"""A fit as one HTML file: numbers, figures, settings, versions, data and how to repeat it."""
