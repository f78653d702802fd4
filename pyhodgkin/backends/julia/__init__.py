"""The Julia engine: the only place that imports juliacall."""
