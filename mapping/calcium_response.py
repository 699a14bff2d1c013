"""Calcium against presynaptic rate -> the response of presynaptic plasticity.

An astrocyte's mean calcium rises with the rate f of its synapses and saturates. Mia, Bal & Sengupta (IEEE
TCDS 2025, Eq. 14) put this into attention as a bare power alpha = 0.25 of the summed keys. Here two curves
are fitted to the measured response by least squares,

    power law  Ca(f) = c0 + c1 f^alpha          Hill  Ca(f) = c0 + c1 f^n / (K^n + f^n),

and the one with the lower small-sample Akaike criterion AICc (Hurvich & Tsai, Biometrika 76:297, 1989) is
kept. Where neither describes the response, the measured curve itself is taken (mapping/calcium_curve.py). Attention
has no hertz: with x = f / f_ref and rho(x) = Ca(x f_ref) / Ca(f_ref) on the fitted curve,
rho(1) = 1 and all coefficients are pure numbers. f_ref is where the mean activity of a trained layer sits;
by default the geometric mean of the measured rates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from mapping.calcium_curve import MeasuredCurve, measured_curve
from mapping.least_squares import ON_BOUND, aicc, best_run, interval_widths
from mapping.tables import means, points, rows
from mapping.units import in_units, plain_number

UNITS = {"calcium_mean": "umolar", "rate": "Hz"}
LEAST_R_SQUARED = 0.9  # below it neither curve describes the response, and the fit counts as failed
SPARE_RATES = 2  # distinct rates a candidate needs beyond its number of coefficients
SPARE_POINTS = 3  # points (rates x trials) it needs beyond that number; AICc divides by one less


@dataclass(frozen=True)
class Candidate:
    """One fitted curve in dimensionless form, how well it describes the data, and 95 % confidence intervals.

    Every curve is divided by its own Ca(f_ref), which the intervals take as exact. A coefficient that ends on
    its bound (a baseline of 0) is taken as exact too.
    """

    baseline: float
    amplitude: float
    exponent: float
    half: float | None  # Hill only: K / f_ref
    reference_calcium: float  # umolar, of this curve at x = 1
    intervals: dict[str, list[float]]  # coefficient -> [low, high]
    residual_rms: float  # of rho
    r_squared: float
    aicc: float


@dataclass(frozen=True)
class CalciumFit:
    """Outcome of a fit: `status` is ok or failed, then `reason` says why and `form` is None."""

    status: Literal["ok", "failed"]
    reason: str
    form: Literal["power_law", "hill", "curve"] | None
    by_criterion: bool  # whether AICc chose the form
    candidates: dict[str, Candidate | None]  # None: too few rates, or not converged
    curve: MeasuredCurve | None  # None: fewer than two levels, or no calcium at the reference rate
    reference_rate: float  # Hz
    reference_calcium: float  # umolar
    lowest: float  # measured range of x
    highest: float


def power_law(x: NDArray, baseline: float, amplitude: float, exponent: float) -> NDArray:
    """rho(x) = baseline + amplitude x^exponent."""
    return baseline + amplitude * x**exponent


def hill(x: NDArray, baseline: float, amplitude: float, exponent: float, half: float) -> NDArray:
    """rho(x) = baseline + amplitude x^exponent / (half^exponent + x^exponent)."""
    with np.errstate(divide="ignore"):  # at rate 0
        return baseline + amplitude / (1 + (half / x) ** exponent)


NAMES = ("baseline", "amplitude", "exponent", "half")
CURVES: dict[str, Callable[..., NDArray]] = {"power_law": power_law, "hill": hill}
FORMS = (*CURVES, "curve", "best")
# Bounds in units of the largest measured calcium, and x. Calcium is positive and rises with rate.
LOWER = np.array([0.0, 0.0, 0.01, 1e-4])
UPPER = np.array([2.0, 100.0, 8.0, 1e4])


def fit_calcium_response(dataset: xr.Dataset, *, reference_rate: float | None = None, form: str = "best") -> CalciumFit:
    """Fit all curves to `calcium_mean` (rate, trial), and choose `form`.

    Units are read and converted. Trials may be missing (NaN) and rates repeated. Calcium at 0 Hz is fitted by the laws,
    and left out of the curve, which runs over the logarithm of the rate.

    form: power_law, hill, curve, or best (the better law by AICc; where neither describes the response, the curve).

    A response that cannot be fitted is returned as a failed fit with its reason. Raises ValueError if the
    dataset holds no such response, the form is unknown or reference_rate is not positive.
    """
    if form not in FORMS:
        raise ValueError(f"there is no form {form!r} of a calcium response; use one of {', '.join(FORMS)}")
    rates, calcium = measured(dataset)
    above = rates > 0
    reference_rate = checked_reference(rates[above], reference_rate)
    x, answers = points(rates / reference_rate, calcium)
    fits = {name: _fit(name, x, answers, len(rates)) for name in CURVES}
    curve = measured_curve(rates[above] / reference_rate, calcium[above])
    chosen = _chosen(form, fits, curve)
    best = curve if chosen == "curve" else fits.get(chosen)
    reason = _reason(means(calcium), form, best)
    return CalciumFit(
        status="failed" if reason else "ok",
        reason=reason,
        form=None if reason else chosen,  # type: ignore[arg-type]
        by_criterion=form == "best" and chosen != "curve",
        candidates=fits,
        curve=curve,
        reference_rate=reference_rate,
        reference_calcium=best.reference_calcium if best else float(answers.mean()),
        lowest=float(x[x > 0].min()),
        highest=float(x.max()),
    )


def _chosen(form: str, fits: dict[str, Candidate | None], curve: MeasuredCurve | None) -> str:
    """The form itself, or the best; without any, the empty name."""
    if form != "best":
        return form
    laws = {name: fit for name, fit in fits.items() if fit is not None}
    best = min(laws, key=lambda name: laws[name].aicc, default="")
    if best and laws[best].r_squared < LEAST_R_SQUARED and curve and curve.r_squared >= LEAST_R_SQUARED:
        return "curve"
    return best


def measured(dataset: xr.Dataset) -> tuple[NDArray, NDArray]:
    """Rates (rate,) in Hz, rising, and calcium (rate, trial) in umolar, NaN where a trial is missing."""
    if "calcium_mean" not in dataset or "rate" not in dataset.calcium_mean.dims:
        raise ValueError(
            "the dataset holds no calcium_mean against rate; make one: astromorph simulate calcium-response"
        )
    rates, calcium = rows(in_units(dataset, UNITS).calcium_mean, "rate")
    if rates[0] < 0 or rates[-1] == 0:
        raise ValueError(f"rate {rates[0]:g} Hz is negative or alone; give rates of 0 Hz or more")
    return rates, calcium


def checked_reference(rates: NDArray, given: Any) -> float:
    """The rate of x = 1 in Hz: that given, or the geometric mean of rates. ValueError if it is no rate."""
    if given is None:
        return float(np.exp(np.log(rates).mean()))
    reference_rate = plain_number(given, "Hz", "reference rate")
    if not (np.isfinite(reference_rate) and reference_rate > 0):
        raise ValueError(f"reference rate {reference_rate:g} Hz is not a rate; use one above 0 Hz")
    return reference_rate


def _reason(means: NDArray, form: str, fit: Candidate | MeasuredCurve | None) -> str:
    """Why the fit is of no use, as one sentence; empty if it is good."""
    if form == "curve" and fit is None:
        return "calcium does not rise with rate, or the reference rate lies outside the measured rates"
    if len(means) > 1 and means[-1] <= means[0]:
        return f"calcium does not rise with rate: from {means[0]:.4g} to {means[-1]:.4g} umolar"
    if fit is None and means.min() < 0:
        return f"calcium goes below 0, to {means.min():.4g} umolar; leave out what was not measured"
    if fit is None:
        return f"{len(means)} rates are too few to fit, or no curve converged; simulate at least 7 rates"
    if not fit.r_squared >= LEAST_R_SQUARED:
        which = "better curve" if form == "best" else form.replace("_", " ")
        return f"R^2 of the {which} is {fit.r_squared:.3f} where at least {LEAST_R_SQUARED} is needed"
    return ""


def _fit(form: str, x: NDArray, calcium: NDArray, rates: int) -> Candidate | None:
    """Best of several starts; None if there are too few rates or none converges."""
    curve = CURVES[form]
    count = len(NAMES) if form == "hill" else len(NAMES) - 1
    if rates < count + SPARE_RATES or len(x) < count + SPARE_POINTS:
        return None
    scale = calcium.max()
    if not scale > 0:
        return None
    run = best_run(
        lambda values: curve(x, *values) - calcium / scale,
        [np.clip(start[:count], LOWER[:count] + 1e-9, UPPER[:count]) for start in _starts(x, calcium / scale)],
        (LOWER[:count], UPPER[:count]),
    )
    return None if run is None else _candidate(curve, run, calcium / scale, scale)


def _starts(x: NDArray, calcium: NDArray) -> list[NDArray]:
    """Coefficients to start from: shallow to steep curves, half-activated at low to high rates."""
    low, rise = calcium.min(), np.ptp(calcium)
    middle = float(np.exp(np.log(x[x > 0]).mean()))
    grid = product((0.2, 1.0, 3.0), (0.3 * middle, middle, 3 * middle))
    return [np.array([0.9 * low, rise, exponent, half]) for exponent, half in grid]


def _candidate(curve: Callable[..., NDArray], run: OptimizeResult, calcium: NDArray, scale: float) -> Candidate | None:
    """Dimensionless coefficients and measures of fit; `calcium` is what was fitted, in units of `scale`."""
    points, count = run.jac.shape
    squares = float(2 * run.cost)
    fitted = np.where(run.x - LOWER[:count] > ON_BOUND, run.x, LOWER[:count])
    at_reference = float(curve(np.array(1.0), *fitted))
    if not at_reference > 0:  # what was measured lies below 0
        return None
    units = np.array([at_reference, at_reference, 1.0, 1.0])[:count]
    values, reach = fitted / units, interval_widths(run, LOWER[:count], UPPER[:count]) / units
    return Candidate(
        baseline=float(values[0]),
        amplitude=float(values[1]),
        exponent=float(values[2]),
        half=float(values[3]) if count == len(NAMES) else None,
        reference_calcium=float(at_reference * scale),
        intervals={
            name: [float(value - width), float(value + width)]
            for name, value, width in zip(NAMES, values, reach, strict=False)
        },
        residual_rms=float(np.sqrt(squares / points)) / at_reference,
        r_squared=float(1 - squares / np.sum((calcium - calcium.mean()) ** 2)) if np.ptp(calcium) > 0 else 0.0,
        aicc=aicc(squares, points, count),
    )
