"""The fit of the calcium response: known coefficients come back, bad responses are refused with a reason."""

import re

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from mapping.calcium_response import fit_calcium_response, hill, power_law

RATES = np.array([0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0])
# Mia, Bal & Sengupta (2025), Fig. 3: calcium (arbitrary units) at 1, 2, ... 10 Hz, read off the print
FIGURE_3 = [0.1151, 0.1221, 0.1253, 0.1276, 0.1288, 0.1298, 0.1305, 0.1308, 0.1311, 0.1324]


def response(calcium, rates=RATES):
    """A dataset of mean calcium (rate,) or (rate, trial)."""
    calcium = np.asarray(calcium, float).reshape(len(rates), -1)
    return xr.Dataset({"calcium_mean": (("rate", "trial"), calcium)}, {"rate": np.asarray(rates, float)})


def noisy(curve, deviation, trials=3, seed=0):
    noise = np.random.default_rng(seed).normal(0, deviation, (len(RATES), trials))
    return response(curve[:, None] + noise)


def test_power_law_comes_back_exactly():
    fit = fit_calcium_response(response(0.1 + 0.02 * RATES**0.25), reference_rate=2.0)
    found = fit.candidates["power_law"]
    reference = 0.1 + 0.02 * 2**0.25
    assert (fit.status, fit.form) == ("ok", "power_law")
    assert found.baseline == pytest.approx(0.1 / reference, rel=1e-5)
    assert found.amplitude == pytest.approx(0.02 * 2**0.25 / reference, rel=1e-5)
    assert found.exponent == pytest.approx(0.25, rel=1e-5)
    assert fit.reference_calcium == pytest.approx(reference, rel=1e-9)
    assert (fit.lowest, fit.highest) == pytest.approx((0.1, 20))


def test_hill_curve_comes_back_exactly():
    calcium = 0.3 + 0.5 * RATES**1.4 / (3.0**1.4 + RATES**1.4)
    fit = fit_calcium_response(response(calcium), reference_rate=2.0)
    found, reference = fit.candidates["hill"], 0.3 + 0.5 * 2**1.4 / (3.0**1.4 + 2**1.4)
    assert (fit.status, fit.form) == ("ok", "hill")
    assert [found.baseline, found.amplitude, found.exponent, found.half] == pytest.approx(
        [0.3 / reference, 0.5 / reference, 1.4, 1.5], rel=1e-6
    )


@settings(deadline=None, max_examples=6)
@given(reference=st.floats(0.3, 30), trials=st.integers(1, 3))
def test_response_is_one_at_the_reference_and_the_curve_does_not_depend_on_it(reference, trials):
    dataset = noisy(0.2 + 0.4 * RATES / (2.0 + RATES), 0.004, trials)
    fit, standard = (fit_calcium_response(dataset, reference_rate=rate) for rate in (reference, 2.0))
    for form, curve, names in (("power_law", power_law, 3), ("hill", hill, 4)):
        found, other = fit.candidates[form], standard.candidates[form]
        values, others = ([c.baseline, c.amplitude, c.exponent, c.half][:names] for c in (found, other))
        assert curve(1.0, *values) == pytest.approx(1, rel=1e-9)
        ours = found.reference_calcium * curve(RATES / reference, *values)
        assert ours == pytest.approx(other.reference_calcium * curve(RATES / 2.0, *others), rel=1e-4)
    assert fit.lowest == pytest.approx(0.2 / reference) and fit.highest == pytest.approx(40 / reference)


def test_default_reference_is_the_geometric_mean_of_the_rates():
    fit = fit_calcium_response(response(0.1 + 0.02 * RATES**0.25))
    assert fit.reference_rate == pytest.approx(np.prod(RATES) ** (1 / len(RATES)))


def test_intervals_and_measures_of_fit_agree_with_curve_fit():
    """Another parametrisation, another optimiser (Levenberg-Marquardt), and the textbook formulas."""
    dataset = noisy(0.2 + 0.4 * RATES / (2.0 + RATES), 0.006)
    found = fit_calcium_response(dataset, reference_rate=1.0).candidates["hill"]
    x, calcium = np.repeat(RATES, 3), dataset.calcium_mean.values.ravel()
    values, covariance = curve_fit(hill, x, calcium, [0.2, 0.4, 1.0, 2.0], xtol=1e-12, ftol=1e-12)
    at_reference = hill(1.0, *values)
    t = 2.085963  # 97.5 % point of Student's t with 24 - 4 degrees of freedom
    widths = t * np.sqrt(np.diag(covariance)) / [at_reference, at_reference, 1, 1]
    for name, width in zip(("baseline", "amplitude", "exponent", "half"), widths, strict=True):
        low, high = found.intervals[name]
        assert high - low == pytest.approx(2 * width, rel=1e-3), name
        assert (low + high) / 2 == pytest.approx(getattr(found, name), rel=1e-9)
    residual = calcium - hill(x, *values)
    assert found.residual_rms == pytest.approx(np.sqrt(np.mean(residual**2)) / at_reference, rel=1e-5)
    assert found.r_squared == pytest.approx(1 - residual.var() / calcium.var(), rel=1e-5)


def test_aicc_prefers_fewer_coefficients_by_the_textbook_amount():
    """At equal squares the criteria differ by 2 k n / (n - k - 1) with k = 4 and 5: 24 trials."""
    dataset = noisy(0.1 + 0.02 * RATES**0.25, 0.0005)
    fit = fit_calcium_response(dataset)
    squares = {form: (c.residual_rms * c.reference_calcium) ** 2 for form, c in fit.candidates.items()}
    penalty = 2 * 5 * 24 / 18 - 2 * 4 * 24 / 19
    difference = 24 * np.log(squares["hill"] / squares["power_law"]) + penalty
    assert fit.candidates["hill"].aicc - fit.candidates["power_law"].aicc == pytest.approx(difference, rel=1e-6)
    assert fit.form == min(fit.candidates, key=lambda form: fit.candidates[form].aicc)


def test_published_figure_is_fitted_at_least_as_well_as_by_the_published_exponent():
    """0.100 + 0.0187 f^0.25 leaves about 0.001; free coefficients must leave less."""
    rates = np.arange(1, 11)
    fit = fit_calcium_response(response(FIGURE_3, rates))
    published = np.sqrt(np.mean((0.100 + 0.0187 * rates**0.25 - FIGURE_3) ** 2))
    best = fit.candidates["power_law"]
    assert fit.status == "ok"
    assert published == pytest.approx(0.001, abs=5e-4)
    assert best.residual_rms * best.reference_calcium < published


@pytest.mark.parametrize(
    ("calcium", "rates", "reason"),
    [
        (0.5 - 0.01 * RATES, RATES, "calcium does not rise with rate: from 0.498 to 0.1 umolar"),
        (np.full(8, 0.4), RATES, "calcium does not rise with rate"),
        ([0.3, 0.8, 0.2, 0.9, 0.1, 0.8, 0.2, 0.5], RATES, "R\\^2 of the better curve is 0.* at least 0.9"),
        ([0.1, 0.2, 0.3, 0.35], RATES[:4], "4 rates are too few to fit"),
    ],
)
def test_a_useless_response_is_a_failed_fit_with_a_reason(calcium, rates, reason):
    fit = fit_calcium_response(response(calcium, rates))
    assert fit.status == "failed" and fit.form is None
    assert re.search(reason, fit.reason), fit.reason


def test_five_rates_allow_the_power_law_only():
    calcium = np.column_stack([0.1 + 0.02 * RATES[:5] ** 0.25] * 2)
    fit = fit_calcium_response(response(calcium, RATES[:5]))
    assert fit.form == "power_law" and fit.candidates["hill"] is None


def test_datasets_without_a_response_are_refused():
    with pytest.raises(ValueError, match="holds no calcium_mean against rate; make one: astromorph simulate"):
        fit_calcium_response(xr.Dataset({"voltage": ("time", [1.0])}))
    with pytest.raises(ValueError, match="not finite"):
        fit_calcium_response(response([np.nan] * 8))
    with pytest.raises(ValueError, match="reference rate -1 Hz is not a rate; use one above 0 Hz"):
        fit_calcium_response(response(0.1 + 0.02 * RATES**0.25), reference_rate=-1)


@pytest.mark.parametrize("place", range(len(RATES)))
def test_a_number_that_stands_for_nothing_is_no_calcium(place):
    calcium = 0.3 + 0.5 * RATES**1.4 / (3.0**1.4 + RATES**1.4)
    calcium[place] = -9999
    fit = fit_calcium_response(response(calcium))
    assert fit.status == "failed" and fit.reason
    assert fit_calcium_response(response(-calcium - 1e5)).status == "failed"
