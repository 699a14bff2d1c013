"""Every recorded variable of a network against time: lines of a few cells, a map of many, a raster of spikes."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from studies.figure import paper_style

MOST_LINES = 8


def draw(dataset: xr.Dataset) -> Figure:
    """One panel a variable, with time in common; dims (cells, time), or (cells, event) for spikes."""
    names = [name for name, array in dataset.data_vars.items() if array.ndim == 2]
    with paper_style():
        figure, axes = plt.subplots(len(names), figsize=(7.2, 0.6 + 1.5 * len(names)), sharex=True, squeeze=False)
        for panel, name in zip(axes[:, 0], names, strict=True):
            draw_variable(panel, dataset[name])
        axes[0, 0].set_title(f"{dataset.attrs['network']}, seed {dataset.attrs['seed']}")
        axes[-1, 0].set(xlabel="time (s)", xlim=(0, float(dataset.attrs["seconds"])))
    return figure


def draw_variable(panel: Axes, array: xr.DataArray) -> None:
    label = spoken(array)
    if "event" in array.dims:
        panel.eventplot([row[np.isfinite(row)] for row in array.values], colors="k", linewidths=0.5)
        panel.set(ylabel=f"{array.dims[0]}", ylim=(-0.7, len(array) - 0.3))
    elif len(array) <= MOST_LINES:
        panel.plot(array.time, array.T, lw=1)
        panel.set_ylabel(label)
    else:
        image = panel.pcolormesh(array.time, np.arange(len(array)), array, shading="nearest", rasterized=True)
        panel.figure.colorbar(image, ax=panel, label=label)
        panel.set_ylabel(str(array.dims[0]))


def spoken(array: xr.DataArray) -> str:
    """Name and unit in short lines: "inositol\\ntrisphosphate\\n(µM)"."""
    unit = {"umolar": "µM", "1": ""}.get(array.attrs["units"], array.attrs["units"])
    words = str(array.name).replace("_", " ")
    return textwrap.fill(f"{words} ({unit})" if unit else words, 16)
