"""The figure of studies/delays/delay_learning.py: a colour a condition, a mark a task."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from studies.figure import Layout, draw_panels

NAMES = {"none": "no delays", "fixed": "fixed random", "learned": "learned"}
COLORS = {"none": "#D55E00", "fixed": "#E69F00", "learned": "#0072B2"}
TITLES = {"planted": "planted delays", "spoken-digits": "spoken digits"}
CHANCE = {"planted": 100 / 8, "spoken-digits": 10.0}  # %


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Accuracy (A), its course in validation (B, C) and delays found again (D)."""
    layout: Layout = [[_accuracies, partial(_curves, place=0)], [partial(_curves, place=1), _delays]]
    legend = {"loc": "outside upper center", "ncols": len(NAMES)}
    return draw_panels(dataset, layout, (7.2, 6.2), caption=dataset.attrs["caption"], legend=legend)


def _accuracies(panel: plt.Axes, dataset: xr.Dataset) -> None:
    tasks = dataset.task.values.tolist()
    for place, task in enumerate(tasks):
        for aside, condition in zip((-0.22, 0, 0.22), NAMES, strict=True):
            one = 100 * dataset.sel(task=task, condition=condition)
            mean, low, high = (float(one[f"test_accuracy_{end}"]) for end in ("mean", "low", "high"))
            known = np.isfinite(low)
            error = [[mean - low], [high - mean]] if known else None
            panel.errorbar(
                place + aside, mean, yerr=error, color=COLORS[condition], marker="o", ms=5, lw=1.2, capsize=3
            )
            seeds = np.full(one.sizes["repetition"], place + aside + 0.07)
            panel.plot(seeds, one.test_accuracy, color=COLORS[condition], marker=".", ms=3, ls="")
        panel.plot([place - 0.4, place + 0.4], [CHANCE[task]] * 2, color="0.5", lw=0.8, ls=":")
    for condition, name in NAMES.items():
        panel.plot([], [], color=COLORS[condition], marker="o", ls="-", label=name)
    panel.set_xticks(range(len(tasks)), [TITLES[task] for task in tasks])
    panel.set(title="A   Test accuracy", ylabel="test accuracy (%)", ylim=(0, 103), xlim=(-0.5, len(tasks) - 0.5))


def _curves(panel: plt.Axes, dataset: xr.Dataset, place: int) -> None:
    """Validation accuracy of each condition against epochs in one task: the mean, and every seed thinly."""
    if place >= dataset.sizes["task"]:
        return panel.set_axis_off()
    data = dataset.isel(task=place)
    for condition in NAMES:
        accuracy = 100 * data.validation_accuracy.sel(condition=condition)
        panel.plot(data.epoch, accuracy.T, color=COLORS[condition], lw=0.5, alpha=0.5)
        panel.plot(data.epoch, accuracy.mean("repetition"), color=COLORS[condition], lw=1.6)
    panel.set(xlabel="epoch", ylabel="validation accuracy (%)")
    panel.set_title(f"{'BC'[place]}   {TITLES[data.task.item()].capitalize()}")


def _delays(panel: plt.Axes, dataset: xr.Dataset) -> None:
    planted, found = dataset.planted_delay.values.ravel(), dataset.found_delay.values.ravel()
    pairs, counts = np.unique(np.stack([planted, found]), axis=1, return_counts=True)
    panel.scatter(pairs[0], pairs[1], s=1.5 * counts, color=COLORS["learned"], lw=0)
    ends = np.array([0, max(planted.max(), found.max())])
    for off in (-1, 1):
        panel.plot(ends, ends + off, color="0.6", lw=0.7, zorder=0)
    panel.set(title="D   Delays found again", xlabel="planted delay (steps)", ylabel="learned delay (steps)")
