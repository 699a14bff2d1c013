"""Tables as they are measured: in any order, values repeated, trials missing, in whatever precision."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mapping.places import indices


def rows(measured: xr.DataArray, along: str) -> tuple[NDArray, NDArray]:
    """Places (n,) along this dimension, each once and rising, and what was measured there (n, trial).

    Rows at the same place are trials of it. What was not measured is NaN, and a place where nothing was is left out.
    ValueError in one sentence for further dimensions, places or answers that are no numbers, and an empty table.
    """
    measured = measured.isel(indices(measured, (along, "trial"), {}))
    measured = measured if "trial" in measured.dims else measured.expand_dims("trial")
    measured = measured.transpose(along, "trial")
    places, answers = measured[along].values.astype(float), measured.values.astype(float)
    if not np.isfinite(places).all():
        raise ValueError(
            f"{along} is not a number in row {int(np.argmin(np.isfinite(places)))}; give it, or leave it out"
        )
    if np.isinf(answers).any():
        place = places[np.isinf(answers).any(axis=1)][0]
        raise ValueError(f"{measured.name} is not finite at {along} {place:g}; leave that out")
    there = np.isfinite(answers).any(axis=1)
    if not there.any():
        raise ValueError(f"{measured.name} is empty or not finite anywhere; give a table of measured numbers")
    places, answers = places[there], answers[there]
    distinct, which = np.unique(places, return_inverse=True)
    if len(distinct) == len(places):
        return distinct, answers[np.argsort(places)]
    each = [
        np.concatenate([row[np.isfinite(row)] for row in answers[which == number]]) for number in range(len(distinct))
    ]
    together = np.full((len(distinct), max(map(len, each))), np.nan)
    for row, numbers in zip(together, each, strict=True):
        row[: len(numbers)] = numbers
    return distinct, together


def points(places: NDArray, answers: NDArray) -> tuple[NDArray, NDArray]:
    """Every answer that was measured, and its place: (points,) each."""
    there = np.isfinite(answers)
    return np.repeat(places, there.sum(axis=1)), answers[there]


def means(answers: NDArray) -> NDArray:
    """Mean of what was measured in each row."""
    return answers.mean(axis=1) if np.isfinite(answers).all() else np.nanmean(answers, axis=1)
