"""What all figures have in common: the style of print, and a caption that says what is drawn, after whom, and where it
differs from there.
"""

import textwrap
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

STYLE = Path(__file__).with_name("figures.mplstyle")
LETTERS = 18.5  # of 7 points, on an inch


def paper_style(changes: dict[str, Any] | None = None) -> AbstractContextManager[None]:
    """Figures made inside are in the style of the house, with `changes` to it (names as in matplotlib.rcParams)."""
    return plt.style.context([STYLE, changes or {}])


def add_caption(figure: Figure, text: str) -> None:
    """Write `text` below the panels, wrapped to the figure's width; the layout makes room for it."""
    wrapped = textwrap.fill(text, int(figure.get_figwidth() * LETTERS))
    figure.supxlabel(wrapped, x=0.01, ha="left", fontsize=7, linespacing=1.35)
