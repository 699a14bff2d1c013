"""The figure of studies/attention/attention_ablation.py: every condition a row and a colour, every data set a mark."""

from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from studies.figure import Layout, draw_panels

LOOKS = {  # of a condition: its name and colour, from top to bottom
    "softmax": ("softmax", "#56B4E9"),
    "linear": ("linear", "0.1"),
    "astromorphic": ("astromorphic", "#D55E00"),
    "linear-matched-gain": ("linear, gain matched", "#E69F00"),
    "without-calcium": ("− calcium response", "#CC79A7"),
    "without-position": ("− position", "#882255"),
    "without-feedback": ("− feedback", "#AA4499"),
    "with-sigmoid": ("+ sigmoid", "#999933"),
    "printed-exponent": ("exponent as printed", "#117733"),
    "linear-exponent-gain": ("linear, exponent's gain", "#44AA99"),
    "no-attention": ("no attention", "#0072B2"),
}
MARKS = {"imdb": "o", "cifar10": "s", "digits": "^"}
TITLES = {"imdb": "IMDB", "cifar10": "CIFAR-10", "digits": "digits"}


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Difference of test accuracy and ratio of epochs to the target, to linear attention; curves of validation."""
    shown = dataset.sel(
        condition=[name for name in LOOKS if name in dataset.condition],
        data_set=[name for name in MARKS if name in dataset.data_set],
    )
    layout: Layout = [[_accuracies, _epochs], [partial(_curves, place=0), partial(_curves, place=1)]]
    legend = {"loc": "outside upper center", "ncols": shown.sizes["data_set"]}
    caption = dataset.attrs["caption"]
    return draw_panels(shown, layout, (7.2, 7.0), caption=caption, legend=legend, height_ratios=(1.25, 1))


def _accuracies(panel: plt.Axes, data: xr.Dataset) -> None:
    for name in data.data_set.values:
        panel.plot([], [], color="0.3", marker=MARKS[name], ls="", label=TITLES[name])
    _rows(panel, data, "difference", 100.0, 0.0)
    panel.set_xscale("symlog", linthresh=2)  # an attention that does not learn is tens of points behind
    panel.set_xticks([-50, -10, -2, -1, 0, 1, 2, 10], ["−50", "−10", "−2", "", "0", "", "2", "10"], minor=False)
    panel.set(title="A   Test accuracy", xlabel="against linear attention (points; logarithmic beyond 2)")
    panel.set_yticks(range(data.sizes["condition"]), [LOOKS[name][0] for name in data.condition.values])


def _epochs(panel: plt.Axes, data: xr.Dataset) -> None:
    _rows(panel, data, "ratio", 1.0, 1.0)
    panel.set(title="B   Epochs to the target", xlabel="over those of linear attention")
    panel.set_yticks(range(data.sizes["condition"]), [])


def _rows(panel: plt.Axes, data: xr.Dataset, name: str, scale: float, neutral: float) -> None:
    """Mean and interval of `name` by condition, from top to bottom."""
    sets = data.data_set.values.tolist()
    for aside, data_set in zip(np.linspace(-0.22, 0.22, len(sets)) if len(sets) > 1 else [0.0], sets, strict=True):
        for place, condition in enumerate(data.condition.values.tolist()):
            one = data.sel(data_set=data_set, condition=condition)
            mean, low, high = (scale * float(one[f"{name}_{end}"]) for end in ("mean", "low", "high"))
            error = [[mean - low], [high - mean]] if np.isfinite(low) else None
            look: dict[str, Any] = {"color": LOOKS[condition][1], "marker": MARKS[data_set], "ms": 4, "lw": 1.2}
            panel.errorbar([mean], [place + aside], xerr=error, ls="", capsize=2, **look)
    panel.axvline(neutral, color="0.6", lw=0.8, zorder=0)
    panel.set_ylim(len(data.condition) - 0.4, -0.6)


def _curves(panel: plt.Axes, data: xr.Dataset, place: int) -> None:
    """Validation accuracy of each condition in one data set against epochs, mean over seeds; the target dotted."""
    if place >= data.sizes["data_set"]:
        return panel.set_axis_off()
    data = data.isel(data_set=place)
    for condition in data.condition.values.tolist():
        mean = 100 * data.validation_accuracy.sel(condition=condition).mean("repetition")
        front = condition in ("linear", "astromorphic", "softmax")
        panel.plot(data.epoch, mean, color=LOOKS[condition][1], lw=1.6 if front else 0.9, zorder=3 if front else 2)
    panel.axhline(100 * float(data.target), color="0.6", lw=0.8, ls=":", zorder=0)
    panel.set(xlabel="epochs", ylabel="validation accuracy (%)")
    panel.set_title(f"{'CD'[place]}   {TITLES[data.data_set.item()]}")
