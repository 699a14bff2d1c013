"""A sweep at a glance: the time mean of each variable (or spikes per second) against the axes.

The first axis of numbers lies along the panel, the second (if any) is drawn as lines or, from seven values on, as a
map; further axes and the cells are averaged, and the spread over seeds is drawn as error bars. The mean is over the
second half of the simulated time, when most of the start is forgotten.
"""

import re
import textwrap

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.figure import paper_style, shades

MOST_LINES = 6


def draw(dataset: xr.Dataset) -> Figure:
    """One panel a variable."""
    names = list(dataset.data_vars)
    columns = min(len(names), 3)
    rows = -(-len(names) // columns)
    with paper_style():
        size = (max(4.2, 2.4 * columns + 0.6), 2.4 * rows + 0.4)
        figure, panels = plt.subplots(rows, columns, figsize=size, squeeze=False)
        for panel, name in zip(panels.flat, names, strict=False):
            draw_variable(panel, summarised(dataset[name], float(dataset.attrs["seconds"])), dataset)
        for panel in panels.flat[len(names) :]:
            panel.remove()
        title = f"{dataset.attrs['network']}: mean over the second half of {dataset.attrs['seconds']:g} s"
        figure.suptitle(textwrap.fill(title, int(11 * size[0])))
    return figure


def summarised(array: xr.DataArray, seconds: float) -> xr.DataArray:
    """Mean over the second half, spikes as their number a second; cells averaged."""
    if "event" in array.dims:
        result = (array >= seconds / 2).sum("event") / (seconds / 2)
        result.attrs = {"units": "1/s", "long_name": array.attrs["long_name"]}
    else:
        result = array.sel(time=slice(seconds / 2, None)).mean("time", keep_attrs=True)
    return result.mean(str(result.dims[-1]), keep_attrs=True).rename(array.name)


def draw_variable(panel: Axes, values: xr.DataArray, dataset: xr.Dataset) -> None:
    axes = dataset.attrs["axes"].split() or ["seed"]
    values = values.mean(axes[2:])
    spread = values.std("seed") if "seed" in values.dims and axes != ["seed"] else None
    values = values.mean("seed") if spread is not None else values
    along = values[axes[0]]
    unit = spoken_unit(values.attrs.get("units") or dataset[values.name].attrs["units"])
    name = textwrap.fill(str(values.name).replace("_", " ") + (f" ({unit})" if unit != "1" else ""), 26)
    panel.set_xlabel(axis_label(along))
    if positive_ratios(along.values):
        panel.set_xscale("log")
    if len(axes) > 1 and values.sizes[axes[1]] > MOST_LINES:
        image = panel.pcolormesh(along, values[axes[1]], values.transpose(axes[1], axes[0]), shading="nearest")
        panel.figure.colorbar(image, ax=panel, label=name)
        panel.set_ylabel(axis_label(values[axes[1]]))
        return
    lines = [{}] if len(axes) == 1 else [{axes[1]: value} for value in values[axes[1]].values]
    for chosen, color in zip(lines, shades(len(lines)), strict=True):
        error = None if spread is None else spread.sel(chosen).values
        label = f"{next(iter(chosen.values())):g}" if chosen else None
        line = {"fmt": "o-", "ms": 3, "lw": 1, "capsize": 2, "color": color, "label": label}
        panel.errorbar(along.values, values.sel(chosen).values, error, **line)
    panel.set_ylabel(name)
    if len(lines) > 1 and not panel.figure.legends:
        title = textwrap.fill(axis_label(values[axes[1]]), 22)
        panel.figure.legend(title=title, loc="outside right center")


def axis_label(axis: xr.DataArray) -> str:
    unit = spoken_unit(axis.attrs.get("units", "1"))
    return f"{axis.name}" + ("" if unit == "1" else f" ({unit})")


def spoken_unit(unit: str) -> str:
    """A unit as figures write it: µM/s rather than umolar/second."""
    for name, symbol in {"umolar": "µM", "second": "s", "um": "µm"}.items():
        unit = re.sub(rf"\b{name}\b", symbol, unit)
    return unit


def positive_ratios(values: np.ndarray) -> bool:
    """Values that spread by ratios rather than by differences."""
    if len(values) < 3 or values.min() <= 0:
        return False
    return bool(np.ptp(np.diff(np.log(values))) < np.ptp(np.diff(values)) / values.max())
