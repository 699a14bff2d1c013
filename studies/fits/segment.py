"""Does a logistic curve describe the answer of a dendritic segment to the number of its active synapses?

Draws the measured answer with the fitted curve above, and what it leaves over below. It simulates nothing: the dataset
comes from studies/dendrites/segment_detection.py and the fit from mapping/segment_response.py.
"""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from mapping.segment_response import SegmentFit, opening
from studies.figure import paper_style

ORANGE = "#D55E00"


def summary(fit: SegmentFit) -> str:
    """Threshold and gain."""
    if fit.curve is None:
        return "segment: failed"
    low, high = fit.curve.intervals["gain"]
    return f"opens half at {fit.threshold_synapses:.2f} synapses, gain {fit.curve.gain:.2f} ({low:.2f} to {high:.2f})"


def draw(dataset: xr.Dataset, fit: SegmentFit) -> plt.Figure:
    """Measured answer and fitted curve (if there is one) against active synapses, and the residuals."""
    chosen = dataset[fit.measure].sel(fit.at).sortby("active_synapses")
    extra = [name for name in chosen.dims if name != "active_synapses"]
    measured = chosen.mean(extra) if extra else chosen
    synapses, values = measured.active_synapses.values, measured.values
    with paper_style():
        figure, (top, bottom) = plt.subplots(2, 1, figsize=(4.6, 4.6), sharex=True, height_ratios=(2, 1))
        top.plot(synapses, values, "o", color="0.2", ms=4, mfc="none", label="simulated")
        if fit.curve is not None and fit.threshold_synapses and fit.floor is not None and fit.ceiling is not None:
            curve, theta, rise = fit.curve, fit.threshold_synapses, fit.ceiling - fit.floor
            at = lambda n: fit.floor + rise * opening(n / theta, curve.threshold, curve.gain)
            fine = np.linspace(synapses[0], synapses[-1], 400)
            label = f"{theta:.2f} synapses, gain {curve.gain:.1f}, R² {curve.r_squared:.4f}"
            top.plot(fine, at(fine), color=ORANGE, label=label)
            bottom.plot(synapses, values - at(synapses), "o", color=ORANGE, ms=3)
        bottom.axhline(0, color="0.6", lw=0.8)
        top.set(ylabel=fit.measure.replace("_", " ") + (f" ({fit.units})" if fit.units != "1" else ""))
        top.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1.0))
        bottom.set(xlabel="active synapses", ylabel="residual")
    return figure
