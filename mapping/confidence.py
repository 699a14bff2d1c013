"""95 % confidence intervals of coefficients fitted by least squares."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import OptimizeResult

CONFIDENCE = 0.95
ON_BOUND = 1e-6  # distance to a bound that counts as being on it


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
