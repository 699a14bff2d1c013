"""Intervals of means over seeds: Student's t, and none where there is nothing to tell it from."""

import numpy as np
import xarray as xr
from scipy import stats

from studies.seed_intervals import interval, interval_meanings, with_intervals


def test_the_interval_is_that_of_students_t():
    values = xr.DataArray(np.random.default_rng(0).normal(3, 1, (2, 5)), dims=("condition", "repetition"))
    dataset = with_intervals(xr.Dataset(), accuracy=interval(values))
    for row in range(2):
        expected = stats.ttest_1samp(values[row], 0).confidence_interval(0.95)
        np.testing.assert_allclose([dataset.accuracy_low[row], dataset.accuracy_high[row]], expected)
        np.testing.assert_allclose(dataset.accuracy_mean[row], values[row].mean())
    assert list(interval_meanings("accuracy", "test accuracy")) == list(dataset.data_vars)


def test_one_seed_and_a_missing_value_have_no_interval():
    one = with_intervals(xr.Dataset(), x=interval(xr.DataArray([2.0], dims="repetition")))
    assert one.x_mean == 2 and np.isnan(one.x_low) and np.isnan(one.x_high)
    lacking = interval(xr.DataArray([2.0, np.nan], dims="repetition"))
    assert all(np.isnan(each) for each in lacking)
