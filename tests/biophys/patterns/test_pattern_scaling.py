"""Scaling laws against mpmath, against each other (they are inverse), and against the exact theory."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from biophys.patterns.scaling import (
    poisson_mean,
    sufficient_threshold,
    threshold_exponent,
    threshold_law,
    union_capacity_law,
)
from biophys.patterns.theory import false_match_probability, smallest_threshold, union_false_match_probability


@pytest.mark.parametrize(("threshold", "error"), [(1, 1e-3), (6, 1e-6), (15, 1e-9), (24, 1e-3)])
def test_poisson_mean_reaches_the_threshold_as_often_as_asked(threshold, error):
    with mpmath.workdps(30):
        mean = mpmath.mpf(float(poisson_mean(threshold, error)))
        below = sum(mean**k / mpmath.factorial(k) for k in range(threshold))
        tail = 1 - mpmath.exp(-mean) * below
        assert abs(tail / error - 1) < 1e-11


def test_without_the_middle_factors_one_active_synapse_is_enough():
    """theta = 1: h = 0 and the law is the power law n lambda / (s a), with lambda = -log(1 - error)."""
    assert union_capacity_law(10_000, 50, 20, 1, 1e-3) == pytest.approx(-math.log1p(-1e-3) * 10, rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(
    st.integers(3, 6),
    st.integers(20, 500),
    st.integers(20, 60),
    st.floats(2, 20),
    st.floats(-14, -2),
    st.integers(1, 9),
)
def test_capacity_and_threshold_are_inverse(decades, active, synapses, threshold, exponent, _):
    population, error = 10**decades, 10.0**exponent
    assume(2 * active <= population)
    capacity = union_capacity_law(population, active, synapses, threshold, error)
    back = threshold_law(population, active, synapses, error, capacity)
    assert back == pytest.approx(threshold, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.integers(100, 100_000), st.floats(0.002, 0.3), st.integers(5, 60), st.floats(-12, -1))
def test_sufficient_threshold_is_sufficient(population, share, synapses, exponent):
    active, error = max(1, round(share * population)), 10.0**exponent
    theta = math.ceil(sufficient_threshold(synapses * active / population, error))
    assume(theta <= synapses)
    assert false_match_probability(population, active, synapses, theta) <= error


@pytest.mark.parametrize("case", [(1000, 20, 20, 5), (5000, 100, 30, 3), (200, 40, 25, 2)])
def test_sufficient_threshold_holds_for_unions(case):
    n, a, s, m = case
    for error in (1e-2, 1e-4, 1e-6):
        theta = math.ceil(sufficient_threshold(m * s * a / n, error))
        if theta <= s:
            assert union_false_match_probability(n, a, s, theta, m) <= error


@given(st.floats(0.01, 50), st.floats(-18, -1), st.floats(1, 20))
def test_sufficient_threshold_solves_chernoffs_bound_and_scales(mean, exponent, factor):
    size = -exponent * math.log(10)
    theta = float(sufficient_threshold(mean, 10.0**exponent))
    assert theta * math.log(theta / mean) - theta + mean == pytest.approx(size, rel=1e-9)
    if exponent * factor > -300:
        scaled = sufficient_threshold(factor * mean, 10.0 ** (factor * exponent))
        assert scaled == pytest.approx(factor * theta, rel=1e-9)


@given(st.floats(0.05, 20), st.floats(-15, -1))
def test_threshold_exponents_are_the_slopes_of_the_bound(mean, exponent):
    size, step = -exponent * math.log(10), 1e-5

    def logarithm(mean, size):
        return math.log(float(sufficient_threshold(mean, math.exp(-size))))

    in_mean = (logarithm(mean * math.exp(step), size) - logarithm(mean * math.exp(-step), size)) / (2 * step)
    in_size = (logarithm(mean, size * math.exp(step)) - logarithm(mean, size * math.exp(-step))) / (2 * step)
    expected = threshold_exponent(mean, sufficient_threshold(mean, 10.0**exponent))
    assert in_mean == pytest.approx(expected, abs=1e-6)
    assert in_mean + in_size == pytest.approx(1, abs=1e-6)
    assert threshold_exponent(3.0, 3.0) == 1


def test_threshold_law_beside_the_exact_threshold():
    """Within 0.2 synapses of a real threshold means that rounding up is off by one at most."""
    n, share, s = np.meshgrid([10_000, 200_000], [0.005, 0.01, 0.03], [20, 30, 50], indexing="ij")
    a = np.rint(n * share).astype(int)
    for error in (1e-6, 1e-9, 1e-12):
        off = np.ceil(threshold_law(n, a, s, error)) - smallest_threshold(n, a, s, error)
        assert np.all(np.abs(off) <= 1)
        assert np.mean(off == 0) > 0.8


def test_no_threshold_is_enough_for_few_synapses():
    assert np.isnan(threshold_law(10_000, 3000, 8, 1e-9))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: poisson_mean(0, 1e-9), "threshold 0 is reached by silence; use one above 0"),
        (lambda: poisson_mean(5, [0.1, 2.0]), "false_match 2 is no probability between 0 and 1"),
        (lambda: union_capacity_law(1000, 10, 20, 15, 1e-9), "threshold 15 is above the 10 active cells"),
        (lambda: threshold_law(1000, 10, 20, 0.0), "false_match 0 is no probability"),
        (lambda: sufficient_threshold(0.0, 1e-9), "mean overlap 0 needs no threshold"),
    ],
)
def test_impossible_arguments_get_one_sentence(call, sentence):
    with pytest.raises(ValueError) as error:
        call()
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
