"""Answer of a dendritic segment against its active synapses -> threshold and gain of the gate of a network's segment.

Inputs clustered on a branch sum sigmoidally (Polsky, Mel & Schiller, Nat Neurosci 7:621, 2004): with n synapses active
together the segment detects, which means it fires an NMDA spike, with probability p(n), and depolarises to V(n). Both
are described by a logistic curve,

    p(n) = 1 / (1 + exp(-g (n - theta)))          V(n) = V0 + V1 / (1 + exp(-g (n - theta)))

whose theta active synapses open the segment half, with a slope of g/4 per synapse. A network has no synapses to count:
with x = n / theta the opening is 1 / (1 + exp(-gain (x - threshold))), threshold = 1 and gain = g theta, pure numbers.
The gain says how hard the threshold is: at 2, a third of the synapses opens the segment a fifth; it is infinite in the
theory of biophys/patterns/theory.py.

Probabilities are fitted by logistic regression with a dispersion (Fletcher, Biometrika 99:230, 2012), as counts scatter
most in the middle of the curve and the number of counts need not be known; voltages by least squares. A segment that
sums linearly has no threshold: unless the curve describes the answer better than a straight line (by AICc,
Hurvich & Tsai, Biometrika 76:297, 1989), and in other cases named below, the fit counts as failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import expit

from mapping.least_squares import TINY, aicc, best_run, quantile
from mapping.places import Place, indices
from mapping.tables import means, points, rows
from mapping.units import in_units

UNITS = {"detection_probability": "1", "active_synapses": "1"}
Measure = Literal["detection_probability", "plateau_voltage"]
COEFFICIENTS: dict[Measure, int] = {"detection_probability": 2, "plateau_voltage": 4}  # of the curve of each measure
LEAST_R_SQUARED = 0.9  # below it the curve does not describe the answer
LEAST_BETWEEN = 2  # numbers of synapses that must open the segment neither fully nor not at all, to tell the gain
BETWEEN = (0.02, 0.98)  # what counts as neither
SPARE_NUMBERS = 3  # numbers of synapses needed beyond the number of coefficients; AICc divides by two less
LARGEST_GAIN = 1e3
MOST_STEPS = 50  # of Newton's method, which takes 5 to 10, or goes on for ever towards a step


@dataclass(frozen=True)
class SegmentCurve:
    """The fitted curve without units, how well it describes the data, and 95 % confidence intervals.

    `intervals` of the threshold are relative to the fitted one. residual_rms is in units of the opening (0 to 1);
    aicc_line is the criterion of a straight line through the same points.
    """

    threshold: float  # x at which the segment is half open: 1
    gain: float
    intervals: dict[str, list[float]]  # coefficient -> [low, high]
    residual_rms: float
    r_squared: float
    aicc: float
    aicc_line: float


@dataclass(frozen=True)
class SegmentFit:
    """Outcome of a fit: `status` is ok or failed, then `reason` says why."""

    status: Literal["ok", "failed"]
    reason: str
    measure: Measure
    units: str  # of the measure
    at: dict[str, float]  # where the answer was taken along other dimensions
    curve: SegmentCurve | None  # None: too few numbers of synapses, or not converged
    threshold_synapses: float | None  # theta, what x = 1 stands for; this and the rest None without a curve
    floor: float | None  # the measure at rest and fully open: 0 and 1, or V0 and V0 + V1 in units of the voltage
    ceiling: float | None
    lowest: float | None  # measured range of x
    highest: float | None


class Logistic(NamedTuple):
    """Fitted coefficients with the standard errors of the first two."""

    theta: float
    gain: float
    floor: float
    rise: float
    errors: NDArray  # of theta and gain


def opening(x: NDArray, threshold: float, gain: float) -> NDArray:
    """1 / (1 + exp(-gain (x - threshold)))."""
    return expit(gain * (np.asarray(x) - threshold))


def fit_segment_response(
    dataset: xr.Dataset, *, measure: Measure | None = None, at: Mapping[str, Place] = {}
) -> SegmentFit:
    """Fit `measure` (active_synapses, optionally trial); by default the first that the dataset holds.

    Shares in % are converted; a voltage keeps its unit. Trials may be missing (NaN), and numbers of synapses repeated.

    `at` gives the value to take along each further dimension, such as {"spread": 0.3, "window": 5}. An answer that
    cannot be fitted is returned as a failed fit with its reason. Raises ValueError if the dataset holds no such measure
    or value.
    """
    measure, measured = _chosen(in_units(dataset, UNITS), measure, at)
    synapses, answer = _measured(measured)
    where = {str(name): float(place) for name, place in at.items()}
    units = str(measured.attrs.get("units", "1"))
    n, answers = points(synapses, answer)
    least = COEFFICIENTS[measure] + SPARE_NUMBERS
    fit = _fit_probability if measure == "detection_probability" else _fit_voltage
    logistic = fit(n, answers) if len(synapses) >= least else None
    if logistic is None:
        reason = f"{len(synapses)} numbers of synapses are too few, or no curve converged; simulate at least {least}"
        return SegmentFit("failed", reason, measure, units, where, None, None, None, None, None, None)
    curve = _curve(n, answers, logistic, COEFFICIENTS[measure])
    reason = _reason(synapses, means(answer), logistic, curve)
    return SegmentFit(
        status="failed" if reason else "ok",
        reason=reason,
        measure=measure,
        units=units,
        at=where,
        curve=curve,
        threshold_synapses=logistic.theta,
        floor=logistic.floor,
        ceiling=logistic.floor + logistic.rise,
        lowest=float(synapses[0] / logistic.theta),
        highest=float(synapses[-1] / logistic.theta),
    )


def _chosen(dataset: xr.Dataset, measure: Measure | None, at: Mapping[str, Place]) -> tuple[Measure, xr.DataArray]:
    """The measure's name, and it along active_synapses and perhaps trial."""
    if measure is not None and measure not in COEFFICIENTS:
        raise ValueError(f"there is no measure {measure!r}; use one of {', '.join(COEFFICIENTS)}")
    held = [name for name in COEFFICIENTS if name in dataset and "active_synapses" in dataset[name].dims]
    if not held or (measure is not None and measure not in held):
        raise ValueError(
            f"the dataset holds no {measure or ' or '.join(COEFFICIENTS)} against active_synapses; "
            "make one: astromorph study segment-detection"
        )
    name = measure or held[0]
    return name, dataset[name].isel(indices(dataset[name], ("active_synapses", "trial"), at))


def _measured(answer: xr.DataArray) -> tuple[NDArray, NDArray]:
    """Numbers of synapses (n,) in rising order, and answers (n, trial), NaN where a trial is missing."""
    synapses, answers = rows(answer, "active_synapses")
    if synapses[0] < 0:
        raise ValueError(f"{synapses[0]:g} active synapses are fewer than 0; leave them out")
    if answer.name == "detection_probability" and np.any(wrong := (answers < 0) | (answers > 1)):
        raise ValueError(f"{answer.name} {answers[wrong][0]:g} leaves the range 0 to 1; give shares of the trials")
    return synapses, answers


def _reason(synapses: NDArray, means: NDArray, logistic: Logistic, curve: SegmentCurve) -> str:
    """Why the fit is of no use, as one sentence; empty if it is good."""
    theta, gain = logistic.theta, logistic.gain
    if means[-1] <= means[0]:
        return f"the segment does not answer more to more synapses: {means[0]:.4g} to {means[-1]:.4g}"
    if not curve.r_squared >= LEAST_R_SQUARED:
        return f"R^2 of the curve is {curve.r_squared:.3f} where at least {LEAST_R_SQUARED} is needed"
    if not curve.aicc < curve.aicc_line:
        return "a straight line describes the answer as well: the segment sums linearly and has no threshold"
    if not synapses[0] < theta < synapses[-1]:
        simulated = f"{synapses[0]:g} to {synapses[-1]:g}"
        return f"half of the answer takes {theta:.3g} synapses, outside the simulated {simulated}; simulate more"
    opened = opening(synapses / theta, 1.0, gain)
    if np.sum((opened > BETWEEN[0]) & (opened < BETWEEN[1])) < LEAST_BETWEEN:
        return f"the answer jumps near {theta:.3g} synapses, too abruptly to tell the gain; make inputs noisier"
    if not curve.intervals["gain"][0] > 0:
        return f"the gain {curve.gain:.3g} cannot be told from 0; simulate more trials"
    return ""


def _fit_probability(n: NDArray, answer: NDArray) -> Logistic | None:
    """Logistic regression logit p = a + b n by Newton's method; theta = -a / b, gain = -a."""
    scale = float(n.max()) or 1.0
    design = np.column_stack([np.ones_like(n), n / scale])
    line = np.zeros(2)
    for _ in range(MOST_STEPS):
        mean = expit(design @ line)
        information = design.T @ (design * (mean * (1 - mean))[:, None])
        step = np.linalg.pinv(information, hermitian=True) @ (design.T @ (answer - mean))
        line = line + step * min(1.0, 5 / max(np.abs(step).max(), TINY))
        if np.abs(step).max() < 1e-13 * np.abs(line).max() or np.abs(line).max() > LARGEST_GAIN:
            break
    if not line.all():
        return None
    covariance = np.linalg.pinv(information, hermitian=True) * _dispersion(answer, mean)
    a, b = line
    to_theta_and_gain = np.array([[-scale / b, scale * a / b**2], [-1.0, 0.0]])
    errors = np.sqrt(np.diag(to_theta_and_gain @ covariance @ to_theta_and_gain.T))
    return Logistic(float(-scale * a / b), float(-a), 0.0, 1.0, errors)


def _dispersion(answer: NDArray, mean: NDArray) -> float:
    """By how much the variance differs from p (1 - p): Pearson's estimate as corrected by Fletcher (2012).

    Without the correction a single miss where p is close to 1 outweighs everything else.
    """
    variance, left = np.maximum(mean * (1 - mean), TINY), answer - mean
    pearson = np.sum(left**2 / variance) / (len(mean) - 2)
    return float(pearson / max(1 + np.mean((1 - 2 * mean) * left / variance), TINY))


def _fit_voltage(n: NDArray, answer: NDArray) -> Logistic | None:
    """Least squares over theta, gain, V0, V1, from several starts; None if none converges."""
    low, scale, highest = float(answer.min()), float(np.ptp(answer)) or 1.0, float(n.max()) or 1.0

    def left(values: NDArray) -> NDArray:
        theta, gain, floor, rise = values
        return floor + rise * opening(n / theta, 1.0, gain) - (answer - low) / scale

    bounds = ([1e-3, 1e-3, -np.inf, 0.0], [10 * highest, LARGEST_GAIN, np.inf, np.inf])
    starts = product((0.3 * highest, 0.6 * highest), (3.0, 10.0, 40.0), (0.0,), (1.0,))
    best = best_run(left, starts, bounds)
    if best is None:
        return None
    theta, gain, floor, rise = map(float, best.x)
    covariance = np.linalg.pinv(best.jac.T @ best.jac) * 2 * best.cost / (len(n) - len(best.x))
    return Logistic(theta, gain, low + scale * floor, scale * rise, np.sqrt(np.diag(covariance))[:2])


def _curve(n: NDArray, answer: NDArray, logistic: Logistic, count: int) -> SegmentCurve:
    """Pure numbers and measures of fit."""
    scale = logistic.rise or 1.0
    left = (logistic.floor + logistic.rise * opening(n / logistic.theta, 1.0, logistic.gain) - answer) / scale
    line = (np.polynomial.Polynomial.fit(n, answer, 1)(n) - answer) / scale
    squares, spread = float(left @ left), float(np.sum((answer - answer.mean()) ** 2)) / scale**2
    theta_width, gain_width = map(float, quantile(len(n) - count) * logistic.errors)
    return SegmentCurve(
        threshold=1.0,
        gain=logistic.gain,
        intervals={
            "threshold": [1 - theta_width / logistic.theta, 1 + theta_width / logistic.theta],
            "gain": [logistic.gain - gain_width, logistic.gain + gain_width],
        },
        residual_rms=float(np.sqrt(squares / len(n))),
        r_squared=1 - squares / spread if spread > 0 else 0.0,
        aicc=aicc(squares, len(n), count),
        aicc_line=aicc(float(line @ line), len(n), 2),
    )
