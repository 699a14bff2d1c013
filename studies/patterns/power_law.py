"""A power law fitted to exact values on a grid.

The values hold no chance, so that what a fit leaves over is the law's error, and textbook intervals would mean nothing.
Stated instead are the largest residual and, as the interval of each exponent, the range of the local exponents, which
are the slopes between neighbours of the grid.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from studies.study import labelled

FEWEST_POINTS = 10
MEANINGS = {
    "parameter": "what the fitted values are a power of",
    "exponent": "fitted exponent",
    "exponent_lowest": "lowest slope between neighbours of the grid",
    "exponent_highest": "highest slope between neighbours of the grid",
}


def fit_power_law(values: xr.DataArray, parameters: Mapping[str, tuple[str, xr.DataArray]]) -> xr.Dataset:
    """Exponents of positive `values`, NaN where they take no part, by least squares in logarithms.

    parameters: by name, the dimension of `values` along which each one changes, and what it is there.

    Returns exponent, exponent_lowest and exponent_highest with dim parameter; as attributes the factor before the law,
    the points fitted, and the largest and the root mean square of the relative residuals. ValueError for too few.
    """
    for along, _ in parameters.values():
        if values.sizes[along] < 2:
            raise ValueError(f"{along} {values[along].values.tolist()} shows no exponent; give at least two values")
    known = values.notnull()
    count = int(known.sum())
    if count < FEWEST_POINTS:
        raise ValueError(f"only {count} points can be fitted; use a wider grid, such as the default")
    logarithm = xr.apply_ufunc(np.log, values)
    axes = [(along, xr.apply_ufunc(np.log, each)) for along, each in parameters.values()]
    columns = [axis.broadcast_like(values).transpose(*values.dims).values[known.values] for _, axis in axes]
    matrix, goal = np.stack([np.ones(count), *columns], axis=1), logarithm.values[known.values]
    coefficients = np.linalg.lstsq(matrix, goal, rcond=None)[0]
    residual = np.expm1(goal - matrix @ coefficients)
    slopes = [logarithm.diff(along) / axis.diff(along) for along, axis in axes]
    fit = xr.Dataset(
        {
            "exponent": ("parameter", coefficients[1:]),
            "exponent_lowest": ("parameter", [float(slope.min()) for slope in slopes]),
            "exponent_highest": ("parameter", [float(slope.max()) for slope in slopes]),
        },
        {"parameter": list(parameters)},
    )
    attributes = {
        "factor": float(np.exp(coefficients[0])),
        "points_fitted": count,
        "residual_largest": float(np.abs(residual).max()),
        "residual_rms": float(np.sqrt(np.mean(residual**2))),
    }
    return labelled(fit, MEANINGS, attributes)


def exponents_text(fit: xr.Dataset, words: Mapping[str, str], digits: int = 2) -> str:
    """One phrase for all exponents with their intervals; `words` name the parameters."""
    phrases = []
    for name, text in words.items():
        each: Any = fit.sel(parameter=name)
        interval = f"{float(each.exponent_lowest):.2f} to {float(each.exponent_highest):.2f}"
        phrases.append(f"{float(each.exponent):.{digits}f} in {text} ({interval})")
    return ", ".join(phrases)
