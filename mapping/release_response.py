"""Steady release of a synapse with short-term plasticity against the rate of its spikes -> a feature map.

A spike releases a share p of the vesicles. What arrives behind the synapse each second is the drive nu p(nu), spikes a
second times release by a spike. Without plasticity p is a constant and the drive in proportion. With it (biophys/
synapse.py; Tsodyks & Markram, PNAS 94:719, 1997; mean field of De Pitta et al., PLoS Comput Biol 7:e1002293, 2011)

    p(nu) = U Omega_d (Omega_f + nu) / (Omega_d Omega_f + U (Omega_d + Omega_f) nu + U nu^2),

and the drive rises with every rate (its derivative has no negative term) but saturates at Omega_d: sites release no
more often than they are filled. With x = nu / f_ref, d = f_ref / Omega_d and f = f_ref / Omega_f it is, divided by its
value at f_ref,

    T(x) = x p(x)/p(1),    p(x) = U (1 + f x) / (1 + U (d + f) x + U d f x^2),

three pure numbers, fitted to log p. The hidden neuron of a network has the rate elu(k) + 1, which is 1 at rest: the
feature map is phi(k) = T(elu(k) + 1) (astromorph/feature_map.py).

Where the mean field errs by more than a tenth, as with an astrocyte that acts back on the synapse, the measured points
themselves are taken: log T is the monotone interpolant over log x, so that T is positive. T may fall between points
where release falls faster than 1/x. Below the measured range T goes on in proportion to x, above it stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import OptimizeResult

from mapping.calcium_response import checked_reference
from mapping.least_squares import ON_BOUND, best_run, interval_widths
from mapping.places import Place, indices
from mapping.tables import means, points, rows
from mapping.units import in_units

UNITS = {"release": "1", "release_error": "1", "rate": "Hz"}
FORMS = ("mean_field", "curve", "best")
NAMES = ("resting", "recovery", "facilitation")
LOWER, UPPER = np.array([1e-6, 0.0, 0.0]), np.array([1.0, 1e4, 1e4])
LARGEST_RESIDUAL = 0.1  # of log p: above it the mean field does not describe the release
LEAST_RATES = 5


@dataclass(frozen=True)
class ReleaseFit:
    """Outcome of a fit: `status` is ok or failed, then `reason` says why and `form` is None. Intervals cover 95 %."""

    RESULT: ClassVar[str] = "form"
    CURE: ClassVar[str] = "measure release at more rates"

    status: Literal["ok", "failed"]
    reason: str
    form: Literal["mean_field", "curve"] | None
    resting: float | None  # U; None if nothing converged, as the next three
    recovery: float | None  # d
    facilitation: float | None  # f
    intervals: dict[str, list[float]] | None  # coefficient -> [low, high]
    residual_rms: float | None  # of log p, of the mean field
    reference_rate: float  # Hz
    reference_release: float  # p at the reference rate, of the chosen form
    at: dict[str, str]  # where release was taken along other dimensions
    knots: list[float]  # x
    values: list[float]  # T as measured
    error: list[float] | None  # standard error of T, if it was measured
    lowest: float
    highest: float


def release(x: ArrayLike, resting: float, recovery: float, facilitation: float) -> NDArray:
    """p(x), the share released by a spike."""
    x = np.asarray(x, float)
    U, d, f = resting, recovery, facilitation
    return U * (1 + f * x) / (1 + U * x * (d + f + d * f * x))


def fit_release(
    dataset: xr.Dataset, *, reference_rate: float | None = None, form: str = "best", at: Mapping[str, Place] = {}
) -> ReleaseFit:
    """Fit `release` (rate) of study release-rate, and choose `form`.

    Units are read and converted. Rates may be repeated, by trials or rows, and missing (NaN); release at 0 Hz is fitted
    by the mean field, and left out of the curve, which runs over the logarithm of the rate.

    form: mean_field, curve, or best (the mean field unless it errs by more than a tenth). at: the value to take along
    each further dimension, such as {"loop": "none"}. reference_rate: Hz at x = 1, else the geometric mean.

    A release that cannot be fitted is returned as a failed fit with its reason. Raises ValueError if the dataset holds
    no such release or value, or the form or the reference rate is impossible.
    """
    if form not in FORMS:
        raise ValueError(f"there is no form {form!r} of a release; use one of {', '.join(FORMS)}")
    rates, measured, error = _measured(dataset, at)
    reference_rate = checked_reference(rates[rates > 0], reference_rate)
    each, answers = points(rates / reference_rate, measured)
    run = _fit(each, np.log(answers)) if len(rates) >= LEAST_RATES else None
    residual = float(np.sqrt(2 * run.cost / len(each))) if run is not None else None
    above = rates > 0
    rates, x, measured = rates[above], rates[above] / reference_rate, means(measured[above])
    error = None if error is None else error[above]
    describes = residual is not None and residual <= LARGEST_RESIDUAL
    chosen = form if form != "best" else "mean_field" if describes else "curve"
    reason = _reason(rates, reference_rate, chosen, residual)
    at_reference = _at_reference(x, measured, run if chosen == "mean_field" else None)
    return ReleaseFit(
        status="failed" if reason else "ok",
        reason=reason,
        form=None if reason else chosen,  # type: ignore[arg-type]
        **_coefficients(run),
        residual_rms=residual,
        reference_rate=reference_rate,
        reference_release=at_reference,
        at={str(name): str(place) for name, place in at.items()},
        knots=x.tolist(),
        values=(x * measured / at_reference).tolist(),
        error=None if error is None else (x * error / at_reference).tolist(),
        lowest=float(x[0]),
        highest=float(x[-1]),
    )


def _at_reference(x: NDArray, measured: NDArray, run: OptimizeResult | None) -> float:
    """p at x = 1, of the mean field or else of the curve through what was measured."""
    if run is not None:
        return float(release(1.0, *run.x))
    drive = PchipInterpolator(np.log(x), np.log(x * measured)) if len(x) > 1 else np.log
    return float(np.exp(drive(np.clip(0.0, *np.log(x[[0, -1]])))))


def _coefficients(run: OptimizeResult | None) -> dict[str, Any]:
    """U, d and f with their intervals; all None if nothing converged."""
    if run is None:
        return dict.fromkeys((*NAMES, "intervals"))
    values, widths = run.x.tolist(), interval_widths(run, LOWER, UPPER).tolist()
    ends = [[value - width, value + width] for value, width in zip(values, widths, strict=True)]
    return dict(zip(NAMES, values, strict=True)) | {"intervals": dict(zip(NAMES, ends, strict=True))}


def _measured(dataset: xr.Dataset, at: Mapping[str, Place]) -> tuple[NDArray, NDArray, NDArray | None]:
    """Rates (rate,) in Hz, rising, release (rate, trial), and the standard error of its mean (rate,) if known."""
    if "release" not in dataset or "rate" not in dataset.release.dims:
        raise ValueError("the dataset holds no release against rate; make one: astromorph study release-rate")
    dataset = in_units(dataset, UNITS)
    along = ("rate",) if "trial" in at else ("rate", "trial")
    names = [name for name in ("release", "release_error") if name in dataset]
    chosen = dataset[names].isel(indices(dataset.release, along, at))
    rates, measured = rows(chosen.release, "rate")
    if np.any(wrong := (measured <= 0) | (measured > 1)):
        raise ValueError(
            f"release {measured[wrong][0]:g} is no share of the vesicles; give numbers above 0 and up to 1"
        )
    if rates[0] < 0 or rates[-1] == 0:
        raise ValueError(f"rate {rates[0]:g} Hz is negative or alone; give rates of 0 Hz or more")
    return rates, measured, _error(chosen, rates)


def _error(chosen: xr.Dataset, rates: NDArray) -> NDArray | None:
    """Standard error of the mean release at each rate, from those of its rows; None if one is not known."""
    if "release_error" not in chosen or not np.isfinite(chosen.release_error).any():
        return None
    places, errors = rows(chosen.release_error, "rate")
    if len(places) != len(rates) or np.isfinite(errors).all(axis=1).sum() != len(rates):
        return None
    return np.sqrt(np.sum(errors**2, axis=1)) / errors.shape[1]


def _fit(x: NDArray, logarithm: NDArray) -> OptimizeResult | None:
    """Best of several starts; None if none converges."""
    starts = product((0.1, 0.6), (0.3, 3.0), (0.3, 3.0))
    best = best_run(lambda values: np.log(release(x, *values)) - logarithm, starts, (LOWER, UPPER))
    if best is not None:
        best.x = np.where(best.x - LOWER > ON_BOUND, best.x, LOWER)
    return best


def _reason(rates: NDArray, reference_rate: float, form: str, residual: float | None) -> str:
    """Why the fit is of no use, as one sentence; empty if it is good."""
    if len(rates) < LEAST_RATES:
        return f"{len(rates)} rates are too few to fit; simulate at least {LEAST_RATES}"
    if form == "curve" and not rates[0] <= reference_rate <= rates[-1]:
        return f"the reference rate {reference_rate:.3g} Hz lies outside the measured {rates[0]:g} to {rates[-1]:g} Hz"
    if form == "mean_field" and (residual is None or residual > LARGEST_RESIDUAL):
        state = "did not converge" if residual is None else f"errs by {residual:.2g} of the release"
        return f"the mean field {state}, where at most {LARGEST_RESIDUAL} is allowed; use --form curve"
    return ""
