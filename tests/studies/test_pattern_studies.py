"""The two studies of sparse patterns: published numbers, labelled datasets, figures from files."""

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from biophys import patterns
from studies import nmda_threshold, union_property

matplotlib.use("Agg")


@pytest.mark.parametrize("study", [union_property, nmda_threshold])
def test_dataset_is_labelled_survives_a_file_and_draws_from_it(study, tmp_path):
    dataset = study.simulate(provenance={"commit": "abc"})
    for name, values in dataset.variables.items():
        assert values.attrs["units"] == "1", name
        assert values.attrs["long_name"], name
    assert dataset.attrs["provenance_commit"] == "abc"
    dataset.to_netcdf(tmp_path / "study.nc", engine="h5netcdf")
    read = xr.load_dataset(tmp_path / "study.nc", engine="h5netcdf")
    xr.testing.assert_identical(read.drop_attrs(), dataset.drop_attrs())
    figure = study.draw(read)
    assert isinstance(figure, Figure)
    figure.savefig(tmp_path / "figure.png")
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
    scaled = dataset.false_match_scaled.sel(scaled_population=[300, 500, 700])
    assert scaled.sel(scaled_active=64).values == pytest.approx([1.0946e-3, 5.6957e-6, 1.4125e-7], rel=1e-4)
    assert float(scaled.sel(scaled_active=256)[1]) == pytest.approx(0.62937, rel=1e-4)  # Figure 4A


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
