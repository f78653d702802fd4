"""What a fit returns: parameters, errors, limits reached, and how it is kept in a folder."""
