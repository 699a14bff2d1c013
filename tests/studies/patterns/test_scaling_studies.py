"""Scaling laws of the union property and of the threshold: exact values, published numbers, exponents of the theory."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from biophys.patterns.scaling import poisson_mean
from biophys.patterns.theory import false_match_probability, smallest_threshold, union_false_match_probability
from studies.patterns import threshold_scaling, union_capacity
from studies.patterns.power_law import exponents_text, fit_power_law


def rows(formula):
    with (Path(__file__).parents[2] / "reference_data/sparse_patterns.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["formula"] == formula]


@pytest.fixture(scope="module")
def capacity():
    return union_capacity.simulate(
        (5000, 10_000, 20_000, 40_000),
        active=(80, 160, 320),
        synapses=(20, 25, 30),
        thresholds=(6, 9, 12, 15),
        false_match=(1e-3, 1e-6, 1e-9),
        most_patterns=300,
    )


@pytest.fixture(scope="module")
def threshold():
    return threshold_scaling.simulate()


def test_capacity_is_where_false_matches_reach_the_error(capacity):
    """The whole patterns on both sides of it, exactly."""
    for point in ((10_000, 160, 20, 12, 1e-6), (5000, 80, 30, 15, 1e-9), (20_000, 320, 25, 6, 1e-3)):
        n, a, s, theta, error = point
        found = float(capacity.capacity.sel(dict(zip(capacity.capacity.dims, point, strict=True))))
        few, many = union_false_match_probability(n, a, s, theta, [int(found), int(found) + 1])
        assert few <= error < many


def test_capacity_of_the_published_segment():
    """Figure 7B: 20,000 cells, 200 active, 25 synapses, threshold 15; 1e-9 lies between 7 and 8 patterns."""
    dataset = union_capacity.simulate((10_000, 20_000), active=(100, 200), synapses=(20, 25), most_patterns=100)
    point = {"population": 20_000, "active": 200, "synapses": 25, "threshold": 15, "false_match": 1e-9}
    found = float(dataset.capacity.sel(point))
    assert 7 < found < 8


def test_capacity_exponents_are_those_of_the_theory(capacity):
    assert capacity.exponent.values == pytest.approx([1, -1, -1, 1], abs=0.02)
    assert np.all(capacity.exponent_lowest <= capacity.exponent)
    assert np.all(capacity.exponent <= capacity.exponent_highest)
    assert capacity.attrs["over_power_law"] == pytest.approx(1.04, abs=0.02)
    assert capacity.attrs["residual_largest"] < 0.08


def test_capacity_law_holds_within_4_percent_and_the_power_law_from_below(capacity):
    held = (capacity.capacity >= 4) & (2 * capacity.threshold <= capacity.active)
    ratio = (capacity.capacity / capacity.capacity_law).where(held)
    assert int(held.sum()) > 200
    assert 0.96 < float(ratio.min()) and float(ratio.max()) < 1.04
    power = capacity.poisson_mean * capacity.population / (capacity.synapses * capacity.active)
    assert float((capacity.capacity / power).where(held).min()) > 1


def test_capacity_at_a_fixed_share_does_not_depend_on_the_population(capacity):
    one, two = (capacity.capacity.sel(population=n, active=a, synapses=20) for n, a in ((10_000, 80), (40_000, 320)))
    both = ((one > 4) & (two > 4) & (one.threshold <= 9)).values
    assert both.sum() >= 3
    assert one.values[both] == pytest.approx(two.values[both], rel=0.05)


def test_capacity_grows_with_the_threshold_as_the_poisson_mean_does(capacity):
    """No power: the local exponent falls from log(1/r) / (1 - r) at small r = lambda / theta towards 1."""
    line = capacity.capacity.sel(population=40_000, active=320, synapses=20, false_match=1e-3)
    slope = np.diff(np.log(line)) / np.diff(np.log(line.threshold))
    expected = np.diff(np.log(poisson_mean(line.threshold.values, 1e-3))) / np.diff(np.log(line.threshold))
    assert slope == pytest.approx(expected, rel=0.05)
    assert np.all(np.diff(slope) < 0)


def test_a_pattern_too_many_and_a_threshold_out_of_reach():
    dataset = union_capacity.simulate(
        (1000, 8000, 20_000), active=(60, 120), synapses=(15, 20), thresholds=(1, 4, 6, 24), most_patterns=100
    )
    assert np.all(dataset.capacity.sel(population=1000, threshold=1, false_match=1e-9) == 0)
    assert np.all(np.isnan(dataset.capacity.sel(synapses=15, threshold=24)))


def test_smallest_thresholds_are_the_reference_rows():
    for row in rows("theta_min_for_fp"):
        n, a, s = (int(row[name]) for name in "nas")
        error = float(row["noise"].removeprefix("eps="))
        real = threshold_scaling._thresholds(n, a, s, np.array([error]))[0]
        assert np.ceil(real) == int(row["value"])


def test_real_thresholds_round_up_to_the_smallest(threshold):
    known = threshold.threshold_exact.notnull()
    assert int(known.sum()) > 5000
    assert np.array_equal(np.ceil(threshold.threshold_exact).values[known], threshold.threshold.values[known])
    point = {"population": 10_000, "share": 0.03, "synapses": 30, "false_match": 1e-9}
    assert float(threshold.threshold.sel(point)) == 11  # the value published with the reference table
    assert smallest_threshold(10_000, 300, 30, 1e-9) == 11


def test_a_known_power_law_is_found():
    grid = xr.Dataset(coords={"x": [1.0, 2.0, 4.0], "y": [1.0, 3.0, 5.0, 9.0]})
    values = (3 * grid.x**2 / grid.y).where(grid.x + grid.y < 12)
    fit = fit_power_law(values, {"x": ("x", grid.x), "square": ("y", grid.y**2)})
    assert fit.exponent.values == pytest.approx([2, -0.5], rel=1e-12)
    assert fit.exponent_lowest.values == pytest.approx(fit.exponent_highest.values, rel=1e-12)
    assert fit.attrs["factor"] == pytest.approx(3, rel=1e-12)
    assert (fit.attrs["points_fitted"], fit.attrs["residual_largest"]) == (11, pytest.approx(0, abs=1e-12))
    bent = fit_power_law(values * grid.x ** np.log(grid.x), {"x": ("x", grid.x), "y": ("y", grid.y)})
    lowest, highest = 2 + np.log(2), 2 + 3 * np.log(2)  # slopes of log(x)**2 between 1 and 2, and 2 and 4
    assert [float(bent.exponent_lowest[0]), float(bent.exponent_highest[0])] == pytest.approx([lowest, highest])
    assert "in width (2.69 to 4.08)" in exponents_text(bent, {"x": "width"})


def test_sufficient_thresholds_lie_above(threshold):
    above = threshold.threshold_sufficient - threshold.threshold_exact
    assert float(above.min()) > 0


def test_threshold_exponents_are_those_of_the_theory(threshold):
    found, expected = threshold.exponent, threshold.exponent_expected
    assert found.values == pytest.approx(expected.values, abs=0.05)
    assert float(found.sel(parameter=["log_error", "share"]).sum()) == pytest.approx(1, abs=0.03)
    assert np.all((threshold.exponent_lowest < found) & (found < threshold.exponent_highest))
    assert threshold.attrs["residual_largest"] < 0.12


def test_threshold_law_is_within_a_fifth_of_a_synapse(threshold):
    assert threshold.attrs["law_error_largest"] < 0.2


def test_threshold_does_not_depend_on_the_population_at_a_fixed_share(threshold):
    large = threshold.threshold_exact.sel(population=[30_000, 300_000], share=slice(0.005, 0.03))
    change = (large.sel(population=300_000) - large.sel(population=30_000)).where(large.notnull().all("population"))
    assert float(np.abs(change).max()) < 0.5


def test_synapses_a_decade_are_the_slope_of_the_bound(threshold):
    """log(10) / log(theta/mu) for theta << s; fewer where the threshold is a large part of the synapses."""
    share, synapses = 0.01, 100
    line = threshold.threshold_exact.sel(population=100_000, share=share, synapses=synapses, false_match=slice(0, 1e-6))
    slope = -np.diff(line) / np.diff(np.log10(line.false_match))
    middle = (line.values[1:] + line.values[:-1]) / 2
    assert slope == pytest.approx(np.log(10) / np.log(middle / (share * synapses)), rel=0.12)
    found = float(threshold.per_decade.sel(share=share, synapses=synapses))
    assert slope.min() <= found <= slope.max()


def test_many_segments_count_as_a_smaller_error(threshold):
    many = threshold.sel(count=1_000_000)
    n, s = threshold.attrs["shown_population"], threshold.attrs["shown_synapses"]
    theta = int(np.ceil(many.threshold_of_segments))
    a = round(threshold.attrs["shown_share"] * n)
    at, below = false_match_probability(n, a, s, [theta, theta - 1])
    assert 1 - (1 - at) ** 1e6 <= 1.2e-9 < 1e6 * below


def test_threshold_of_a_union_is_exact(threshold):
    n, s = threshold.attrs["shown_population"], threshold.attrs["shown_synapses"]
    a = round(threshold.attrs["shown_share"] * n)
    for patterns in (1, 5, 20):
        theta = int(np.ceil(threshold.threshold_of_union.sel(count=patterns)))
        at, below = union_false_match_probability(n, a, s, [theta, theta - 1], patterns)
        assert at <= 1e-9 < below


def test_impossible_parameters_get_one_sentence():
    with pytest.raises(ValueError, match="most_patterns 2 leave nothing to fit; use at least 4"):
        union_capacity.simulate(most_patterns=2)
    with pytest.raises(ValueError, match="only 0 points can be fitted; use a wider grid"):
        union_capacity.simulate((1000, 2000), active=(40, 50), synapses=(20, 25), thresholds=(15, 16))
    with pytest.raises(ValueError, match=r"active \[40\] shows no exponent; give at least two values"):
        union_capacity.simulate(active=(40,))
    with pytest.raises(ValueError, match="shown_synapses 33 is none of"):
        threshold_scaling.simulate(shown_synapses=33)
    with pytest.raises(ValueError, match=r"synapses \[0, 40\] hold none or less; use numbers of at least 1"):
        threshold_scaling.simulate(synapses=(0, 40), shown_synapses=40)
    with pytest.raises(ValueError, match="shares .* leave the range between 0 and 1"):
        threshold_scaling.simulate(shares=(0.01, 1.5))
