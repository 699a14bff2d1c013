"""What all figures have in common: the style of print, panels, and a caption that says what is drawn, after whom, and
where it differs from there.
"""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import cycle
from pathlib import Path
from typing import Any, TypeVar

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

STYLE = Path(__file__).with_name("figures.mplstyle")
Data = TypeVar("Data", xr.Dataset, xr.DataArray)
LETTERS = 18.5  # of 7 points, on an inch
Layout = Sequence[Sequence[Callable[[plt.Axes, Any], object]]]  # rows of functions that draw a panel each


def paper_style(changes: dict[str, Any] | None = None) -> AbstractContextManager[None]:
    """Figures made inside are in the style of the house, with `changes` to it (names as in matplotlib.rcParams)."""
    return plt.style.context([STYLE, changes or {}])


def draw_panels(
    data: Any,
    layout: Layout,
    size: tuple[float, float],
    *,
    title: str = "",
    caption: str = "",
    above: Mapping[Any, Any] | None = None,
    legend: Mapping[str, Any] | None = None,
    **grid: Any,
) -> plt.Figure:
    """A figure in the style of the house, of panels that are each drawn by a function of their axes and of `data`.

    Args:
        layout: rows of these functions; one that stands in several places next to each other fills them all.
        size: width and height in inches.
        title: above all panels.
        caption: below all panels.
        above: panels with the x axis of another, which stands below them: functions by function.
        legend: options of a legend of the first panel that stands for all.
        grid: options of matplotlib's subplot_mosaic.
    """
    with paper_style():
        figure, panels = plt.subplot_mosaic([list(row) for row in layout], figsize=size, **grid)
        for draw, axes in panels.items():
            draw(axes, data)
        for upper, lower in (above or {}).items():
            panels[upper].sharex(panels[lower])
            panels[upper].tick_params(labelbottom=False)
        if legend:
            figure.legend(*panels[layout[0][0]].get_legend_handles_labels(), **legend)
        if title:
            figure.suptitle(title)
        if caption:
            add_caption(figure, caption)
    return figure


def add_caption(figure: plt.Figure, text: str) -> None:
    """Write `text` below the panels, wrapped to the figure's width; the layout makes room for it."""
    wrapped = textwrap.fill(text, int(figure.get_figwidth() * LETTERS))
    figure.supxlabel(wrapped, x=0.01, ha="left", fontsize=7, linespacing=1.35)


def curves(data: Data, along: str, *, ordered: bool = False) -> Iterator[tuple[Any, Data, Any]]:
    """Every value along a dimension, the data there, and its colour: of the style in turn or, `ordered`, its shade."""
    values = data[along].values.tolist()
    colors = shades(len(values)) if ordered else cycle(plt.rcParams["axes.prop_cycle"].by_key()["color"])
    for value, color in zip(values, colors, strict=False):
        yield value, data.sel({along: value}), color


def shades(count: int) -> np.ndarray:
    """A colour for each of `count` values in their order, from dark to light."""
    return plt.colormaps["viridis"](np.linspace(0, 0.85, count))
