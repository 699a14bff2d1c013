"""Figure of segment_detection.py: detection curve, window of coincidence, matches measured and by theory."""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from biophys.patterns.soft_threshold import averaged
from biophys.patterns.theory import false_match_probability
from studies.figure import draw_panels
from studies.numerals import counted

COLORS = ("#0072B2", "#D55E00")
MARKERS = {"random": "o", "union": "s", "noisy": "^"}
WORDS = {"random": "random patterns", "union": "random, on a union", "noisy": "own pattern, missed"}
GREY = "0.45"


def draw(dataset: xr.Dataset) -> plt.Figure:
    """Detection curves; threshold against window; measured over theory; false matches against population."""
    return draw_panels(dataset, [[_draw_curves, _draw_windows], [_draw_false, _draw_agreement]], (7.2, 6.0))


def _draw_curves(axes: plt.Axes, dataset: xr.Dataset) -> None:
    here = dataset.sel(window=dataset.attrs["window"])
    smooth = np.linspace(0, float(dataset.active_synapses[-1]), 400)
    for spread, color in zip(dataset.spread.values, COLORS, strict=False):
        one = here.sel(spread=spread)
        axes.plot(one.active_synapses, one.detection_probability, "o", ms=3.5, color=color, label=f"{spread:g}")
        middle, deviation = float(one.threshold_mean), float(one.threshold_deviation)
        if deviation > 0:
            axes.plot(smooth, norm.cdf(smooth, middle, deviation), color=color, lw=1)
        elif np.isfinite(middle):
            axes.plot(smooth, smooth >= middle, color=color, lw=1)
    axes.set(xlabel="active synapses", ylabel="P(NMDA spike)", ylim=(-0.03, 1.05))
    axes.set(title=f"A   Detection curve, window {dataset.attrs['window']:g} ms")
    axes.legend(title="variation of\nconductances", loc="upper left")


def _draw_windows(axes: plt.Axes, dataset: xr.Dataset) -> None:
    axes.axvspan(1, 5, color="0.5", alpha=0.2, lw=0)
    top = float(dataset.active_synapses[-1])
    axes.text(5.6, top, "1 to 5 ms: as the\ntheory assumes", va="top", fontsize=7.5, color="0.25")
    for spread, color in zip(dataset.spread.values, COLORS, strict=False):
        one = dataset.sel(spread=spread)
        axes.errorbar(
            one.window, one.threshold_mean, one.threshold_deviation, fmt="o-", ms=3.5, lw=1, capsize=2, color=color,
            label=f"variation {spread:g}",
        )  # fmt: skip
    axes.set(xlabel="window in which the synapses fire (ms)", ylabel="threshold ± its deviation (synapses)")
    axes.set(title="B   Window of coincidence", ylim=(0, top + 1), xlim=(0, None))
    axes.legend(loc="lower right")


def _draw_false(axes: plt.Axes, dataset: xr.Dataset) -> None:
    random = dataset.where(dataset.kind == "random", drop=True).sortby("population")
    active, synapses = dataset.attrs["active"], dataset.attrs["synapses"]
    cells = np.unique(np.geomspace(float(random.population.min()), 3500, 60).round().astype(int))
    tails = np.asarray(false_match_probability(cells, active, synapses, np.arange(synapses + 1)[:, None]), float)
    for spread, color in zip(dataset.spread.values, COLORS, strict=False):
        one = random.sel(spread=spread)
        fit = dataset.sel(spread=spread, window=dataset.attrs["window"])
        middle, deviation = float(fit.threshold_mean), float(fit.threshold_deviation)
        if np.isfinite(middle):
            axes.plot(cells, tails[int(np.ceil(middle))], "--", lw=1, color=color)
            axes.plot(cells, [averaged(column, 0.0, middle, deviation) for column in tails.T], lw=1, color=color)
        seen = one.where(one.measured > 0, drop=True)
        axes.errorbar(seen.population, seen.measured, _bars(seen), fmt="o", ms=3.5, capsize=2, lw=1, color=color)
    axes.plot([], [], "o", ms=3.5, color="0.3", label="simulated segment, 95 %")
    axes.plot([], [], "-", lw=1, color="0.3", label="theory, averaged over thresholds")
    axes.plot([], [], "--", lw=1, color="0.3", label="theory, effective threshold")
    axes.set(xscale="log", yscale="log", ylim=(1e-13, 2), xlabel="population (cells)", ylabel="P(false match)")
    axes.set_xticks([300, 600, 1000, 2000, 3500], ["300", "600", "1000", "2000", "3500"])
    axes.xaxis.set_minor_formatter(lambda *_: "")
    axes.set(title=f"C   Random patterns of {counted(active, 'cell')}, {counted(synapses, 'synapse')}")
    axes.legend(loc="lower left", fontsize=7)


def _draw_agreement(axes: plt.Axes, dataset: xr.Dataset) -> None:
    """Measured over theory at the effective threshold; filled over the averaged theory."""
    ends = np.array([0.3 / dataset.attrs["trials"], 1.5])
    axes.plot(ends, ends, color=GREY, lw=0.8)
    for spread, color in zip(dataset.spread.values, COLORS, strict=False):
        for kind, marker in MARKERS.items():
            one = dataset.sel(spread=spread).where(dataset.kind == kind, drop=True)
            seen = one.where(one.measured > 0, drop=True)
            axes.plot(seen.theory, seen.measured, marker, ms=4, mfc="none", mew=0.8, color=color)
            axes.errorbar(seen.theory_soft, seen.measured, _bars(seen), fmt=marker, ms=3.5, lw=0.8, color=color)
    for kind, marker in MARKERS.items():
        axes.plot([], [], marker, ms=3.5, color="0.3", label=WORDS[kind])
    axes.plot([], [], "o", ms=4, mfc="none", mew=0.8, color="0.3", label="open: at one threshold")
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    axes.set(xlabel="theory (filled: averaged over thresholds)", ylabel="measured")
    axes.set(title="D   Measured against theory")
    axes.legend(loc="upper left", fontsize=7, labelspacing=0.3)


def _bars(one: xr.Dataset) -> NDArray:
    bars = np.array([one.measured - one.measured_low, one.measured_high - one.measured])
    return np.maximum(bars, 0.0)
