"""Does a power law or a Hill curve describe the calcium response?

Draws the measured mean calcium with both fitted curves, and what each leaves over. It simulates nothing:
the dataset comes from studies/calcium_response.py and the coefficients from mapping/calcium_response.py.
For the default dataset the Hill curve leaves 0.3 % of the response and the power law 6 %, because calcium
levels off within the measured range and no power does. Neither curve knows the cell at rest: the fitted
baseline is that of the measured range (0.30 umolar), the resting level without any drive is 0.054 umolar.
"""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mapping.calcium_response import CURVES, Candidate
from mapping.coefficients import Coefficients

Calcium = Callable[[np.ndarray], np.ndarray]
COLORS = {"power_law": "#D55E00", "hill": "#0072B2"}
TITLES = {"power_law": "power law", "hill": "Hill"}


def draw(dataset: xr.Dataset, coefficients: Coefficients) -> Figure:
    """Measured calcium with both curves above, residuals below, against rate."""
    style = Path(__file__).with_name("figures.mplstyle")
    with plt.style.context(style if style.is_file() else "default"):
        figure, (top, bottom) = plt.subplots(
            2, 1, figsize=(4.6, 4.6), sharex=True, height_ratios=(2, 1), layout="constrained"
        )
        measured = dataset.calcium_mean
        rates = np.repeat(measured.rate.values, measured.sizes["trial"])
        points = measured.transpose("rate", "trial").values.ravel()
        top.plot(rates, points, "o", color="0.2", ms=4, mfc="none", label="simulated, each trial")
        for form, candidate in coefficients.candidates.items():
            if candidate is not None:
                calcium = _physical(form, candidate, coefficients.reference.rate)
                _draw_curve(top, bottom, rates, points, form, calcium, candidate.r_squared)
        bottom.axhline(0, color="0.6", lw=0.8, zorder=0)
        top.set(ylabel="mean calcium (µM)", title=_title(coefficients))
        top.legend(loc="lower right", frameon=False)
        bottom.set(xscale="log", xlabel="presynaptic rate (Hz)", ylabel="residual (µM)")
        bottom.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    return figure


def _draw_curve(
    top: Axes,
    bottom: Axes,
    rates: np.ndarray,
    points: np.ndarray,
    form: str,
    calcium: Calcium,
    r_squared: float,
) -> None:
    """One candidate in physical units: its curve and its residuals."""
    fine = np.geomspace(rates.min(), rates.max(), 300)
    label = f"{TITLES[form]}, R² = {r_squared:.4f}"
    top.plot(fine, calcium(fine), color=COLORS[form], label=label)
    bottom.plot(rates, points - calcium(rates), "o", color=COLORS[form], ms=3)


def _physical(form: str, candidate: Candidate, reference_rate: float) -> Calcium:
    """Calcium (umolar) against rate (Hz) on a candidate's curve."""
    coefficients = [candidate.baseline, candidate.amplitude, candidate.exponent]
    coefficients += [] if candidate.half is None else [candidate.half]
    return lambda rate: candidate.reference_calcium * CURVES[form](rate / reference_rate, *coefficients)


def _title(coefficients: Coefficients) -> str:
    if coefficients.response is None:
        return "fit failed"
    return f"chosen by AICc: {TITLES[coefficients.response.form]}"
