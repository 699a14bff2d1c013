"""Patterns on single segments against the exact laws, and averages over a random threshold against plain sums."""

import itertools

import numpy as np
import pytest
from scipy.stats import norm

from biophys import patterns
from biophys.patterns.soft_threshold import averaged, fitted_threshold
from biophys.patterns.trials import noisy_hits, random_hits


@pytest.mark.parametrize("patterns_stored", [1, 3])
def test_random_patterns_touch_as_many_synapses_as_theory_says(patterns_stored):
    hits = random_hits(np.random.default_rng(0), 20_000, 120, 30, 12, patterns_stored)
    for threshold in range(1, 13, 2):
        expected = patterns.union_false_match_probability(120, 30, 12, threshold, patterns_stored)
        error = np.sqrt(expected * (1 - expected) / 20_000)
        assert abs((hits >= threshold).mean() - expected) < 5 * error + 1e-12


def test_noisy_patterns_keep_as_many_synapses_as_theory_says():
    hits = noisy_hits(np.random.default_rng(0), 20_000, 120, 30, 12, 14)
    for threshold in range(2, 12, 2):
        expected = patterns.missed_match_probability(30, 12, threshold, 14)
        error = np.sqrt(expected * (1 - expected) / 20_000)
        assert abs((hits < threshold).mean() - expected) < 5 * error + 1e-12


def test_fitted_threshold_is_that_of_the_data():
    counts, trials = np.arange(25), 20_000
    spikes = np.random.default_rng(1).binomial(trials, norm.cdf(counts, 12.3, 1.4))
    assert fitted_threshold(counts, spikes, trials) == pytest.approx((12.3, 1.4), abs=0.03)
    assert fitted_threshold(counts, trials * (counts >= 9), trials) == (8.5, 0.0)
    assert np.isnan(fitted_threshold(counts, 0 * counts, trials)).all()


def test_average_over_thresholds_is_the_sum_over_overlaps():
    """P(match) = sum over overlaps of P(overlap) P(threshold <= overlap), computed the other way round."""
    counts = np.arange(21)
    tails = patterns.false_match_probability(200, 64, 20, counts)
    overlaps = -np.diff(tails, append=0.0)
    for middle, deviation in itertools.product((7.2, 12.0), (0.6, 2.0)):
        expected = overlaps @ norm.cdf(counts, middle, deviation)
        assert averaged(tails, 0.0, middle, deviation) == pytest.approx(expected, rel=1e-10)
    assert averaged(tails, 0.0, 12.5, 0.0) == pytest.approx(tails[13], rel=1e-13)
    missed = patterns.missed_match_probability(64, 20, counts, 30)
    remaining = np.diff(missed, append=1.0)
    expected = remaining @ norm.sf(counts, 12.0, 2.0)
    assert averaged(missed, 1.0, 12.0, 2.0) == pytest.approx(expected, rel=1e-10)


def test_a_soft_threshold_raises_an_exponential_tail_as_the_closed_form_says():
    """exp(-L theta) averaged over a normal theta is exp(-L mean) exp((L S)^2/2); rounding up costs (1 - e^-L)/L."""
    rate, middle, deviation = 0.8, 40.0, 3.0
    tails = np.exp(-rate * np.arange(100))
    expected = np.exp(-rate * middle + (rate * deviation) ** 2 / 2) * (1 - np.exp(-rate)) / rate
    assert averaged(tails, 0.0, middle, deviation) == pytest.approx(expected, rel=1e-6)


def test_a_jump_in_one_or_two_steps_is_fitted_too():
    """One number in between: the deviation is the narrowest, and the curve goes through it."""
    counts, spikes = np.arange(20), np.where(np.arange(20) < 12, 0, 1000)
    spikes[12] = 780
    middle, deviation = fitted_threshold(counts, spikes, 1000)
    assert norm.cdf(12, middle, deviation) == pytest.approx(0.78, abs=0.01)
    assert deviation == pytest.approx(0.2, abs=1e-6)
