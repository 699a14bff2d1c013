"""Does what a cycle adds to slow plasticity shrink as a geometric series?

Draws the measured shares with the fitted retention factor, and what the factor becomes for texts of other lengths. It
simulates nothing: the process comes from `astromorph simulate retention` and the fit from mapping/retention.py.
"""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from mapping.retention import RetentionFit, factor
from studies.figure import paper_style

ORANGE = "#D55E00"
TEXTS = (4, 8, 16)  # segments


def summary(fit: RetentionFit) -> str:
    """The ratio with its interval."""
    if fit.ratio is None or fit.ratio_interval is None:
        return "retention: failed"
    low, high = fit.ratio_interval
    return f"retention: a cycle adds {fit.ratio:.4f} of what the one before added ({low:.4f} to {high:.4f})"


def draw(dataset: xr.Dataset, fit: RetentionFit) -> plt.Figure:
    """Shares as measured (mean and standard deviation over synapses) and fitted; the factor for other T."""
    with paper_style():
        figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.0), layout="constrained")
        cycles = np.arange(1, len(fit.shares) + 1)
        left.errorbar(
            cycles,
            fit.shares,
            fit.spread,
            fmt="o",
            color="0.2",
            mfc="none",
            ms=5,
            capsize=2,
            label="simulated synapses",
        )
        if fit.ratio is not None and fit.ratio_interval is not None:
            low, high = (factor(cycles, len(cycles), min(end, 1.0)) for end in fit.ratio_interval)
            left.plot(cycles, factor(cycles, len(cycles), fit.ratio), color=ORANGE, label=f"q = {fit.ratio:.4f}")
            left.fill_between(cycles, low, high, color=ORANGE, alpha=0.25, lw=0)
            left.set_title(f"95 % interval of q: {fit.ratio_interval[0]:.4f} to {fit.ratio_interval[1]:.4f}")
            for segments in TEXTS:
                t = np.arange(1, segments + 1)
                right.plot(t, factor(t, segments, fit.ratio), "o-", ms=3, label=f"T = {segments}")
            right.set(xlabel="segment t", ylabel="retention factor", ylim=(0, None), title="for a text of T segments")
            right.legend()
            right.xaxis.set_major_locator(plt.MaxNLocator(integer=True))
        else:
            left.set_title("fit failed")
            right.set_axis_off()
        left.set(xlabel=f"cycle of {fit.cycle:g} s", ylabel="share of what all cycles add", ylim=(0, None))
        left.legend()
    return figure
