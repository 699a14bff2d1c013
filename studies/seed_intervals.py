"""How sure a mean over seeds is."""

import numpy as np
import xarray as xr
from scipy import stats


def interval(values: xr.DataArray) -> list[xr.DataArray]:
    """Mean over `repetition` and the ends of its 95 % interval by Student's t; NaN where a value or the spread is."""
    count = values.sizes["repetition"]
    mean = values.mean("repetition", skipna=False)
    if count < 2:
        return [mean, mean * np.nan, mean * np.nan]
    half = stats.t.ppf(0.975, count - 1) * values.std("repetition", ddof=1, skipna=False) / np.sqrt(count)
    return [mean, mean - half, mean + half]
