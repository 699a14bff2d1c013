"""The study draws what the paper drew, agrees with the theory, tells a wrong count from chance, and can be stopped."""

import matplotlib
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from biophys.patterns.theory import false_match_probability, missed_match_probability
from studies.benches import patterns as bench_patterns
from studies.patterns import pattern_sampling

matplotlib.use("Agg")


@pytest.fixture(scope="module")
def dataset():
    return pattern_sampling.simulate(100_000, union_comparisons=20_000, jobs=1)


def test_every_published_point_is_there(dataset):
    panels, counts = np.unique(dataset.panel, return_counts=True)
    assert dict(zip(panels, counts, strict=True)) == {"4A": 29, "4B": 48, "union": 19}
    first = dataset.where(dataset.panel == "4A", drop=True)
    n, a = first.population.values.astype(int), first.active.values.astype(int)
    assert n[a == 256].tolist() == list(range(300, 3501, 200))
    assert first.theory.values == pytest.approx(false_match_probability(n, a, 24, 12), rel=1e-12)
    second = dataset.where(dataset.panel == "4B", drop=True)
    lost, theta = second.lost.values.astype(int), second.threshold.values.astype(int)
    assert second.theory.values == pytest.approx(missed_match_probability(128, 30, theta, lost), rel=1e-12)


def test_theory_lies_within_all_intervals(dataset):
    """Jointly at 95 %; with other seeds one run in ten fails, as Wilson's intervals are too short for single events."""
    assert np.all((dataset.low <= dataset.theory) & (dataset.theory <= dataset.high))
    assert np.all((dataset.low <= dataset.share) & (dataset.share <= dataset.high))


def test_published_counts_are_chance_but_for_the_counter_of_single_precision(dataset):
    first = dataset.where(dataset.panel != "union", drop=True)
    counts = np.rint(first.published * first.published_comparisons)
    score = pattern_sampling.normal_score(counts, first.published_comparisons, first.theory)
    outlier = (first.population == 300) & (first.active == 256)
    assert score[outlier] < -100 and outlier.sum() == 1
    assert np.abs(score[~outlier]).max() < 3.5  # the largest of 76 normal numbers exceeds it once in 30 times


def test_normal_score_is_normal():
    assert pattern_sampling.normal_score([0, 100], 10_000, [1e-12, 0.01]) == pytest.approx([0, 0.02], abs=0.02)
    assert pattern_sampling.normal_score([1000, 5200], 10_000, [0.11, 0.5]) == pytest.approx([-3.2, 4], abs=0.06)


def test_unions_differ_from_the_mean_field_by_more_than_their_intervals(dataset):
    unions = dataset.where(dataset.panel == "union", drop=True)
    apart = (unions.mean_field < unions.low) | (unions.mean_field > unions.high)
    assert int(apart.sum()) >= 6
    assert float((unions.theory / unions.mean_field).max()) == pytest.approx(1.7658, abs=1e-4)


def test_dataset_is_labelled_and_draws_from_its_file(dataset, tmp_path):
    for name, values in dataset.variables.items():
        assert values.attrs["units"] == "1" and values.attrs["long_name"], name
    assert dataset.attrs["study"] == "pattern-sampling"
    dataset.to_netcdf(tmp_path / "study.nc", engine="h5netcdf")
    read = xr.load_dataset(tmp_path / "study.nc", engine="h5netcdf")
    assert read.theory.values.tolist() == dataset.theory.values.tolist()
    figure = pattern_sampling.draw(read)
    assert isinstance(figure, Figure) and len(figure.axes) == 4
    assert "theory within 96 of 96 intervals" in figure.get_suptitle()
    figure.canvas.draw()
    matplotlib.pyplot.close(figure)


def test_kept_parts_give_the_same_dataset(dataset, tmp_path):
    for _ in range(2):
        again = pattern_sampling.simulate(100_000, union_comparisons=20_000, jobs=1, parts=tmp_path / "parts")
        assert again.errors.values.tolist() == dataset.errors.values.tolist()
    assert len(list((tmp_path / "parts").iterdir())) == 29 + 16 + 19


def test_impossible_parameters_get_one_sentence():
    with pytest.raises(ValueError, match="confidence 95 is no probability between 0 and 1"):
        pattern_sampling.simulate(confidence=95)
    with pytest.raises(ValueError, match="0 comparisons count nothing; use at least 1"):
        pattern_sampling.simulate(0)


def test_bench_compares_rates_with_the_plain_loop(monkeypatch):
    monkeypatch.setattr(bench_patterns, "LONG_ENOUGH", 0.01)
    frame = bench_patterns.bench(300, active=64, comparisons=200_000, jobs=1)
    assert frame.method.tolist() == ["plain NumPy loop", bench_patterns.NUMBERS, bench_patterns.BLOCKS, "astromorph"]
    assert (frame.comparisons / frame.seconds).tolist() == pytest.approx(frame.per_second.tolist())
    assert frame.ratio[0] == 1 and frame.matches[3] == pytest.approx(200_000 * 1.0946e-3, abs=60)
    figure = bench_patterns.draw(frame)
    figure.canvas.draw()
    matplotlib.pyplot.close(figure)


def test_the_plain_loop_counts_the_same_thing():
    question = pattern_sampling.FalseMatches(300, 128, 24)
    matches = bench_patterns.count_plainly(question, 12, 5000, 1)
    assert matches == pytest.approx(5000 * 0.29208, abs=4 * (5000 * 0.29208 * 0.70792) ** 0.5 * 1.5)


def test_bench_does_not_time_what_the_law_contradicts(monkeypatch):
    question = pattern_sampling.FalseMatches(300, 64, 24)
    monkeypatch.setattr(bench_patterns, "COMPARED", 100_000)
    assert bench_patterns.compare_results(question, 0) > 0
    monkeypatch.setattr(bench_patterns, "count_plainly", lambda *words: 0)
    with pytest.raises(
        ValueError, match="^plain NumPy loop: 0 of 4000 comparisons match and the law says .* nothing was timed"
    ):
        bench_patterns.compare_results(question, 0)
