"""False and missed matches as published: exact rows of the reference table, simulated frequencies, printed errors."""

import csv
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.text import Text

from studies.patterns import false_match, missed_match

matplotlib.use("Agg")


def rows(formula, note):
    with (Path(__file__).parents[2] / "reference_data/sparse_patterns.csv").open() as file:
        found = [row for row in csv.DictReader(file) if row["formula"] == formula and note in row["note"]]
    assert found
    return found


def integers(row, names):
    return [int(row[name]) for name in names]


@pytest.fixture(scope="module")
def false():
    return false_match.simulate()


@pytest.fixture(scope="module")
def missed():
    return missed_match.simulate()


def test_figures_4a_and_5a_are_the_exact_rows(false):
    for row in rows("fp_segment", "Fig4A/5A grid"):
        n, a, s, theta = integers(row, ("n", "a", "s", "theta"))
        assert (s, theta) == (false.attrs["synapses"], false.attrs["threshold"])
        if 4 * a == n:
            value = false.false_match_dense.sel(dense_share=0.25, population=n)
        else:
            value = false.false_match.sel(active=a, population=n)
        assert float(value) == pytest.approx(float(row["value"]), rel=1e-12)


def test_figure_5b_is_the_exact_rows():
    for row in rows("fp_segment", "Fig5B grid"):
        n, a, s = integers(row, ("n", "a", "s"))
        dataset = false_match.simulate(case_populations=(n,), case_active=(a,))
        value = dataset.false_match_by_synapses.sel(case=0, case_synapses=s)
        assert float(value) == pytest.approx(float(row["value"]), rel=1e-12)


def test_figure_5b_has_the_published_points(false):
    at = false.false_match_by_synapses.sel(case_synapses=20)
    published = [3.90434126921476e-14, 3.96689862829144e-17, 1.42977409702263e-10, 0.0138117305771507]
    assert at.values == pytest.approx(published, rel=1e-12)  # numenta/htmresearch, sdr_paper/plot_effect_of_s.py


def test_published_frequencies_deviate_by_chance_but_for_one(false):
    deviation = false.published_deviation.values
    assert np.isfinite(deviation).sum() == 29
    outlier = float(false.published_deviation.sel(active=256, population=300))
    others = deviation[np.isfinite(deviation) & (deviation != outlier)]
    assert outlier < -18_000
    assert np.abs(others).max() < 2.2  # 28 normal deviations stay below with 46 %
    assert 0.7 < np.sqrt(np.mean(others**2)) < 1.3  # standard errors of 1e8 comparisons, neither more nor less


def test_the_outlier_is_a_sum_in_single_precision(false):
    counted = np.cumsum(np.full(200_000, 500, np.float32), dtype=np.float32)[
        -1
    ]  # 500 matches in each of 200,000 trials
    assert counted / 1e8 == pytest.approx(float(false.published.sel(active=256, population=300)), abs=1e-6)
    assert float(false.false_match.sel(active=256, population=300)) == pytest.approx(0.999998, abs=5e-7)


def test_half_of_the_cells_active_is_not_what_was_printed(false):
    """Figure 5A prints 0.0052 to 0.0072 as a = n/2; these are a = n/4, and a = n/2 is 0.58."""
    quarter, half = (false.false_match_dense.sel(dense_share=share) for share in (0.25, 0.5))
    assert [float(quarter[0]), float(quarter[-1])] == pytest.approx([0.00518604, 0.00716735], rel=1e-5)
    assert [float(half[0]), float(half[-1])] == pytest.approx([0.584, 0.5806], abs=5e-4)


def test_false_matches_fall_with_the_threshold_as_power_of_the_population(false):
    far = false.false_match.sel(active=64, population=[16_300, 19_900])
    slope = np.diff(np.log(far)) / np.diff(np.log(far.population))
    assert slope == pytest.approx(-false.attrs["threshold"], rel=0.02)


def test_figure_4b_is_the_exact_rows():
    for row in rows("fn_swap", "Fig4B grid"):
        a, s, theta, lost = integers(row, ("a", "s", "theta", "noise"))
        dataset = missed_match.simulate((theta,), active=a, synapses=s)
        value = dataset.missed_match.sel(threshold=theta, lost=lost)
        assert float(value) == pytest.approx(float(row["value"]), rel=1e-12)


def test_published_misses_deviate_by_chance(missed):
    deviation = missed.published_deviation.values
    found = deviation[np.isfinite(deviation)]
    assert len(found) == 36
    assert np.abs(found).max() < 2.7  # 36 normal deviations stay below with 78 %
    assert 0.7 < np.sqrt(np.mean(found**2)) < 1.2


def test_published_theory_of_misses_lost_digits(missed):
    """Printed 3.11341516e-16 at threshold 8 and 26 lost cells."""
    assert 3.11341516e-16 / float(missed.missed_match.sel(threshold=8, lost=26)) == pytest.approx(0.9909, abs=1e-4)


def test_the_loss_that_is_tolerated_is_the_largest(missed):
    for threshold in (8, 12, 16):
        curve = missed.missed_match.sel(threshold=threshold)
        for limit in missed.limit:
            most = int(missed.most_lost.sel(limit=limit, every_threshold=threshold))
            assert float(curve.sel(lost=most)) <= float(limit) < float(curve.sel(lost=most + 1))


def test_kinds_of_noise_are_ordered(missed):
    """Cells that may fire again miss less, in the middle by as much as the share of them; failures spread more."""
    at = missed.sel(threshold=12, lost=64)
    assert float(at.missed_match) == pytest.approx(7.169851604035635e-2, rel=1e-12)
    assert float(at.missed_match_readd) == pytest.approx(6.348142214774930e-2, rel=1e-12)
    assert float(at.missed_match_failure) == pytest.approx(0.1002, abs=5e-5)


def test_other_parameters_are_drawn_without_published_points():
    studies = {
        false_match: {"populations": (5000, 8000), "active": (50,), "synapses": 30},
        missed_match: {"thresholds": (3, 9), "active": 40, "synapses": 20, "population": 500},
    }
    for study, parameters in studies.items():
        dataset = study.simulate(**parameters)
        assert dataset.published.isnull().all()
        figure = study.draw(dataset)
        assert "simulated" not in " ".join(text.get_text() for text in figure.findobj(Text))
        plt.close(figure)


def test_impossible_parameters_get_one_sentence():
    with pytest.raises(ValueError, match="case_synapses .* hold an odd number"):
        false_match.simulate(case_synapses=(2, 3))
    with pytest.raises(ValueError, match="2 case_populations and 1 case_active make no pairs"):
        false_match.simulate(case_populations=(2000, 4000), case_active=(32,))
    with pytest.raises(ValueError, match="400 active cells do not fit into a population of 300"):
        false_match.simulate(active=(64, 400))
    with pytest.raises(ValueError, match="dense_shares .* leave the range 0 to 1"):
        false_match.simulate(dense_shares=(1.5,))
    with pytest.raises(ValueError, match="limits .* leave the range between 0 and 1"):
        missed_match.simulate(limits=(0.0,))
    with pytest.raises(ValueError, match="threshold 31 is above the 30 synapses"):
        missed_match.simulate((31,))
