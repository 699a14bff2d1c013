"""The confidence band of a fitted curve: the textbook's for a line, none for coefficients on their bounds."""

import numpy as np
import pytest
from scipy import stats

from studies.fits.band import half_width


def line(x, level, slope):
    return level + slope * x


def test_the_band_of_a_line_is_that_of_the_textbook():
    """t s sqrt(1/n + (x - mean)^2 / S_xx)."""
    x = np.array([0.0, 1.0, 2.0, 4.0, 7.0, 8.0])
    y = 1 + 0.5 * x + np.array([0.1, -0.2, 0.05, 0.1, -0.15, 0.1])
    fit = stats.linregress(x, y)
    residuals = y - line(x, fit.intercept, fit.slope)
    at = np.array([-1.0, 3.0, 10.0])
    s = np.sqrt(np.sum(residuals**2) / 4)
    expected = stats.t.ppf(0.975, 4) * s * np.sqrt(1 / 6 + (at - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2))
    found = half_width(line, [fit.intercept, fit.slope], [True, True], x, residuals, at)
    assert found == pytest.approx(expected, rel=1e-6)
    through_origin = half_width(line, [0.0, fit.slope], [False, True], x, residuals, at)
    assert through_origin == pytest.approx(
        stats.t.ppf(0.975, 5) * np.sqrt(np.sum(residuals**2) / 5 / np.sum(x**2)) * abs(at), rel=1e-6
    )
    assert not half_width(line, [0.0, 1.0], [False, False], x, residuals, at).any()
