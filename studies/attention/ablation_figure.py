"""The figure of studies/attention/attention_ablation.py: every condition a row and a colour, every data set a mark."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from studies.figure import add_caption, paper_style

NAMES = {
    "softmax": "softmax",
    "linear": "linear",
    "astromorphic": "astromorphic",
    "linear-matched-gain": "linear, gain matched",
    "without-calcium": "− calcium response",
    "without-position": "− position",
    "without-feedback": "− feedback",
    "with-sigmoid": "+ sigmoid",
    "printed-exponent": "exponent as printed",
    "linear-exponent-gain": "linear, exponent's gain",
    "no-attention": "no attention",
}
COLORS = {
    "softmax": "#56B4E9",
    "linear": "0.1",
    "astromorphic": "#D55E00",
    "linear-matched-gain": "#E69F00",
    "without-calcium": "#CC79A7",
    "without-position": "#882255",
    "without-feedback": "#AA4499",
    "with-sigmoid": "#999933",
    "printed-exponent": "#117733",
    "linear-exponent-gain": "#44AA99",
    "no-attention": "#0072B2",
}
MARKS = {"imdb": "o", "cifar10": "s", "digits": "^"}
TITLES = {"imdb": "IMDB", "cifar10": "CIFAR-10", "digits": "digits"}
CURVES = 2  # data sets whose curves are drawn


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Difference of test accuracy and ratio of epochs to the target, to linear attention; curves of validation."""
    with paper_style():
        figure, panels = plt.subplots(2, 2, figsize=(7.2, 7.0), height_ratios=(1.25, 1))
        rows = [name for name in NAMES if name in dataset.condition]
        data = dataset.sel(condition=rows)
        _rows(panels[0, 0], data, "difference", 100.0, 0.0)
        panels[0, 0].set_xscale("symlog", linthresh=2)  # an attention that does not learn is tens of points behind
        panels[0, 0].set_xticks(
            [-50, -10, -2, -1, 0, 1, 2, 10], ["−50", "−10", "−2", "", "0", "", "2", "10"], minor=False
        )
        panels[0, 0].set(title="A   Test accuracy", xlabel="against linear attention (points; logarithmic beyond 2)")
        panels[0, 0].set_yticks(range(len(rows)), [NAMES[name] for name in rows])
        _rows(panels[0, 1], data, "ratio", 1.0, 1.0)
        panels[0, 1].set(title="B   Epochs to the target", xlabel="over those of linear attention")
        panels[0, 1].set_yticks(range(len(rows)), [])
        names = [name for name in MARKS if name in dataset.data_set]
        for panel, letter, place in zip(panels[1], "CD", range(CURVES), strict=True):
            if place < len(names):
                _curves(panel, data.sel(data_set=names[place]))
                panel.set_title(f"{letter}   {TITLES[names[place]]}")
            else:
                panel.set_axis_off()
        marks = [plt.Line2D([], [], color="0.3", marker=MARKS[name], ls="", label=TITLES[name]) for name in names]
        figure.legend(handles=marks, loc="outside upper center", ncols=len(marks))
        add_caption(figure, dataset.attrs["caption"])
    return figure


def _rows(panel: plt.Axes, data: xr.Dataset, name: str, scale: float, neutral: float) -> None:
    """Mean and interval of `name` by condition, from top to bottom."""
    sets = [name for name in MARKS if name in data.data_set]
    for aside, data_set in zip(np.linspace(-0.22, 0.22, len(sets)) if len(sets) > 1 else [0.0], sets, strict=True):
        for place, condition in enumerate(data.condition.values.tolist()):
            one = data.sel(data_set=data_set, condition=condition)
            mean, low, high = (scale * float(one[f"{name}_{end}"]) for end in ("mean", "low", "high"))
            look: dict[str, Any] = {
                "color": COLORS[condition],
                "marker": MARKS[data_set],
                "ms": 4,
                "lw": 1.2,
                "capsize": 2,
            }
            known = np.isfinite(low)
            panel.errorbar(
                [mean], [place + aside], xerr=[[mean - low], [high - mean]] if known else None, ls="", **look
            )
    panel.axvline(neutral, color="0.6", lw=0.8, zorder=0)
    panel.set_ylim(len(data.condition) - 0.4, -0.6)


def _curves(panel: plt.Axes, data: xr.Dataset) -> None:
    """Validation accuracy of each condition against epochs, mean over seeds; the target dotted."""
    for condition in data.condition.values.tolist():
        mean = 100 * data.validation_accuracy.sel(condition=condition).mean("repetition")
        front = condition in ("linear", "astromorphic", "softmax")
        panel.plot(data.epoch, mean, color=COLORS[condition], lw=1.6 if front else 0.9, zorder=3 if front else 2)
    panel.axhline(100 * float(data.target), color="0.6", lw=0.8, ls=":", zorder=0)
    panel.set(xlabel="epochs", ylabel="validation accuracy (%)")
