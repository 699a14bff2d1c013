"""The measured response itself: means, isotonic by hand, intervals by the textbook, choice and refusals."""

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.interpolate import PchipInterpolator

import mapping
from mapping.calcium_curve import measured_curve
from mapping.calcium_response import fit_calcium_response

RATES = np.array([0.25, 0.5, 1.0, 2.0, 4.0, 8.0])
STEP = np.array([0.3, 0.31, 0.32, 0.8, 0.82, 0.83])


def response(calcium, rates=RATES):
    calcium = np.asarray(calcium, float).reshape(len(rates), -1)
    return xr.Dataset({"calcium_mean": (("rate", "trial"), calcium)}, {"rate": np.asarray(rates, float)})


def test_it_passes_the_means_and_is_one_at_the_reference():
    fit = fit_calcium_response(response(STEP), reference_rate=1.5, form="curve")
    at_reference = PchipInterpolator(np.log(RATES), STEP)(np.log(1.5))
    assert (fit.status, fit.form) == ("ok", "curve")
    assert fit.reference_calcium == pytest.approx(at_reference, rel=1e-12)
    assert fit.curve.knots == pytest.approx(RATES / 1.5) and fit.curve.values == pytest.approx(STEP / at_reference)
    assert fit.curve.residual_rms == pytest.approx(0, abs=1e-15) and fit.curve.intervals is None
    assert PchipInterpolator(np.log(fit.curve.knots), fit.curve.values)(0.0) == pytest.approx(1, rel=1e-12)


def test_falling_means_are_pooled():
    """Two neighbours in the wrong order become their mean (Barlow et al. 1972)."""
    curve = measured_curve(RATES, np.array([1.0, 2.0, 4.0, 3.0, 5.0, 6.0])[:, None])
    assert np.array(curve.values) * curve.reference_calcium == pytest.approx([1, 2, 3.5, 3.5, 5, 6])
    assert curve.residual_rms * curve.reference_calcium == pytest.approx(np.sqrt(2 * 0.25 / 6))
    assert curve.r_squared == pytest.approx(1 - 0.5 / 17.5)


def test_intervals_are_those_of_means_with_a_common_scatter():
    trials = STEP[:, None] + np.random.default_rng(0).normal(0, 0.002, (6, 4))
    curve = measured_curve(RATES, trials)
    error = np.sqrt(trials.var(axis=1, ddof=1).mean() / 4) * stats.t.ppf(0.975, 18)
    low, high = np.array(curve.intervals).T * curve.reference_calcium
    assert high - low == pytest.approx(2 * error)


def test_it_is_chosen_where_no_law_describes_the_response():
    two_steps = np.repeat([0.1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.9], 2) + np.tile([0, 0.001], 7)
    fit = fit_calcium_response(response(two_steps.reshape(7, 2), np.geomspace(0.1, 10, 7)))
    assert max(found.r_squared for found in fit.candidates.values() if found) < 0.9
    assert (fit.status, fit.form) == ("ok", "curve") and fit.curve.r_squared > 0.9999
    smooth = fit_calcium_response(response(np.repeat(0.3 + 0.5 * RATES / (2 + RATES), 2)))
    assert smooth.form == "hill" and smooth.curve is not None


def test_settings_hold_the_points():
    coefficients = mapping.fit(response(STEP), form="curve")
    settings, curve = mapping.as_settings(coefficients), coefficients.calcium_response.curve
    assert settings.form == "curve" and settings.knots == tuple(curve.knots) and settings.exponent is None
    assert settings.source.endswith("curve R^2 1.0000")


@pytest.mark.parametrize(
    ("calcium", "reference", "reason"),
    [
        (STEP[::-1], 1.0, "calcium does not rise with rate, or the reference rate lies outside the measured rates"),
        (STEP, 20.0, "reference rate lies outside the measured rates"),
        (np.array([0.3, 0.8, 0.2, 0.9, 0.1, 0.5]), 1.0, "R\\^2 of the curve is 0.* where at least 0.9 is needed"),
    ],
)
def test_a_useless_curve_is_a_failed_fit(calcium, reference, reason):
    fit = fit_calcium_response(response(calcium), reference_rate=reference, form="curve")
    assert fit.status == "failed" and fit.form is None
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(fit.reason)


def test_unknown_forms_are_refused():
    with pytest.raises(
        ValueError, match="no form 'line' of a calcium response; use one of power_law, hill, curve, best"
    ):
        fit_calcium_response(response(STEP), form="line")
