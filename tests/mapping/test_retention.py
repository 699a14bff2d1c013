"""The retention factor: its sum, its closed form from simulated plasticity, and what is refused."""

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import mapping
from astromorph.models.recurrent_memory import retention_factors
from biophys.ready_networks.retention import NETWORK
from biophys.simulation.network import Point, simulate
from mapping.coefficients import retention_factor
from mapping.retention import factor, fit_retention


def climbing(levels, cycle=20.0):
    """Levels (synapse, cycle) at the ends of cycles as a dataset of two records a cycle."""
    levels = np.atleast_2d(np.asarray(levels, float))
    records = np.repeat(levels, 2, axis=1)[:, :-1]
    time = np.arange(records.shape[1]) * cycle / 2
    return xr.Dataset(
        {"long_term": (("synapse", "time"), records)}, {"time": time}, {"stimulus.cycle": f"{cycle:g} second"}
    )


def series(ratio, cycles=6, gain=1.0):
    return gain * np.concatenate([[0], np.cumsum(ratio ** np.arange(cycles))])


@settings(deadline=None, max_examples=50)
@given(ratio=st.floats(1e-3, 1.0), last=st.integers(1, 200))
def test_it_sums_to_one_and_shrinks_by_the_ratio(ratio, last):
    shares = factor(np.arange(1, last + 1), last, ratio)
    assert math.fsum(shares) == pytest.approx(1, rel=1e-13)
    assert shares[1:] == pytest.approx(ratio * shares[:-1], rel=1e-9, abs=1e-300)


def test_it_is_what_the_increments_say():
    """RetentionFactor(t, T) = Delta p_t / sum Delta p_i, straight from the definition."""
    increments = 0.7 ** np.arange(9)
    assert factor(np.arange(1, 10), 9, 0.7) == pytest.approx(increments / increments.sum(), rel=1e-13)


def test_a_series_comes_back_whatever_its_size():
    fit = fit_retention(climbing([series(0.6), series(0.6, gain=50.0)]))
    assert fit.status == "ok" and fit.ratio == pytest.approx(0.6, rel=1e-9) and fit.cycle == 20
    assert fit.shares == pytest.approx(factor(np.arange(1, 7), 6, 0.6)) and max(fit.spread) < 1e-12


def test_the_interval_covers_the_ratio_with_noise():
    noise = np.random.default_rng(1).normal(0, 0.01, (9, 7))
    fit = fit_retention(climbing(series(0.7) + noise))
    low, high = fit.ratio_interval
    assert low < 0.7 < high and 0.001 < high - low < 0.05 and fit.residual_rms == pytest.approx(0.005, rel=0.5)


def test_simulated_plasticity_retains_by_the_lifetime_of_its_process():
    """Without feedback, q = exp(-gamma cycle/tau); the shares are those of the records themselves."""
    alone = [Point({"macro.psi_0": 0.0, "macro.gamma_l": 1.5}, 1)]
    dataset = simulate(NETWORK, alone, seconds=80.1, step=0.05, target="numpy")
    fit = fit_retention(dataset)
    assert fit.ratio == pytest.approx(np.exp(-1.5 * 20 / 60), rel=2e-4)
    levels = dataset.long_term.sel(time=np.arange(5) * 20.0, method="nearest").values.squeeze()
    increments = np.diff(levels, axis=-1)
    assert fit.shares == pytest.approx((increments / increments.sum(-1, keepdims=True)).mean(0), rel=1e-12)
    coefficients = mapping.fit(dataset)
    assert retention_factor(coefficients, np.arange(1, 17), 16).sum() == pytest.approx(1, rel=1e-14)
    for t, last in ((0, 4), (5, 4), (1.5, 4)):
        with pytest.raises(ValueError, match=f"there is no segment {t:g} of 4; count them from 1"):
            retention_factor(coefficients, t, last)


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        (series(1.0), "what a cycle adds does not shrink: shares 0.1667 to 0.1667"),
        (series(1.2), "what a cycle adds does not shrink"),
        (-series(0.7), "the long-term process does not climb from cycle to cycle"),
        (series(0.7, cycles=2), "2 cycles are too few to fit, simulate at least 3"),
        (np.cumsum([0, 1.0, 0.2, 0.9, 0.1, 0.8, 0.3]), "R^2 of the geometric series is"),
    ],
)
def test_plasticity_that_does_not_level_off_is_a_failed_fit(levels, reason):
    coefficients = mapping.fit(climbing(levels))
    fit = coefficients.retention.fit
    assert fit.status == "failed" and fit.ratio is None and reason in fit.reason
    with pytest.raises(ValueError, match="in memory failed .*; simulate more cycles and run astromorph map on it"):
        retention_factor(coefficients, 1, 4)


def test_wrong_datasets_are_refused():
    with pytest.raises(ValueError, match="holds no long_term process over cycles .*astromorph simulate retention"):
        fit_retention(xr.Dataset({"release": ("rate", [1.0])}))
    dataset = climbing(series(0.7))
    with pytest.raises(ValueError, match="no record at the ends of all cycles of 21 s"):
        fit_retention(dataset.assign_attrs({"stimulus.cycle": "21 second"}))
    with pytest.raises(ValueError, match="stimulus.cycle varies is not one length of a cycle"):
        fit_retention(dataset.assign_attrs({"stimulus.cycle": "varies"}))


@pytest.mark.parametrize("ratio", [0.1, 0.719, 1.0])
def test_the_memory_of_a_transformer_keeps_by_the_same_factors(ratio):
    table = retention_factors(ratio, 12).numpy()
    for last in range(1, 13):
        assert table[last - 1, :last] == pytest.approx(factor(np.arange(1, last + 1), last, ratio), rel=1e-6)
        assert not table[last - 1, last:].any()
