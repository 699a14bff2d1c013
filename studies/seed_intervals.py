"""How sure a mean over seeds is: the mean over `repetition` and the ends of its 95 % interval by Student's t."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from scipy import stats

ENDS = {"mean": "mean of ", "low": "lower end of the 95 % interval of ", "high": "upper end of it: "}


def interval(values: xr.DataArray) -> list[xr.DataArray]:
    """Mean and the ends of its interval; NaN where a value or the spread is."""
    count = values.sizes["repetition"]
    mean = values.mean("repetition", skipna=False)
    if count < 2:
        return [mean, mean * np.nan, mean * np.nan]
    half = stats.t.ppf(0.975, count - 1) * values.std("repetition", ddof=1, skipna=False) / np.sqrt(count)
    return [mean, mean - half, mean + half]


def with_intervals(dataset: xr.Dataset, **intervals: Sequence[xr.DataArray]) -> xr.Dataset:
    """The dataset with NAME_mean, NAME_low and NAME_high of each, as `interval` gives them."""
    named = [(name, *each) for name, ends in intervals.items() for each in zip(ENDS, ends, strict=True)]
    return dataset.assign({f"{name}_{end}": values for name, end, values in named})


def interval_meanings(name: str, meaning: str) -> dict[str, str]:
    """What the three variables of a quantity without a unit mean."""
    return {f"{name}_{end}": words + meaning for end, words in ENDS.items()}
