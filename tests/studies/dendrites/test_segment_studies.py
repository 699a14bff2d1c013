"""The three studies of the NMDA segment in miniature: known numbers, exact routes, labels, figures from files."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from biophys import patterns
from biophys.simulation.recording import load, save
from studies.dendrites import nmda_segment, segment_detection, segment_physiology

FEW = {"populations": (200,), "lost": (20, 32), "union_population": 400, "patterns": (2,), "windows": (5.0, 60.0)}
QUICK = {"trials": 150, "active": 64, "synapses": 20, "spreads": (0.0, 0.4), **FEW}


@pytest.fixture(scope="module")
def segment():
    return nmda_segment.simulate(20, branch_step=10, branches=10, conductances=26, target="numpy", branch_seconds=0.012)


@pytest.fixture(scope="module")
def detection():
    return segment_detection.simulate(**QUICK)


@pytest.fixture(scope="module")
def physiology():
    return segment_physiology.simulate((0.5, 1.0), leaks=(1.0, 2.0), magnesium=(0.25, 1.0))


@pytest.mark.parametrize("name", ["segment", "detection", pytest.param("physiology", marks=pytest.mark.slow)])
def test_every_array_is_labelled_and_the_figure_is_drawn_from_the_file(name, request, tmp_path):
    dataset = request.getfixturevalue(name)
    study = {"segment": nmda_segment, "detection": segment_detection, "physiology": segment_physiology}[name]
    for array in [*dataset.data_vars.values(), *dataset.coords.values()]:
        assert array.attrs["units"] and array.attrs["long_name"], array.name
    assert dataset.attrs["study"] == study.__name__.rpartition(".")[2].replace("_", "-")
    save(dataset, tmp_path / "study.nc")
    figure = study.draw(load(tmp_path / "study.nc"))
    assert len(figure.axes) == 4
    figure.savefig(tmp_path / "study.png")
    plt.close(figure)


# Plateaus and summation


def test_segment_is_bistable_where_the_steep_block_says_and_nowhere_with_the_other(segment):
    steep, graded = segment.sel(block="larkum"), segment.sel(block="jahr-stevens")
    assert (float(steep.fall_conductance), float(steep.rise_conductance)) == pytest.approx((5.727, 7.002), abs=1e-3)
    step = float(segment.conductance[1] - segment.conductance[0])
    for fold in ("fall", "rise"):
        late = float(steep[f"{fold}_simulated"] - steep[f"{fold}_conductance"])
        assert 0 <= late < step  # the first conductance tried above the fold
        assert np.isnan(graded[f"{fold}_conductance"]) and np.isnan(graded[f"{fold}_simulated"])
    for block in (steep, graded):
        for start in block.start.values:
            held = block.final_voltage.sel(start=start)
            again = np.interp(held[-1], block.potential, block.balancing_conductance)
            assert float(again) == pytest.approx(float(segment.conductance[-1]), rel=1e-3)


def test_volleys_are_all_or_none_under_the_steep_block(segment):
    assert np.all(segment.plateau_voltage.diff("active_synapses") > 0)
    assert float(segment.largest_growth.sel(block="larkum")) > 3 * float(
        segment.largest_growth.sel(block="jahr-stevens")
    )
    lasted = segment.plateau_duration.sel(block="larkum")
    assert np.array_equal(lasted > 0, segment.active_synapses >= 12)
    assert float(lasted.sel(active_synapses=15)) > 45 and float(lasted[-1]) < 200


def test_scattered_synapses_sum_linearly(segment):
    early = segment.sel(placement="scattered")
    assert early.soma_peak.values == pytest.approx(early.soma_linear.values, rel=0.15)


# Detection


def test_detection_curves_are_steps_for_equal_synapses_and_soft_for_unequal_ones(detection):
    curve = detection.detection_probability.sel(window=5)
    alike, unequal = curve.sel(spread=0).values, curve.sel(spread=0.4).values
    assert set(alike) == {0.0, 1.0} and np.argmax(alike) == 12
    assert ((unequal > 0) & (unequal < 1)).sum() >= 3
    assert float(detection.effective_threshold.sel(spread=0, window=5)) == 12
    assert float(detection.threshold_deviation.sel(spread=0, window=5)) == 0
    # a sum of 12 conductances varies by 0.4 sqrt(12) synapses
    deviation = float(detection.threshold_deviation.sel(spread=0.4, window=5))
    assert deviation == pytest.approx(0.4 * np.sqrt(12), rel=0.35)
    assert np.all(detection.plateau_voltage.diff("active_synapses").sel(spread=0, window=5) > 0)


def test_threshold_rises_with_the_window(detection):
    alike = detection.sel(spread=0)
    assert np.all(alike.threshold_mean.diff("window") >= 0) and float(alike.threshold_mean[-1]) > 14
    widest = alike.coincidence_window.values
    assert np.isnan(widest[11]) and np.nanmin(np.diff(widest[12:])) >= 0


def test_equal_synapses_match_as_often_as_theory_says(detection):
    """Each within five standard errors, or two counts: one seed in 100,000 fails by chance."""
    for spread, theory in ((0.0, "theory"), (0.4, "theory_soft")):
        here = detection.sel(spread=spread)
        error = np.sqrt(here[theory] * (1 - here[theory]) / detection.attrs["trials"])
        # the fitted curve is itself measured; it moves the soft theory by about as much again
        assert np.all(np.abs(here.measured - here[theory]) < (5 if spread == 0 else 8) * error + 0.015)
    assert np.all((detection.measured_low <= detection.measured) & (detection.measured <= detection.measured_high))
    noisy = detection.where(detection.kind == "noisy", drop=True).sel(spread=0)
    threshold = int(detection.effective_threshold.sel(spread=0, window=5))
    assert noisy.theory.values == pytest.approx(patterns.missed_match_probability(64, 20, threshold, [20, 32]))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_and_another_does_not():
    asked = {**QUICK, "trials": 10, "windows": (5.0,), "spreads": (0.4,), "synapses": 14, "lost": (20,)}
    first, again, other = (segment_detection.simulate(**asked, seed=seed) for seed in (1, 1, 2))
    assert first.identical(again)
    assert not np.array_equal(first.counted_synapses, other.counted_synapses)


# Physiology


def test_threshold_depends_on_the_ratio_of_leak_and_conductance(physiology):
    usual = physiology.threshold.sel(magnesium=1.0)
    assert float(usual.sel(leak=1, conductance=0.5)) == float(usual.sel(leak=2, conductance=1))
    assert abs(float(usual.sel(leak=2, conductance=0.5) - 2 * usual.sel(leak=1, conductance=0.5))) <= 1
    # above the static bound, for the conductance does not wait for the membrane; AMPA receptors help
    scaled = usual * physiology.conductance / physiology.leak
    assert np.all((scaled > 5.727) & (scaled < 12))


def test_bisection_finds_the_first_number_that_spikes(physiology):
    """Against all numbers one by one."""
    counts = np.arange(1, 41)
    spikes, peaks = segment_physiology._answers([(1.0, 2.0, 0.5)] * 40, counts)
    found = float(physiology.threshold.sel(magnesium=1, leak=2, conductance=0.5))
    assert np.array_equal(spikes, counts >= found)
    drive = float(physiology.threshold_drive.sel(magnesium=1))
    assert found - 1 <= drive * 2 / 0.5 <= found * 1.01
    assert np.all(np.diff(peaks) > 0)


def test_little_magnesium_leaves_no_jump(physiology):
    """0.25 mM blocks too little for two rest states; the answer to one percent more drive is then small."""
    assert float(physiology.rise_conductance.sel(magnesium=0.25)) == 0
    assert float(physiology.rise_conductance.sel(magnesium=1)) == pytest.approx(7.002, abs=1e-3)
    assert 3 * float(physiology.steepness.sel(magnesium=0.25)) < float(physiology.steepness.sel(magnesium=1))


# Input that cannot be


@pytest.mark.parametrize(
    ("study", "asked", "sentence"),
    [
        (nmda_segment, {"most_synapses": 1}, "1 synapses in steps of 2 leave nothing to add up"),
        (nmda_segment, {"most_synapses": 1000}, "faster than the step of 5e-05 s; use at most --most-synapses 6"),
        (
            nmda_segment,
            {"most_synapses": 10**6},
            "1,000,000 synapses x 10 branches are too many to compute; use at most",
        ),
        (nmda_segment, {"lowest_conductance": 9.5}, "conductances from 9.5 to 9 of the leak are no range"),
        (segment_detection, {"trials": 2}, "2 trials are too few to count; use at least 10"),
        (segment_detection, {"synapses": 200}, "200 synapses on 128 of 300 cells are no pattern"),
        (segment_detection, {"window": 3.0}, "window 3 ms is not among the windows"),
        (segment_detection, {"lost": (129,)}, "129 cells cannot be swapped with 128 active of 600"),
        (segment_detection, {"spreads": (-0.1,)}, "are no variations of a conductance; use numbers of 0 or more"),
        (segment_physiology, {"leaks": (0.0,)}, r"leaks \[0.0\] make no segment; use values above 0"),
    ],
)
def test_bad_input_gets_one_sentence(study, asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        study.simulate(**asked)
