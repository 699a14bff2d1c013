"""Curves fitted by least squares: the best of several starts, 95 % confidence intervals, and the criterion AICc."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.optimize import OptimizeResult, least_squares

CONFIDENCE = 0.95
ON_BOUND = 1e-6  # distance to a bound that counts as being on it
TINY = 1e-28  # floor of the sum of squares, so that a fit within rounding has a finite criterion


def best_run(
    residuals: Callable[[NDArray], NDArray], starts: Iterable[ArrayLike], bounds: Sequence[ArrayLike]
) -> OptimizeResult | None:
    """The run from several starts that leaves the least; None if none converges."""
    tolerances = {"xtol": 1e-14, "ftol": 1e-14, "gtol": 1e-14, "max_nfev": 2000}
    runs = [least_squares(residuals, start, bounds=bounds, x_scale="jac", **tolerances) for start in starts]
    return min((run for run in runs if run.success), key=lambda run: run.cost, default=None)


def quantile(freedom: int) -> float:
    """By how many standard errors an interval reaches to either side (Student's t)."""
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom))


def interval_widths(run: OptimizeResult, lower: NDArray, upper: NDArray) -> NDArray:
    """Half widths of the intervals of a run of least_squares, from its Jacobian; 0 for a coefficient on its bound."""
    points, count = run.jac.shape
    free = (run.x - lower > ON_BOUND) & (upper - run.x > ON_BOUND)
    jacobian = run.jac[:, free]
    freedom = points - int(free.sum())
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * 2 * run.cost / freedom
    widths = np.zeros(count)
    widths[free] = quantile(freedom) * np.sqrt(np.diag(covariance))
    return widths


def aicc(squares: float, points: int, count: int) -> float:
    """Small-sample Akaike criterion (Hurvich & Tsai, Biometrika 76:297, 1989) of a curve of `count` coefficients that
    leaves a sum of squares over so many points.
    """
    estimated = count + 1  # the coefficients and the variance of the noise
    return float(points * np.log(max(squares, TINY) / points) + 2 * estimated * points / (points - estimated - 1))
