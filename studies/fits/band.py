"""Where a fitted curve lies with a confidence of 95 %, by the delta method.

With residuals of standard deviation s and the curve's derivatives J by its free coefficients at the data and g at any
place, the curve there has the variance s^2 g (J^T J)^-1 g (Seber and Wild, Nonlinear Regression, 1989, section 5.1).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from mapping.least_squares import quantile

STEP = 1e-5  # relative, of the central differences


def half_width(
    curve: Callable[..., NDArray],
    coefficients: Sequence[float],
    free: Sequence[bool],
    x: NDArray,
    residuals: NDArray,
    at: NDArray,
) -> NDArray:
    """Half width of the band of curve(x, *coefficients) at the places `at`; residuals (points,) are those at x."""
    names = np.flatnonzero(free)
    if not len(names) or len(x) <= len(names):
        return np.zeros_like(at, dtype=float)
    there, here = (_derivatives(curve, np.asarray(coefficients, float), names, places) for places in (x, at))
    covariance = np.linalg.pinv(there.T @ there) * np.sum(residuals**2) / (len(x) - len(names))
    variance = np.einsum("pi,ij,pj->p", here, covariance, here)
    return quantile(len(x) - len(names)) * np.sqrt(np.maximum(variance, 0))


def _derivatives(curve: Callable[..., NDArray], values: NDArray, names: NDArray, x: NDArray) -> NDArray:
    """(places, free coefficients)."""
    columns = []
    for name in names:
        step = np.zeros_like(values)
        step[name] = STEP * max(abs(values[name]), 1e-3)
        columns.append((curve(x, *(values + step)) - curve(x, *(values - step))) / (2 * step[name]))
    return np.stack(columns, axis=-1)
