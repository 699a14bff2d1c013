"""Figure of studies/circuits/circuit.py: errors of the inputs beside the settling law, margins of circuit and model."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from studies.figure import draw_panels


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Relative errors of the inputs beside the settling law, and the circuit's margin against the model's."""
    return draw_panels(dataset, [[_draw_errors, _draw_margins]], (7.2, 3.2), title=dataset.attrs["title"])


def _draw_errors(axes: plt.Axes, dataset: xr.Dataset) -> None:
    ordered = np.sort(dataset.relative_error)
    axes.plot(np.arange(1, len(ordered) + 1), ordered, "o", ms=3)
    if dataset.attrs["neurons"] == "rate" and dataset.attrs["calcium"] == "fitted":
        axes.axhline(dataset.attrs["settling_error"], color="0.5", lw=1, label="settling law, per step of activity")
        axes.legend(loc="lower right")
    axes.set(yscale="log", xlabel=f"{dataset.attrs['unit']}, by error", ylabel="relative error of the attention output")
    axes.set_title("A   worst token of each input")


def _draw_margins(axes: plt.Axes, dataset: xr.Dataset) -> None:
    model, circuit = dataset.model_margin, dataset.circuit_margin
    ends = [float(min(model.min(), circuit.min())), float(max(model.max(), circuit.max()))]
    axes.plot(ends, ends, color="0.6", lw=0.8)
    axes.plot(model, circuit, "o", ms=3)
    axes.axhline(0, color="0.8", lw=0.6, zorder=0)
    axes.axvline(0, color="0.8", lw=0.6, zorder=0)
    axes.set(xlabel="logit margin of the true class, model", ylabel="the same, circuit")
    axes.set_title(f"B   same class in {int(dataset.same_class.sum())} of {dataset.sizes['input']}")
