"""Fits of mapping, a file a section of the coefficients: `summary(fit)`, what is printed of one, and
`draw(dataset, fit)`, its figure.
"""
