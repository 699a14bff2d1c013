"""Does a power law or a Hill curve describe the calcium response?

Draws the measured mean calcium with both fitted curves, and what each leaves over. It simulates nothing:
the dataset comes from studies/physiology/calcium_response.py and the fit from mapping/calcium_response.py.
For the default dataset the Hill curve leaves 0.3 % of the response and the power law 6 %, because calcium
levels off within the measured range and no power does. Neither curve knows the cell at rest: the fitted
baseline is that of the measured range (0.30 umolar), the resting level without any drive is 0.054 umolar.
"""

from collections.abc import Callable
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from scipy.interpolate import PchipInterpolator

from mapping import tables
from mapping.calcium_curve import MeasuredCurve
from mapping.calcium_response import CURVES, NAMES, CalciumFit, Candidate, measured
from studies.figure import paper_style
from studies.fits.band import half_width

Calcium = Callable[[np.ndarray], np.ndarray]
COLORS = {"power_law": "#D55E00", "hill": "#0072B2", "curve": "#009E73"}
TITLES = {"power_law": "power law", "hill": "Hill", "curve": "measured curve"}


def summary(fit: CalciumFit) -> str:
    """How well each curve describes the response, and which was chosen."""
    lines = [
        f"{form}: exponent {law.exponent:.3f}, R^2 {law.r_squared:.4f}, AICc {law.aicc:.1f}"
        for form, law in fit.candidates.items()
        if law is not None
    ]
    if fit.curve is not None:
        lines.append(f"curve: {len(fit.curve.knots)} points, R^2 {fit.curve.r_squared:.4f}")
    if fit.form is not None:
        how = " by AICc" if fit.by_criterion else ""
        lines.append(f"chosen{how}: {fit.form}, measured from x = {fit.lowest:.3g} to {fit.highest:.3g}")
    return "\n".join(lines)


def draw(dataset: xr.Dataset, fit: CalciumFit) -> plt.Figure:
    """Measured calcium with the fitted curves above (shaded: 95 % confidence), residuals below, against rate."""
    with paper_style():
        figure, (top, bottom) = plt.subplots(2, 1, figsize=(4.6, 4.6), sharex=True, height_ratios=(2, 1))
        rates, points = tables.points(*measured(dataset))
        rates, points = rates[rates > 0], points[rates > 0]  # the axis is logarithmic
        top.plot(rates, points, "o", color="0.2", ms=4, mfc="none", label="measured, each trial")
        laws = {
            form: _physical(form, candidate, fit.reference_rate, rates, points)
            for form, candidate in fit.candidates.items()
            if candidate is not None
        }
        if fit.curve is not None and fit.form == "curve":
            laws["curve"] = _through(fit.curve, fit.reference_rate)
        for form, law in laws.items():
            _draw_law(top, bottom, rates, points, form, law)
        bottom.axhline(0, color="0.6", lw=0.8, zorder=0)
        top.set(ylabel="mean calcium (µM)", title=f"chosen: {TITLES[fit.form]}" if fit.form else "fit failed")
        top.legend(loc="lower right", frameon=False)
        bottom.set(xscale="log", xlabel="presynaptic rate (Hz)", ylabel="residual (µM)")
        bottom.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    return figure


def _draw_law(top: plt.Axes, bottom: plt.Axes, rates: np.ndarray, points: np.ndarray, form: str, law: "Law") -> None:
    """One candidate in physical units: its curve with its band, and its residuals."""
    fine = np.geomspace(rates.min(), rates.max(), 300)
    label = f"{TITLES[form]}, R² = {law.r_squared:.4f}"
    middle, half = law.calcium(fine), law.half_width(fine)
    top.plot(fine, middle, color=COLORS[form], label=label)
    top.fill_between(fine, middle - half, middle + half, color=COLORS[form], alpha=0.2, lw=0)
    bottom.plot(rates, points - law.calcium(rates), "o", color=COLORS[form], ms=3)


class Law(NamedTuple):
    """Calcium (umolar) against rate (Hz) on a curve, and half the width of its confidence band."""

    calcium: Calcium
    half_width: Calcium
    r_squared: float


def _physical(form: str, candidate: Candidate, reference_rate: float, rates: np.ndarray, points: np.ndarray) -> Law:
    values = {name: getattr(candidate, name) for name in NAMES if getattr(candidate, name) is not None}
    free = [candidate.intervals[name][0] < candidate.intervals[name][1] for name in values]
    curve = lambda rate, *each: candidate.reference_calcium * CURVES[form](rate / reference_rate, *each)
    numbers = list(values.values())
    calcium = lambda rate: curve(rate, *numbers)
    left = points - calcium(rates)
    return Law(calcium, lambda rate: half_width(curve, numbers, free, rates, left, rate), candidate.r_squared)


def _through(curve: MeasuredCurve, reference_rate: float) -> Law:
    at = np.log(np.array(curve.knots) * reference_rate)
    rho = PchipInterpolator(at, curve.values)
    widths = [high - low for low, high in curve.intervals or []] or np.zeros(len(at))
    return Law(
        lambda rate: curve.reference_calcium * rho(np.log(rate)),
        lambda rate: curve.reference_calcium * np.interp(np.log(rate), at, widths) / 2,
        curve.r_squared,
    )
