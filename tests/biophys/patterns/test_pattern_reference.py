"""Exact theory of sparse patterns against exact integers, published rows and its own equivalent routes.

reference_data/sparse_patterns.csv: exact values to 25 digits from integers; columns as in Ahmad and
Hawkins (2016): n population, a active, s synapses, theta threshold, M patterns or segments, noise cells lost.
"""

import csv
import time
from pathlib import Path

import mpmath
import numpy as np
import pytest

from biophys import patterns

GRIDS = {
    "n1000-17000step4000": range(1000, 17_001, 4000),
    "n10000-190000step20000": range(10_000, 190_001, 20_000),
}
SPARSITIES, SYNAPSES, THRESHOLDS = [0.005 * i for i in range(1, 7)], range(20, 51, 5), range(3, 25)


with (Path(__file__).parents[2] / "reference_data/sparse_patterns.csv").open() as file:
    REFERENCE = list(csv.DictReader(file))
TESTED = set()


def rows(*formulas):
    found = [row for row in REFERENCE if row["formula"] in formulas]
    assert {row["formula"] for row in found} == set(formulas)
    TESTED.update(formulas)
    return [pytest.param(row, id="-".join(filter(None, list(row.values())[:7]))) for row in found]


def integers(row, names):
    return [int(row[name]) for name in names]


def relative_error(value, exact):
    """Of a double against a decimal string or mpmath number, without rounding the latter first."""
    with mpmath.workdps(40):
        exact = mpmath.mpf(exact)
        return float(abs(mpmath.mpf(float(value)) - exact) / abs(exact)) if exact else float(value)


@pytest.mark.parametrize("row", rows("exact_match_prob"))
def test_exact_match(row):
    n, w = integers(row, "na")
    assert relative_error(patterns.false_match_probability(n, w, w, w), row["value"]) < 1e-12


@pytest.mark.parametrize("row", rows("overlap_set"))
def test_overlap_count(row):
    count = patterns.overlap_count(*integers(row, ("n", "a", "s", "theta")))
    assert isinstance(count, int)
    with mpmath.workdps(40):
        assert abs(mpmath.mpf(count) / mpmath.mpf(row["value"]) - 1) < 1e-24


@pytest.mark.parametrize("row", rows("fp_segment"))
def test_false_match(row):
    value = patterns.false_match_probability(*integers(row, ("n", "a", "s", "theta")))
    assert relative_error(value, row["value"]) < 1e-12


@pytest.mark.parametrize("row", rows("log10_fp_segment"))
def test_log10_false_match(row):
    value = patterns.log10_false_match_probability(*integers(row, ("n", "a", "s", "theta")))
    assert relative_error(value, row["value"]) < 1e-14


@pytest.mark.parametrize("row", rows("fp_population"))
def test_false_match_of_many(row):
    value = patterns.false_match_probability_of_many(*integers(row, ("n", "a", "s", "theta", "M")))
    assert relative_error(value, row["value"]) < 1e-12


@pytest.mark.parametrize("row", rows("fn_swap"))
def test_missed_match(row):
    value = patterns.missed_match_probability(*integers(row, ("a", "s", "theta", "noise")))
    assert relative_error(value, row["value"]) < 1e-12


@pytest.mark.parametrize("row", rows("fn_dropout"))
def test_missed_match_with_failing_synapses(row):
    s, theta = integers(row, ("s", "theta"))
    value = patterns.missed_match_probability(s, s, theta, float(row["noise"]), law="failure")
    assert relative_error(value, row["value"]) < 1e-12


@pytest.mark.parametrize("row", rows("fn_union_swap"))
def test_missed_match_of_a_union(row):
    value = patterns.union_missed_match_probability(*integers(row, ("n", "a", "s", "theta", "M", "noise")))
    assert relative_error(value, row["value"]) < 1e-12


@pytest.mark.parametrize("row", rows("union_expected_on"))
def test_union_size(row):
    assert relative_error(patterns.union_size(*integers(row, ("n", "s", "M"))), row["value"]) < 1e-12


@pytest.mark.parametrize("row", rows("union_size_pmf"))
def test_union_size_distribution(row):
    n, s, size, m = integers(row, ("n", "s", "theta", "M"))
    assert relative_error(patterns.union_size_distribution(n, s, m)[size], row["value"]) < 1e-12


@pytest.mark.parametrize("row", rows("union_fp_exact", "union_fp_rounded"))
def test_union_false_match(row):
    method = {"union_fp_exact": "exact", "union_fp_rounded": "mean_field"}[row["formula"]]
    asked = integers(row, ("n", "a", "s", "theta", "M"))
    value = patterns.union_false_match_probability(*asked, method=method)
    assert relative_error(value, row["value"]) < 1e-12


@pytest.mark.parametrize("row", rows("theta_min_for_fp"))
def test_smallest_threshold(row):
    limit = float(row["noise"].removeprefix("eps="))
    assert patterns.smallest_threshold(*integers(row, "nas"), limit) == int(row["value"])


@pytest.mark.parametrize("row", rows("fig6_median"))
def test_median_over_the_grid(row):
    population = GRIDS[row["note"].removeprefix("grid n=").split(",")[0]]
    grid = patterns.false_match_over_grid(population, SPARSITIES, SYNAPSES, [int(row["theta"])])
    assert relative_error(grid.median[0], row["value"]) < 1e-12


def test_no_row_of_the_reference_is_left_out():
    assert {row["formula"] for row in REFERENCE} == TESTED


def test_grid_of_figure_6_takes_less_than_a_second():
    start = time.perf_counter()
    grid = patterns.false_match_over_grid(GRIDS["n10000-190000step20000"], SPARSITIES, SYNAPSES, THRESHOLDS)
    assert time.perf_counter() - start < 1
    assert grid.median.shape == (22,)
    assert np.all((grid.lowest <= grid.median) & (grid.median <= grid.highest) & (grid.mean <= grid.highest))


def test_threshold_9_is_not_within_one_in_a_billion_but_10_is():
    grid = GRIDS["n10000-190000step20000"]
    assert patterns.false_match_over_grid(grid, SPARSITIES, SYNAPSES, [9]).median[0] == pytest.approx(2.0406e-9, 1e-4)
    assert patterns.optimal_threshold(grid, SPARSITIES, SYNAPSES, THRESHOLDS) == 10
