"""The measured response itself, where no law describes it: a monotone curve through the mean calcium at every rate.

Calcium that rises with the rate can only fall by chance between two of them, so that the means are first made rising
by the least change (isotonic regression; Barlow et al., Statistical Inference under Order Restrictions, 1972). Through
them runs the monotone interpolant of astromorph/measured.py over the logarithm of the rate, in which rates are
measured evenly. It is divided by its own value at the reference rate, so that rho(1) = 1, and says nothing outside the
measured range.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression

from mapping.least_squares import quantile
from mapping.tables import means as means_of

FLAT = 1e-9  # relative rise that counts as none


@dataclass(frozen=True)
class MeasuredCurve:
    """rho = values at x = knots, with 95 % confidence intervals of the means if there were several trials.

    The intervals take calcium to scatter equally at all rates, and the calcium at x = 1 as exact.
    """

    knots: list[float]  # x
    values: list[float]  # rho
    intervals: list[list[float]] | None  # [low, high] at each knot
    reference_calcium: float  # umolar, at x = 1
    residual_rms: float  # of rho
    r_squared: float


def measured_curve(x: NDArray, calcium: NDArray) -> MeasuredCurve | None:
    """Curve through calcium (rate, trial) at x (rate,), rising; None if it is flat or x = 1 lies outside.

    Missing trials are NaN; a mean weighs as much as its trials.
    """
    measured = np.isfinite(calcium)
    trials, centres = measured.sum(axis=1), means_of(calcium)
    means = isotonic_regression(centres, weights=None if measured.all() else trials).x if len(x) else centres
    if len(x) < 2 or not x[0] <= 1 <= x[-1] or not means[-1] > (1 + FLAT) * means[0] or not means[0] > 0:
        return None
    at_reference = float(PchipInterpolator(np.log(x), means)(0.0))
    values, left = means / at_reference, (calcium - means[:, None]) / at_reference
    spread = calcium / at_reference - calcium[measured].mean() / at_reference
    intervals = None
    freedom = int(trials.sum()) - len(x)
    if freedom > 0:
        within = calcium / at_reference - centres[:, None] / at_reference
        widths = quantile(freedom) * np.sqrt(np.nansum(within**2) / freedom / trials)
        intervals = [[float(value - width), float(value + width)] for value, width in zip(values, widths, strict=True)]
    return MeasuredCurve(
        knots=x.tolist(),
        values=values.tolist(),
        intervals=intervals,
        reference_calcium=at_reference,
        residual_rms=float(np.sqrt(np.nanmean(left**2))),
        r_squared=1 - float(np.nansum(left**2) / np.nansum(spread**2)),
    )
