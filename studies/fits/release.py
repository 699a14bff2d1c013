"""Does the mean field describe the drive of a synapse with short-term plasticity, and what feature map comes of it?

Draws release by a spike and the drive, as measured and fitted, against rate, and the feature map phi(x) beside elu(x) +
1. It simulates nothing: release comes from study release-rate and the fit from mapping/release_response.py.
"""

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from mapping.least_squares import quantile
from mapping.release_response import NAMES, ReleaseFit, release
from studies.figure import paper_style
from studies.fits.band import half_width

ORANGE, BLUE = "#D55E00", "#0072B2"


def summary(fit: ReleaseFit) -> str:
    """The chosen form, and how far the mean field is from what was measured."""
    if fit.form is None:
        line = "release: failed"
    else:
        line = f"release: {fit.form}, measured from x = {fit.lowest:.3g} to {fit.highest:.3g}"
    if fit.residual_rms is None:
        return line
    return (
        f"{line}; mean field U {fit.resting:.3f}, d {fit.recovery:.3g}, f {fit.facilitation:.3g} errs by "
        f"{100 * fit.residual_rms:.2g} %"
    )


def draw(dataset: xr.Dataset, fit: ReleaseFit) -> plt.Figure:
    """Release and drive against rate (shaded: 95 % confidence); the feature map."""
    with paper_style():
        figure, (left, middle, right) = plt.subplots(1, 3, figsize=(7.2, 2.9), layout="constrained")
        x, drive = np.array(fit.knots), np.array(fit.values)
        fine = np.geomspace(x[0], x[-1], 300)
        scales = (fit.reference_release / x, np.ones_like(x))
        for axes, scale, name in zip((left, middle), scales, ("release by a spike", "drive T"), strict=True):
            errors = None if fit.error is None else quantile(100) * np.array(fit.error) * scale
            axes.errorbar(
                x * fit.reference_rate, drive * scale, errors, fmt="o", color="0.2", mfc="none", ms=4, capsize=2
            )
            axes.set(xscale="log", yscale="log", xlabel="presynaptic rate (Hz)", ylabel=name)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(plt.LogLocator(subs=(1.0, 2.0, 5.0) if axis is axes.yaxis else (1.0,)))
                axis.set_major_formatter(lambda value, _: f"{value:g}")
                axis.set_minor_formatter(plt.NullFormatter())
        if fit.form is not None:
            _draw_fit(left, middle, fit, fine)
            _draw_feature_map(right, fit)
        else:
            left.set_title("fit failed")
            right.set_axis_off()
    return figure


def _draw_fit(left: plt.Axes, middle: plt.Axes, fit: ReleaseFit, fine: NDArray) -> None:
    p = fit.reference_release * transfer(fit, fine) / fine
    half = _half_width(fit, fine)
    for axes, scale in ((left, np.ones_like(fine)), (middle, fine / fit.reference_release)):
        axes.plot(fine * fit.reference_rate, p * scale, color=ORANGE)
        low, high = p * np.exp(-half) * scale, p * np.exp(half) * scale
        axes.fill_between(fine * fit.reference_rate, low, high, color=ORANGE, alpha=0.25, lw=0)
    at = ", ".join(f"{name} {value}" for name, value in fit.at.items())
    left.set_title(f"{str(fit.form).replace('_', ' ')}" + (f" ({at})" if at else ""))
    middle.set_title(f"T(1) = 1 at {fit.reference_rate:.3g} Hz")


def _half_width(fit: ReleaseFit, fine: NDArray) -> NDArray:
    """Of log p; of a measured curve there is none but the error bars."""
    if fit.form != "mean_field" or fit.intervals is None:
        return np.zeros_like(fine)
    x = np.array(fit.knots)
    numbers = [getattr(fit, name) for name in NAMES]
    law = lambda at, *each: np.log(release(at, *each))
    left = np.log(np.array(fit.values) * fit.reference_release / x) - law(x, *numbers)
    free = [low < high for low, high in fit.intervals.values()]
    return half_width(law, numbers, free, x, left, fine)


def transfer(fit: ReleaseFit, x: NDArray) -> NDArray:
    """T(x) of the chosen form, beyond the measured range too."""
    if fit.form == "mean_field":
        numbers = [getattr(fit, name) for name in NAMES]
        return x * release(x, *numbers) / fit.reference_release
    inside = np.clip(x, fit.lowest, fit.highest)
    curve = PchipInterpolator(np.log(fit.knots), np.log(fit.values))
    return np.exp(curve(np.log(inside))) * np.minimum(x / fit.lowest, 1)


def _draw_feature_map(axes: plt.Axes, fit: ReleaseFit) -> None:
    k = np.linspace(-4, 4, 300)
    rate = np.where(k > 0, k + 1, np.exp(np.minimum(k, 0)))
    axes.plot(k, rate, color="0.5", lw=1, label="elu(k) + 1")
    axes.plot(k, transfer(fit, rate), color=BLUE, label="T(elu(k) + 1)")
    axes.set(xlabel="key or query k", ylabel="activity φ(k)", title="feature map")
    axes.legend()
