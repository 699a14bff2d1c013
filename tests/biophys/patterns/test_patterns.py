"""Exact theory of sparse patterns against exact integers, counts of every choice and its own equivalent routes."""

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biophys import patterns
from biophys.patterns.overlap import log_overlap_probability, overlap_tail


def relative_error(value, exact):
    """Of a double against a decimal string or mpmath number, without rounding the latter first."""
    with mpmath.workdps(40):
        exact = mpmath.mpf(exact)
        return float(abs(mpmath.mpf(float(value)) - exact) / abs(exact)) if exact else float(value)


def exact_tail(n, a, s, theta):
    """Eq. 4 in integers."""
    terms = (math.comb(s, b) * math.comb(n - s, a - b) for b in range(theta, min(a, s) + 1))
    return Fraction(sum(terms), math.comb(n, a))


def test_every_small_segment_against_exact_integers():
    cases = [
        (n, a, s, theta)
        for n in (1, 2, 7, 16, 17, 33)
        for a, s in itertools.product(range(n + 1), repeat=2)
        for theta in range(s + 1)
    ]
    n, a, s, theta = np.array(cases).T
    exact = [exact_tail(*case) for case in cases]
    found = patterns.false_match_probability(n, a, s, theta)
    assert max(abs(Fraction(float(f)) - e) / e for f, e in zip(found, exact, strict=True) if e) < 1e-13
    assert np.array_equal(found == 0, [e == 0 for e in exact])
    assert np.all(found[[e == 1 for e in exact]] == 1)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_large_segments_against_exact_integers(data):
    n = data.draw(st.integers(2, 1_000_000), label="population")
    a = data.draw(st.integers(1, n) | st.integers(1, min(n, 3000)), label="active")
    s = data.draw(st.integers(1, min(n, 60)), label="synapses")
    theta = data.draw(st.integers(0, s), label="threshold")
    ways = [math.comb(a, b) * math.comb(n - a, s - b) for b in range(s + 1)]
    with mpmath.workdps(50):
        match, miss = (mpmath.mpf(sum(part)) / math.comb(n, s) for part in (ways[theta:], ways[:theta]))
        if match == 0 or match > 1e-300:
            assert relative_error(patterns.false_match_probability(n, a, s, theta), match) < 1e-12
        if miss == 0 or miss > 1e-300:
            assert relative_error(np.exp(overlap_tail(n, a, s, theta).log_of_not()), miss) < 1e-12
        log10 = patterns.log10_false_match_probability(n, a, s, theta)
        assert log10 == -np.inf if match == 0 else abs(log10 - mpmath.log10(match)) < 2e-13 * max(1, -log10)


def test_thousands_of_synapses_and_a_billion_cells():
    for n, a, s, theta in [
        (41_583, 10_766, 1229, 741),
        (10**9, 10**6, 2000, 10),
        (1_000_000, 500_000, 4000, 2200),
    ]:
        with mpmath.workdps(50):
            term = mpmath.binomial(a, theta) * mpmath.binomial(n - a, s - theta) / mpmath.binomial(n, s)
            exact = mpmath.mpf(0)
            for b in range(theta, s + 1):
                exact += term
                term *= mpmath.mpf((a - b) * (s - b)) / ((b + 1) * (n - a - s + b + 1))
            assert relative_error(patterns.false_match_probability(n, a, s, theta), exact) < 1e-12


def test_probabilities_near_one_keep_their_distance_from_one():
    log10 = patterns.log10_false_match_probability(10_000, 9000, 20, 1)  # none of 20 among 1000 of 10000
    none = Fraction(math.comb(1000, 20), math.comb(10_000, 20))
    assert log10 == pytest.approx(-float(none) / math.log(10), rel=1e-12)


def test_active_cells_and_synapses_may_change_places():
    a, s = np.array([5, 40, 300]), np.array([300, 17, 40])
    first = patterns.false_match_probability(5000, a, s, 5)
    assert first == pytest.approx(patterns.false_match_probability(5000, s, a, 5), rel=1e-12)


def test_overlap_counts_add_up_to_all_patterns():
    assert sum(patterns.overlap_count(60, 12, 20, b) for b in range(21)) == math.comb(60, 12)


def test_overlap_probability_outside_the_possible_is_zero():
    found = np.exp(log_overlap_probability(10, 8, 5, np.arange(-1, 8)))
    exact = [
        Fraction(math.comb(8, b) * math.comb(2, 5 - b), math.comb(10, 5)) if 3 <= b <= 5 else 0 for b in range(-1, 8)
    ]
    assert found == pytest.approx([float(e) for e in exact], rel=1e-13)


def test_missed_match_is_certain_or_impossible_exactly_where_it_should_be():
    lost = np.arange(129)
    missed = patterns.missed_match_probability(128, 30, 12, lost)
    assert np.array_equal(missed == 0, lost <= 30 - 12)
    assert np.array_equal(missed == 1, lost > 128 - 12)
    assert np.all(np.diff(missed) >= 0)


def test_many_segments_stay_below_the_bound_and_one_segment_is_one():
    p = patterns.false_match_probability(500, 64, 24, 12)
    many = patterns.false_match_probability_of_many(500, 64, 24, 12, [1, 10, 10**6, 10**9])
    assert many[0] == pytest.approx(p, rel=1e-14)
    assert np.all(many <= np.minimum(1, p * np.array([1, 10, 10**6, 10**9]) * (1 + 1e-14)))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10**12), st.integers(0, 20), st.integers(1, 2000))
def test_many_segments_in_both_scales(segments, theta, n):
    a, s = max(1, n // 10), min(n, 20)
    theta = min(theta, s)
    with mpmath.workdps(60):
        exact = (
            1
            - (1 - mpmath.mpf(exact_tail(n, a, s, theta).numerator) / exact_tail(n, a, s, theta).denominator)
            ** segments
        )
        value = patterns.false_match_probability_of_many(n, a, s, theta, segments)
        log10 = patterns.log10_false_match_probability_of_many(n, a, s, theta, segments)
        assert relative_error(value, exact) < 1e-12
        assert log10 == -np.inf if exact == 0 else abs(log10 - mpmath.log10(exact)) < 1e-12


def test_many_segments_far_below_the_smallest_double():
    one = patterns.log10_false_match_probability(1_000_000, 2000, 200, 200)
    assert patterns.log10_false_match_probability_of_many(1_000_000, 2000, 200, 200, 1000) == pytest.approx(
        one + 3, rel=1e-15
    )
    assert patterns.false_match_probability_of_many(1_000_000, 2000, 200, 200, 1000) == 0


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 300), st.floats(0, 1, allow_subnormal=False), st.data())
def test_failing_synapses_against_exact_integers(s, failure, data):
    theta = data.draw(st.integers(0, s), label="threshold")
    with mpmath.workdps(60):
        kept = 1 - mpmath.mpf(failure)
        ways = [mpmath.binomial(s, b) * kept**b * mpmath.mpf(failure) ** (s - b) for b in range(theta)]
        missed = mpmath.fsum(ways)
        log10 = patterns.log10_missed_match_probability(s, s, theta, failure, law="failure")
        assert log10 == -np.inf if missed == 0 else abs(log10 - mpmath.log10(missed)) < 1e-12 * max(1, -log10)
        if missed == 0 or missed > 1e-300:
            # 1 - failure is rounded to 1e-16, which counts once for each synapse
            assert (
                relative_error(patterns.missed_match_probability(s, s, theta, failure, law="failure"), missed) < 1e-12
            )


def test_cells_that_fire_again_save_matches():
    asked = {"active": 128, "synapses": 30, "threshold": 12, "lost": 64}
    again = patterns.missed_match_probability(**asked, law="readd", population=6000)
    assert relative_error(again, "6.348142214774929805954065e-2") < 1e-12
    assert patterns.missed_match_probability(128, 30, 8, 96, law="readd", population=6000) == pytest.approx(
        0.44096, abs=5e-6
    )
    among_many = patterns.missed_match_probability(**asked, law="readd", population=10**9)
    assert among_many == pytest.approx(patterns.missed_match_probability(**asked), rel=1e-5)
    assert again < among_many


def test_readding_by_counting_every_choice():
    n, a, s, theta, v = 7, 4, 3, 2, 2
    missed = []
    for lost in itertools.combinations(range(a), v):
        left = set(range(a)) - set(lost)
        for new in itertools.combinations(sorted(set(range(n)) - left), v):
            active = left | set(new)
            missed += [len(active & set(segment)) < theta for segment in itertools.combinations(range(a), s)]
    found = patterns.missed_match_probability(a, s, theta, v, law="readd", population=n)
    assert found == pytest.approx(np.mean(missed), rel=1e-13)


def test_missed_match_of_a_union_by_counting_every_choice():
    n, a, s, theta, v = 6, 3, 2, 2, 1
    missed = []
    for own in itertools.combinations(range(a), s):
        for other in itertools.combinations(range(n), s):
            for lost in itertools.combinations(range(a), v):
                for new in itertools.combinations(range(a, n), v):
                    active = set(range(a)) - set(lost) | set(new)
                    missed.append(len(active & (set(own) | set(other))) < theta)
    found = patterns.union_missed_match_probability(n, a, s, theta, 2, v)
    assert found == pytest.approx(np.mean(missed), rel=1e-13)


def test_a_union_of_one_misses_like_a_segment():
    lost = np.arange(0, 129, 8)
    alone = patterns.missed_match_probability(128, 30, 12, lost)
    union = patterns.union_missed_match_probability(6000, 128, 30, 12, [[1], [5]], lost)
    assert union[0] == pytest.approx(alone, rel=1e-12)
    assert np.all(union[1] <= alone) and union[1, 8] < alone[8]


def test_best_threshold_is_the_best_of_all():
    for (n, a, s, v), law in itertools.product(
        [(10_000, 200, 30, 60), (2000, 40, 20, 8), (1000, 100, 24, 50)], ["swap", "readd"]
    ):
        theta = np.arange(1, s + 1)
        false = patterns.false_match_probability(n, a, s, theta)
        missed = patterns.missed_match_probability(a, s, theta, v, law=law, population=n)
        best = patterns.best_threshold(n, a, s, v, law=law)
        assert best.threshold == theta[np.argmin(false + missed)]
        assert best.false_match + best.missed_match == pytest.approx((false + missed).min(), rel=1e-14)


def test_best_threshold_broadcasts_and_sees_below_the_smallest_double():
    table = patterns.best_threshold(10_000, 200, [[20], [40]], [0, 60, 100])
    assert table.threshold.shape == (2, 3)
    assert table.threshold[:, 0].tolist() == [20, 40]  # nothing is lost: as high as it can be
    assert patterns.best_threshold(10**6, 300, 150, 0).threshold == 150  # false matches 1e-530 at 149
    assert np.ndim(patterns.best_threshold(10_000, 200, 20, 0.25, law="failure").threshold) == 0


def test_union_by_its_overlap_and_by_its_size_agree():
    """The chain over the active cells is the mixture of Eq. 4 over the distribution of union sizes."""
    for n, a, s, theta, m in [
        (100, 10, 5, 3, 2),
        (1000, 200, 25, 15, 3),
        (1024, 20, 20, 18, 10),
        (30, 30, 4, 4, 5),
    ]:
        size = patterns.union_size_distribution(n, s, m)
        mixture = size @ overlap_tail(n, a, np.arange(len(size)), theta).probability()
        assert patterns.union_false_match_probability(n, a, s, theta, m) == pytest.approx(mixture, rel=1e-12)


def test_unions_far_below_the_smallest_double():
    """Two stored sets of s, all cells of a pattern of a = s needed: C(k, a) / C(n, a) over the union sizes k."""
    n, s = 10**6, 150
    with mpmath.workdps(60):
        sizes = (
            mpmath.binomial(n - s, k - s) * mpmath.binomial(s, 2 * s - k) / mpmath.binomial(n, s)
            for k in range(s, 2 * s + 1)
        )
        exact = sum(p * mpmath.binomial(k, s) for p, k in zip(sizes, range(s, 2 * s + 1), strict=True))
        exact = mpmath.log10(exact / mpmath.binomial(n, s))
        assert exact < -500
        assert abs(patterns.log10_union_false_match_probability(n, s, s, s, 2) - exact) < 1e-10
    assert patterns.union_false_match_probability(n, s, s, s, 2) == 0


def test_a_thousand_patterns_keep_their_digits():
    """The chain over sets against the law of one cell after another, in exact fractions."""
    n, a, s, theta, m = 60, 3, 2, 2, 1000
    # inclusion and exclusion: P(no synapse on any of j cells) = (C(n - j, s) / C(n, s))^m
    free = [Fraction(math.comb(n - j, s), math.comb(n, s)) ** m for j in range(a + 1)]
    covered = [
        sum((-1) ** i * math.comb(c, i) * free[a - c + i] for i in range(c + 1)) * math.comb(a, c) for c in range(a + 1)
    ]
    with mpmath.workdps(40):
        missed = mpmath.mpf(sum(covered[:theta]).numerator) / sum(covered[:theta]).denominator
        found = patterns.union_false_match(n, a, s, theta, m)
        assert abs(float(found.smaller) - mpmath.log(missed)) < 1e-12 * abs(mpmath.log(missed))


def test_union_of_two_by_counting_every_pair():
    n, a, s, theta = 7, 3, 3, 2
    sets = list(itertools.combinations(range(n), s))
    unions = [set(x) | set(y) for x, y in itertools.product(sets, repeat=2)]
    sizes = np.bincount([len(u) for u in unions], minlength=2 * s + 1) / len(unions)
    match = np.mean([len(u & set(range(a))) >= theta for u in unions])
    assert patterns.union_size_distribution(n, s, 2) == pytest.approx(sizes, rel=1e-13)
    assert patterns.union_false_match_probability(n, a, s, theta, 2) == pytest.approx(match, rel=1e-13)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 80), st.integers(0, 80), st.integers(0, 6))
def test_union_size_distribution_sums_to_one_around_the_mean(n, s, m):
    size = patterns.union_size_distribution(n, min(s, n), m)
    assert size.sum() == pytest.approx(1, rel=1e-13)
    assert size @ np.arange(len(size)) == pytest.approx(patterns.union_size(n, min(s, n), m), rel=1e-12)


def test_one_stored_pattern_is_a_segment_and_none_is_nothing():
    alone = patterns.false_match_probability(2000, 40, 20, 9)
    for method in ("exact", "mean_field"):
        none, one = patterns.union_false_match_probability(2000, 40, 20, 9, [0, 1], method=method)
        assert none == 0
        assert one == pytest.approx(alone, rel=1e-13)


def test_arguments_broadcast_and_scalars_give_scalars():
    population, threshold = np.array([[1000], [5000]]), np.array([5, 10, 15])
    table = patterns.union_false_match_probability(population, 50, 20, threshold, 3)
    assert table.shape == (2, 3)
    for (i, j), value in np.ndenumerate(table):
        alone = patterns.union_false_match_probability(population[i, 0], 50, 20, threshold[j], 3)
        assert np.ndim(alone) == 0 and alone == value
    assert patterns.smallest_threshold(population, 50, [20, 30], [1e-6]).shape == (2, 2)
    assert np.ndim(patterns.union_size(1000, 20, 3)) == 0


@given(st.integers(10, 10_000), st.integers(2, 60), st.integers(-12, -1))
@settings(max_examples=40, deadline=None)
def test_smallest_threshold_is_the_smallest(n, s, exponent):
    a, s = max(1, n // 50), min(s, n)
    limit = 10.0**exponent
    if patterns.false_match_probability(n, a, s, s) <= limit:
        theta = patterns.smallest_threshold(n, a, s, limit)
        at, below = patterns.false_match_probability(n, a, s, [theta, theta - 1])
        assert at <= limit < below


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (
            lambda: patterns.false_match_probability(100, 200, 5, 3),
            "200 active cells do not fit into a population of 100",
        ),
        (lambda: patterns.false_match_probability(100, [20, 101], 5, 3), "101 active cells do not fit"),
        (
            lambda: patterns.false_match_probability(100, 20, 101, 3),
            "101 synapses are more than a population of 100",
        ),
        (lambda: patterns.false_match_probability(100, 20, 5, 6), "threshold 6 is above the 5 synapses"),
        (lambda: patterns.false_match_probability(100, 0.2, 5, 3), "active 0.2 is not a count"),
        (lambda: patterns.false_match_probability(100, 20, -5, 3), "synapses -5 is not a count"),
        (lambda: patterns.false_match_probability(100, 20, 5, float("nan")), "threshold nan is not a count"),
        (lambda: patterns.false_match_probability("many", 20, 5, 3), "population 'many' is not a number"),
        (
            lambda: patterns.false_match_probability(2 * 10**9, 20, 5, 3),
            "population 2000000000 must lie between 1 and",
        ),
        (lambda: patterns.false_match_probability(0, 0, 0, 0), "population 0 must lie between 1 and"),
        (lambda: patterns.log10_false_match_probability(9, 10, 5, 3), "10 active cells do not fit"),
        (lambda: patterns.overlap_count(100, 20, 5, 1.5), "overlap 1.5 is not a count"),
        (lambda: patterns.false_match_probability_of_many(100, 20, 5, 3, 0), "segments 0 must be at least 1"),
        (
            lambda: patterns.missed_match_probability(10, 20, 3, 3),
            "20 synapses are more than the 10 active cells",
        ),
        (
            lambda: patterns.missed_match_probability(20, 10, 3, 21),
            "21 cells cannot be lost from 20 active ones",
        ),
        (lambda: patterns.missed_match_probability(20, 10, 11, 2), "threshold 11 is above the 10 synapses"),
        (lambda: patterns.missed_match_probability(20, 10, 3, 0.2), "lost 0.2 is not a count"),
        (
            lambda: patterns.missed_match_probability(20, 10, 3, 2, law="failure"),
            "lost 2.0 is no probability; give one from 0 to 1",
        ),
        (lambda: patterns.missed_match_probability(20, 10, 3, 2, law="wrong"), 'law "wrong" is unknown'),
        (lambda: patterns.missed_match_probability(20, 10, 3, 2, law="readd"), 'law "readd" draws from all cells'),
        (
            lambda: patterns.missed_match_probability(20, 10, 3, 2, law="readd", population=19),
            "20 active cells do not fit into a population of 19",
        ),
        (
            lambda: patterns.union_missed_match_probability(20, 12, 10, 3, 2, 9),
            "9 cells cannot be swapped between 12 active and 8 silent ones",
        ),
        (lambda: patterns.union_missed_match_probability(90, 12, 10, 3, 0, 2), "patterns 0 leave nothing to miss"),
        (lambda: patterns.best_threshold(1000, 20, 0, 2), "0 synapses leave no threshold to choose"),
        (
            lambda: patterns.smallest_threshold(1000, 20, 5, 1e-30),
            "5 synapses cannot bring false matches down to 1e-30",
        ),
        (lambda: patterns.smallest_threshold(1000, 20, 5, 1.5), "false_match 1.5 is no probability"),
        (lambda: patterns.union_size(1000, 20, 2.5), "patterns 2.5 is not a count"),
        (
            lambda: patterns.union_false_match_probability(1000, 20, 5, 3, 2, "wrong"),
            'method "wrong" is unknown',
        ),
        (lambda: patterns.false_match_over_grid([1000], [2.0], [20], [9]), "sparsity 2.0 is no fraction"),
        (
            lambda: patterns.optimal_threshold([1000], [0.1], [20], [3, 4]),
            "no threshold up to 4 reaches 1e-09",
        ),
    ],
)
def test_impossible_arguments_get_one_sentence(call, sentence):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)
