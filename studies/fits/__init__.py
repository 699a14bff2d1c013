"""Figures of what mapping has fitted."""
