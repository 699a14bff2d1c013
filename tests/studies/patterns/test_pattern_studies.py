"""Studies of sparse patterns: published numbers, labelled datasets, figures and captions from files."""

import math
from fractions import Fraction

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.text import Text

from biophys import patterns
from biophys.simulation.recording import load, save
from studies.figure import add_caption
from studies.patterns import (
    false_match,
    missed_match,
    nmda_threshold,
    threshold_scaling,
    union_capacity,
    union_property,
)

matplotlib.use("Agg")


SMALL = {
    union_capacity: {
        "populations": (5000, 10_000, 20_000),
        "active": (80, 160),
        "synapses": (20, 30),
        "thresholds": (6, 9, 12),
        "most_patterns": 100,
    }
}


@pytest.mark.parametrize(
    "study", [union_property, nmda_threshold, false_match, missed_match, union_capacity, threshold_scaling]
)
def test_dataset_is_labelled_survives_a_file_and_draws_from_it(study, tmp_path):
    dataset = study.simulate(**SMALL.get(study, {}))
    for name, values in dataset.variables.items():
        assert values.attrs["units"] == "1", name
        assert values.attrs["long_name"], name
    assert dataset.attrs["study"] == study.__name__.rpartition(".")[2].replace("_", "-")
    save(dataset, tmp_path / "study.nc")
    read = load(tmp_path / "study.nc")
    xr.testing.assert_identical(read.drop_attrs(), dataset.drop_attrs())
    figure = study.draw(read)
    figure.savefig(tmp_path / "figure.png")
    drawn = " ".join(text.get_text() for text in figure.findobj(Text)).split()
    assert dataset.attrs["caption"] in " ".join(drawn)
    matplotlib.pyplot.close(figure)


def test_captions_stay_inside_the_figure(tmp_path):
    figure = matplotlib.pyplot.figure(figsize=(7.2, 3), layout="constrained")
    add_caption(figure, 20 * "Miss and match, word by word. ")
    figure.canvas.draw()
    (caption,) = [text for text in figure.findobj(Text) if "word by word" in text.get_text()]
    box = caption.get_window_extent()
    assert 0 <= box.x0 and box.x1 <= figure.bbox.x1 and 0 <= box.y0
    matplotlib.pyplot.close(figure)


def test_union_study_gives_the_published_points():
    dataset = union_property.simulate()
    last = dataset.union_size.sel(patterns=19)
    assert last.values == pytest.approx([318.77, 381.86, 439.39], abs=5e-3)  # Figure 7A
    small = dataset.false_match_mean_field.sel(population=1000, patterns=[1, 2, 3, 4])
    assert small.values == pytest.approx([1.0014e-5, 0.0474, 0.502, 0.899], rel=1e-3)  # Figure 7B
    ratio = dataset.exact_over_mean_field
    assert float(ratio.sel(population=1000, patterns=2)) == pytest.approx(1.071, abs=5e-4)
    assert float(ratio.sel(population=20_000, patterns=5)) == pytest.approx(0.966, abs=5e-4)
    assert ratio.sel(patterns=1).values == pytest.approx(1, rel=1e-12)
    assert 0.95 < float(ratio.min()) and float(ratio.max()) < 1.075
    published = (dataset.false_match_mean_field / dataset.published).transpose("population", "patterns")
    lost_digits = published.sel(population=20_000, patterns=3)
    assert float(lost_digits) == pytest.approx(1.0011, abs=1e-4)  # 7.93027e-16, printed as 7.9213e-16
    assert published.sel(population=[1000, 10_000]).values == pytest.approx(1, rel=1e-7)
    assert published.sel(population=20_000, patterns=slice(6, None)).values == pytest.approx(1, rel=2e-7)


def test_spread_of_the_union_is_that_of_random_sets():
    dataset = union_property.simulate(8, sampled_population=200, sampled_synapses=(20,), populations=(1000,))
    chance = np.random.default_rng(1)
    draws = chance.random((4000, 8, 200)).argsort(axis=-1)[..., :20]
    sizes = np.array([len(np.unique(draw)) for draw in draws])
    found = dataset.sel(patterns=8, sampled_synapses=20)
    error = float(found.union_size_sd) / np.sqrt(len(sizes))
    assert abs(sizes.mean() - float(found.union_size)) < 4 * error  # 4 standard errors: one seed in 16,000 fails
    assert abs(sizes.std() - float(found.union_size_sd)) < 4 * error / np.sqrt(2)


def test_threshold_study_gives_the_published_points_and_the_corrected_window():
    dataset = nmda_threshold.simulate()
    safe = dataset.threshold[dataset.false_match_median <= dataset.attrs["tolerated"]]
    assert int(safe.min()) == 10
    assert float(dataset.false_match_median.sel(threshold=9)) == pytest.approx(2.0406e-9, rel=1e-4)
    half = dataset.missed_match.sel(lost_fraction=0.5, threshold=[8, 12, 16])
    assert half.values == pytest.approx([7.354e-4, 0.071699, 0.58250], rel=1e-4)  # Figure 4B
    assert dataset.false_match_median.values == pytest.approx(dataset.published_median.values, rel=5e-3)
    assert float(dataset.false_match_mean.sel(threshold=9)) == pytest.approx(7.7e-7, rel=5e-3)


def test_both_errors_are_least_at_the_measured_thresholds():
    """Thresholds of the least sum, for 10 to 50 % of the cells lost, against a search in exact integers."""
    dataset = nmda_threshold.simulate()
    best = dataset.threshold[dataset.errors.argmin("threshold")]
    assert best.values.tolist() == [17, 11, 9, 7, 6]
    n, a, s, lost = 6000, 128, 30, 38

    def errors(theta):
        false = sum(math.comb(s, b) * math.comb(n - s, a - b) for b in range(theta, s + 1))
        missed = sum(math.comb(s, b) * math.comb(a - s, lost - b) for b in range(s - theta + 1, s + 1))
        return Fraction(false, math.comb(n, a)) + Fraction(missed, math.comb(a, lost))

    exact = [errors(theta) for theta in range(3, 25)]
    assert exact.index(min(exact)) + 3 == 9
    assert dataset.errors.sel(lost_fraction=0.3).values == pytest.approx([float(e) for e in exact], rel=1e-12)


def test_parameters_reach_the_theory():
    dataset = nmda_threshold.simulate(
        (5, 6),
        populations=(2000,),
        sparsities=(0.02,),
        synapses=(20,),
        lost_fractions=(0.25,),
        stored_active=40,
    )
    assert dataset.false_match_median.values == pytest.approx(
        patterns.false_match_probability(2000, 40, 20, [5, 6]), rel=1e-13
    )
    assert dataset.missed_match.values[0] == pytest.approx(
        patterns.missed_match_probability(40, 30, [5, 6], 10), rel=1e-13
    )


def test_figure_without_a_safe_threshold_still_draws():
    figure = nmda_threshold.draw(nmda_threshold.simulate((3, 4)))
    assert isinstance(figure, Figure)
    matplotlib.pyplot.close(figure)


def test_impossible_parameters_get_one_sentence():
    with pytest.raises(ValueError, match="most_patterns 0 stores nothing; use at least 1"):
        union_property.simulate(0)
    with pytest.raises(ValueError, match="lost_fractions .* leave the range 0 to 1"):
        nmda_threshold.simulate(lost_fractions=(1.5,))
    with pytest.raises(ValueError, match="threshold 26 is above the 25 synapses"):
        union_property.simulate(threshold=26)
