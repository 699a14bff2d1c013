"""A caption under a figure: what is drawn, after whom, and where it differs from there."""

import textwrap

from matplotlib.figure import Figure

LETTERS = 18.5  # of 7 points, on an inch


def add_caption(figure: Figure, text: str) -> None:
    """Write `text` below the panels, wrapped to the figure's width; the layout makes room for it."""
    wrapped = textwrap.fill(text, int(figure.get_figwidth() * LETTERS))
    figure.supxlabel(wrapped, x=0.01, ha="left", fontsize=7, linespacing=1.35)
