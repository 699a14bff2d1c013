"""Drawn patterns: sets are uniform, comparisons independent as claimed, counts follow the exact laws, stops do no harm.

Tests of chance have fixed seeds; each states how often it would fail with another one.
"""

import itertools
import json
import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chi2

from biophys.patterns import sampling as pattern_sampling
from biophys.patterns.overlap import log_overlap_probability
from biophys.patterns.sampling import (
    FailingSynapses,
    FalseMatches,
    Found,
    MissedMatches,
    draw_sets,
    laid_over,
    sample,
    wilson_interval,
)
from biophys.patterns.theory import missed_match_probability, union_false_match_probability

SMALL = FalseMatches(500, 128, 24)


def chance_of_worse(counts, probabilities):
    """Probability of a larger chi-square; outcomes with fewer than 5 expected are joined."""
    expected = np.asarray(probabilities) * np.sum(counts)
    rare = expected < 5
    counts = np.append(np.asarray(counts)[~rare], np.sum(np.asarray(counts)[rare]))
    expected = np.append(expected[~rare], expected[rare].sum())
    used = expected > 0
    assert counts[~used].sum() == 0
    if used.sum() == 1:
        return 1.0
    return chi2.sf(((counts - expected)[used] ** 2 / expected[used]).sum(), used.sum() - 1)


def counted(question, comparisons, seed=1):
    return sample([question], comparisons, seed=seed, jobs=1)[0]


@pytest.mark.parametrize(("rows", "size"), [(5, 2), (6, 3), (4, 4), (7, 1)])
def test_every_set_is_drawn_equally_often(rows, size):
    table = np.zeros((rows, 40_000), np.uint8)
    drawn = draw_sets(np.random.default_rng(1), table, size)
    assert np.all(table.sum(axis=0) == size) and np.all(table[drawn, np.arange(40_000)] == 1)
    counts = np.bincount((table.T * 2 ** np.arange(rows)).sum(axis=1), minlength=2**rows)
    sets = [sum(2**i for i in chosen) for chosen in itertools.combinations(range(rows), size)]
    assert counts[sets].sum() == 40_000
    assert len(sets) == 1 or chance_of_worse(counts[sets], np.full(len(sets), 1 / len(sets))) > 1e-3


def test_a_union_keeps_the_cells_of_all_its_sets():
    table, chance = np.zeros((30, 500), np.uint8), np.random.default_rng(2)
    sets = [draw_sets(chance, table, 6, mark) for mark in (1, 2, 3)]
    for column in range(500):
        assert set(np.flatnonzero(table[:, column])) == set(np.concatenate(sets)[:, column])
        assert all(len(set(drawn[:, column])) == 6 for drawn in sets)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32), st.data())
def test_overlaps_are_those_of_sets(rows, seed, data):
    chance, sizes = np.random.default_rng(seed), data.draw(st.tuples(st.integers(0, rows), st.integers(1, rows)))
    table = np.zeros((rows, 9), np.uint8)
    columns = draw_sets(chance, table, sizes[0])
    sets = draw_sets(chance, np.zeros((rows, 3), np.uint8), sizes[1]).T
    expected = [[len(set(cells) & set(columns[:, column])) for column in range(9)] for cells in sets]
    assert laid_over(table, sets).reshape(3, 9).tolist() == expected


def test_large_overlaps_do_not_wrap_around():
    table = np.ones((700, 3), np.uint8)
    assert laid_over(table, np.array([np.arange(700)] * 2)).tolist() == [700] * 6


def test_comparisons_without_a_ring_are_independent_and_a_ring_is_not():
    """Exact, over all patterns A, B and segments D, E of six cells: the claim at the top of the module."""
    n, a, s, theta = 6, 3, 2, 1
    patterns, segments = (list(map(set, itertools.combinations(range(n), size))) for size in (a, s))
    match = np.array([[len(pattern & segment) >= theta for segment in segments] for pattern in patterns], dtype=float)
    p = match.mean()
    assert np.ptp(match.mean(axis=0)) < 1e-15 and np.ptp(match.mean(axis=1)) < 1e-15
    share = 1 / match.size
    same_pattern = np.einsum("ad,ae->", match, match) * share / len(segments)
    path = np.einsum("ad,ae,be->", match, match, match) * share**2
    star = np.einsum("ad,ae,af->", match, match, match) * share / len(segments) ** 2
    ring = np.einsum("ad,ae,be,bd->", match, match, match, match) * share**2
    assert same_pattern == pytest.approx(p**2, rel=1e-14)
    assert [path, star] == pytest.approx([p**3, p**3], rel=1e-14)
    assert ring > 1.005 * p**4


def test_rings_add_little():
    """They add 2 E[c²] to the fourth moment, relative to that of independent comparisons (three squared variances).

    c is the correlation of the matches of two patterns: K segments and P patterns make K²P²/4 rings, each in 24 orders.
    """
    n, a, s, theta = 60, 12, 6, 3
    chance = np.random.default_rng(3)
    table = np.zeros((n, 3000), np.uint8)
    draw_sets(chance, table, s)
    patterns = draw_sets(chance, np.zeros((n, 400), np.uint8), a).T
    match = laid_over(table, patterns).reshape(400, 3000) >= theta
    correlations = np.corrcoef(match)[np.triu_indices(400, 1)]
    assert 2 * (np.mean(correlations**2) - 1 / 3000) < 2 / n


@pytest.mark.parametrize(
    "question",
    [SMALL, FalseMatches(1000, 200, 25, 3), MissedMatches(600, 64, 24, 30), MissedMatches(200, 64, 24, 50, "readd")],
)
def test_blocks_scatter_like_independent_comparisons(question, monkeypatch):
    """Variance of the number of matches over 200 blocks; with other seeds each case fails twice in 1000."""
    monkeypatch.setattr(pattern_sampling, "COLUMNS", 256)
    chance, threshold = np.random.default_rng(4), 12
    counts = [np.count_nonzero(question.overlaps(chance) >= threshold) for _ in range(200)]
    p = np.mean(counts) / question.block
    ratio = np.var(counts, ddof=1) / (question.block * p * (1 - p))
    assert np.mean(counts) > 20
    assert chi2.ppf(1e-3, 199) < 199 * ratio < chi2.ppf(1 - 1e-3, 199)


@pytest.mark.parametrize("question", [SMALL, FalseMatches(300, 256, 24), FalseMatches(64, 8, 20)])
def test_overlaps_of_random_patterns_are_hypergeometric(question):
    found = counted(question, 300_000)
    n, a, s = question.population, question.active, question.synapses
    law = np.exp(log_overlap_probability(n, a, s, np.arange(len(found.overlaps))))
    assert found.comparisons == 300_000
    assert chance_of_worse(found.overlaps, law) > 1e-3


@pytest.mark.parametrize(
    ("question", "comparisons"),
    [
        (FalseMatches(100, 10, 5, 2), 100_000),
        (FalseMatches(1000, 200, 25, 5), 30_000),
        (FalseMatches(40, 15, 10, 7), 30_000),
        (MissedMatches(6000, 128, 30, 64), 300_000),
        (MissedMatches(150, 100, 12, 50), 300_000),
        (MissedMatches(200, 64, 24, 50, "readd"), 100_000),
        (MissedMatches(100, 60, 20, 60, "readd"), 100_000),
        (MissedMatches(60, 60, 20, 30, "readd"), 10_000),
        (FailingSynapses(30, 0.5), 300_000),
        (FailingSynapses(20, 0.07), 300_000),
    ],
)
def test_errors_at_every_threshold_follow_the_theory(question, comparisons):
    """All overlaps at once, from differences of the theory; with other seeds each case fails once in 1000."""
    found = counted(question, comparisons)
    errors = question.probability(np.arange(question.synapses + 1))
    matches = errors if isinstance(question, FalseMatches) else 1 - errors
    observed = found.matches(np.arange(question.synapses + 1))
    law = np.append(-np.diff(matches), matches[-1])
    assert chance_of_worse(np.append(-np.diff(observed), observed[-1]), np.maximum(law, 0)) > 1e-3
    assert found.misses(5) == comparisons - found.matches(5)


def test_unions_side_with_the_mixture_and_not_with_the_mean_field():
    question, comparisons = FalseMatches(1000, 200, 25, 2), 300_000
    errors = question.errors(counted(question, comparisons), 15)
    low, high = wilson_interval(errors, comparisons, 0.999)
    mean_field = union_false_match_probability(1000, 200, 25, 15, 2, "mean_field")
    assert low < question.probability(15) < high
    assert not low < mean_field < high


def test_published_points_within_their_intervals():
    """Six points of Figures 4A and 4B at 99.9 % each; with other seeds one run in 150 fails."""
    questions = [FalseMatches(500, 64, 24), SMALL, FalseMatches(900, 128, 24), FalseMatches(1100, 256, 24)]
    questions += [MissedMatches(6000, 128, 30, lost) for lost in (51, 77)]
    found = sample(questions, 2_000_000, seed=5, jobs=1)
    for question, each in zip(questions, found, strict=True):
        low, high = wilson_interval(question.errors(each, 12), each.comparisons, 0.999)
        assert low <= question.probability(12) <= high, question


def test_found_counts_matches_and_misses():
    found = Found(np.array([3, 0, 5, 2]))
    assert found.matches([0, 1, 2, 3, 4, 99]).tolist() == [10, 7, 7, 2, 0, 0]
    assert found.misses(2) == 3 and found.comparisons == 10


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.floats(0.5, 0.9999))
def test_wilson_interval_is_where_the_score_is_z(k, n, confidence):
    k = min(k, n)
    low, high = wilson_interval(k, n, confidence)
    share = k / n
    assert 0 <= low <= share <= high <= 1
    z = abs(pattern_sampling.ndtri((1 - confidence) / 2))
    for end in {low, high} - {0.0, 1.0}:
        assert abs(share - end) == pytest.approx(z * math.sqrt(end * (1 - end) / n), rel=1e-6, abs=1e-12)


def test_wilson_interval_covers_rare_events():
    """Coverage summed over the binomial law; published table: 10 of 20 at 95 % gives 0.2993 to 0.7007."""
    assert wilson_interval(10, 20) == pytest.approx((0.2993, 0.7007), abs=5e-5)
    for p in (3e-4, 0.01, 0.2, 0.5):
        k = np.arange(1001)
        low, high = wilson_interval(k, 1000)
        assert binom(1000, p).pmf(k)[(low <= p) & (p <= high)].sum() > 0.93


def test_result_depends_on_the_seed_and_the_question_alone():
    other = FalseMatches(500, 64, 24)
    few = SMALL.block * pattern_sampling.BLOCKS * 3 + 12_345
    first, second = sample([SMALL, other], [few, 1000], seed=7, jobs=1)
    assert first.comparisons == few and second.comparisons == 1000
    again = sample([other, SMALL], [1000, few], seed=7, jobs=2)
    assert np.array_equal(again[1].overlaps, first.overlaps) and np.array_equal(again[0].overlaps, second.overlaps)
    assert not np.array_equal(counted(SMALL, few, seed=8).overlaps, first.overlaps)


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(pattern_sampling, "BLOCKS", 1)


def test_interrupted_work_goes_on_and_ends_the_same(tmp_path, monkeypatch, small_chunks):
    comparisons, put, written = SMALL.block * 5 + 99, pattern_sampling._Kept.put, []

    def interrupted(self, *chunk):
        if len(written) == 3:
            raise KeyboardInterrupt
        put(self, *chunk)
        written.append(chunk)

    monkeypatch.setattr(pattern_sampling._Kept, "put", interrupted)
    with pytest.raises(KeyboardInterrupt, match="is kept in .*; the same command goes on"):
        sample([SMALL], comparisons, jobs=1, parts=tmp_path / "parts")
    monkeypatch.setattr(pattern_sampling._Kept, "put", lambda self, *chunk: (put(self, *chunk), written.append(chunk)))
    resumed = sample([SMALL], comparisons, jobs=1, parts=tmp_path / "parts")[0]
    assert sorted(number for _, number, _ in written) == [0, 1, 2, 3, 4, 5]
    assert np.array_equal(resumed.overlaps, sample([SMALL], comparisons, jobs=1)[0].overlaps)
    assert not list((tmp_path / "parts").glob("*.part"))


def test_more_comparisons_begin_with_the_kept_ones(tmp_path, monkeypatch, small_chunks):
    sample([SMALL], SMALL.block * 2 + 5, jobs=1, parts=tmp_path)
    count, drawn = pattern_sampling._count, []
    monkeypatch.setattr(pattern_sampling, "_count", lambda *chunk: (drawn.append(chunk[3]), count(*chunk))[1])
    more = sample([SMALL], SMALL.block * 4, jobs=1, parts=tmp_path)[0]
    assert drawn == [2, 3]  # the third was not full
    assert np.array_equal(more.overlaps, sample([SMALL], SMALL.block * 4, jobs=1)[0].overlaps)


def test_killed_at_any_moment(tmp_path):
    program = (
        "from pathlib import Path; from biophys.patterns.sampling import *; "
        f"sample([FalseMatches(500, 128, 24)], 400_000_000, seed=3, jobs=1, parts=Path({str(tmp_path)!r}))"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    file = tmp_path / "FalseMatches-500-128-24-1-seed-3.json"
    deadline = time.monotonic() + 60
    while not file.is_file() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = json.loads(file.read_text())
    full = SMALL.block * pattern_sampling.BLOCKS
    assert 1 <= len(kept) < 95 and all(sum(overlaps) == full for overlaps in kept.values())
    comparisons = len(kept) * full + 10_000
    resumed = sample([SMALL], comparisons, seed=3, jobs=1, parts=tmp_path)[0]
    assert np.array_equal(resumed.overlaps, sample([SMALL], comparisons, seed=3, jobs=1)[0].overlaps)


def test_large_populations_get_smaller_blocks():
    question = FalseMatches(2_000_000, 50, 3)
    assert question.block == 8 * pattern_sampling.LAID_OVER
    assert question.overlaps(np.random.default_rng(0)).shape == (question.block,)


@pytest.mark.slow
def test_hundred_million_comparisons_take_at_most_20_seconds():
    start = time.perf_counter()
    found = sample([FalseMatches(3500, 256, 24)], 100_000_000)[0]
    assert time.perf_counter() - start < 20
    low, high = wilson_interval(found.matches(12), found.comparisons, 0.999)
    assert low <= FalseMatches(3500, 256, 24).probability(12) <= high


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: FalseMatches(100, 200, 5), "200 active cells do not fit into a population of 100"),
        (lambda: FalseMatches(10**8, 200, 5), "population 100000000 is too large to draw from; use at most 16777216"),
        (lambda: MissedMatches(100, 60, 5, 41), "41 active cells cannot be swapped for 40 silent ones"),
        (lambda: MissedMatches(100, 60, 5, 4, "wrong"), 'law "wrong" is unknown'),
        (lambda: FailingSynapses(5, 1.5), "lost 1.5 is no probability"),
        (lambda: sample([SMALL], 0), "0 comparisons count nothing; use at least 1"),
        (lambda: sample([SMALL], 10, seed=-1), "seed -1 is no seed; use a whole number from 0"),
        (lambda: wilson_interval(1, 2, 95), "confidence 95 is no probability between 0 and 1"),
    ],
)
def test_impossible_requests_get_one_sentence(call, sentence):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value).startswith(sentence) and "\n" not in str(caught.value)


def test_a_damaged_file_is_named(tmp_path):
    file = tmp_path / "FalseMatches-500-128-24-1-seed-0.json"
    file.write_text("{")
    with pytest.raises(ValueError, match="seed-0.json is no file of counts; remove it"):
        sample([SMALL], 10, parts=tmp_path)


def test_theory_of_a_question_is_that_of_patterns():
    assert MissedMatches(6000, 128, 30, 64, "readd").probability(12) == missed_match_probability(
        128, 30, 12, 64, law="readd", population=6000
    )
