"""Release against rate in miniature: theory, published shape, labels and error sentences."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt

from biophys.release_theory import mean_field_release
from biophys.simulation.recording import load, save
from studies.physiology import release_rate

RATES = [10.0, 1.0, 3.3, 33.0]
REFERENCE = Path(__file__).parents[2] / "reference_data/gliotransmission.json"


@pytest.fixture(scope="module")
def dataset():
    quick = {"seconds": 20.0, "settling": 10.0, "step": 0.01, "synapses": 12}
    return release_rate.simulate(RATES, **quick)


def test_without_gliotransmission_release_is_that_of_the_theory(dataset):
    """Mean-field is at most 3 % above the exact mean."""
    ours = dataset.sel(loop="none")
    assert np.array_equal(dataset.rate, sorted(RATES))
    assert ours.release_theory.values == pytest.approx(mean_field_release(ours.rate, 0.6, 2.0, 3.33), rel=1e-12)
    error = 4 * ours.release_error + 0.03 * ours.release_theory
    assert np.all(np.abs(ours.release - ours.release_theory) < error)
    assert np.all(ours.presynaptic_receptors_bound == 0)


def test_with_gliotransmission_release_is_that_of_the_theory_at_the_receptors_bound(dataset):
    ours = dataset.sel(loop=["open", "closed"])
    error = 4 * ours.release_error + 0.05 * ours.release_theory
    assert np.all(np.abs(ours.release - ours.release_theory) < error)
    assert np.all(ours.presynaptic_receptors_bound.sel(loop="open") > 0.8)


def test_the_open_loop_makes_a_depressing_synapse_facilitate(dataset):
    """Fig. 4C: release falls with the rate without gliotransmission, and has a peak near 6 Hz in the open loop."""
    naive, driven = dataset.release.sel(loop="none"), dataset.release.sel(loop="open")
    assert np.all(naive.diff("rate") < 0)
    assert driven.sel(rate=1) < driven.sel(rate=3.3) and driven.sel(rate=33) < driven.sel(rate=10)


def test_an_astrocyte_that_stays_above_the_threshold_releases_once_and_frees_the_synapse(dataset):
    """The closed loop goes back to the naive curve: at 33 Hz calcium never falls below the threshold again."""
    assert dataset.astrocyte_release_rate.sel(loop="closed", rate=33) == 0
    assert dataset.astrocyte_release_rate.sel(loop="closed", rate=3.3) > 0.05


def test_published_numbers_in_the_figure_are_those_of_the_reference():
    reference = json.loads(REFERENCE.read_text())["example_4_rsmean"]
    assert list(release_rate.PUBLISHED_RATES) == reference["rate"]
    for loop, values in release_rate.PUBLISHED.items():
        assert list(values) == reference[loop]


def published_error(dataset):
    """Differences from Fig. 4C in the figure's own measure, below 100 Hz, in units of what they may be.

    Four standard errors of ours and as many of theirs, which are those of one synapse; and 5 %, for there the receptors
    took G_A as held over a step. At 100 Hz the published mean over neighbouring rates is one-sided.
    """
    allowed = []
    for loop, values in release_rate.PUBLISHED.items():
        ours, theirs = dataset.sel(loop=loop), np.array(values)[:-1]
        synapses = dataset.attrs["synapses"]
        error = ours.release_error.values[:-1] * np.sqrt(1 + synapses)
        allowed.append(np.abs(ours.release_of_last_spike.values[:-1] - theirs) / (4 * error + 0.05 * theirs))
    return np.array(allowed)


@pytest.mark.slow
def test_curves_are_those_of_the_published_figure():
    dataset = release_rate.simulate(release_rate.PUBLISHED_RATES, synapses=12)
    assert np.all(published_error(dataset) < 1)


def test_every_array_is_labelled_and_every_shared_parameter_written(dataset, tmp_path):
    for array in [*dataset.data_vars.values(), dataset.rate, dataset.loop]:
        assert array.attrs["units"] and array.attrs["long_name"], array.name
        assert array.name in ("rate", "loop") or array.dims == ("loop", "rate")
    assert dataset.attrs["study"] == "release-rate"
    assert dataset.attrs["gliotransmission.C_Theta"] == "0.5 umolar"
    save(dataset, tmp_path / "release.nc")
    assert load(tmp_path / "release.nc").identical(dataset)


def test_the_figure_is_drawn_from_the_dataset_alone(dataset):
    figure = release_rate.draw(dataset)
    assert len(figure.axes) == 3
    assert all(axes.get_xlabel() == "presynaptic rate (Hz)" and axes.get_ylabel() for axes in figure.axes)
    figure.canvas.draw()
    plt.close(figure)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"rates": []}, "0 rates are too few to simulate; use at least 1"),
        ({"rates": [1.0, 0.0]}, "rate 0 Hz does not drive a synapse; use rates above 0 Hz"),
        ({"rates": [float("nan")]}, "rate nan Hz does not drive a synapse"),
        ({"rates": [0.001]}, r"rate 0.001 Hz brings 1.1 spikes to average over; use 10 or more, .* 1.68e\+03 seconds"),
        ({"seconds": 10.0}, "10 s leave no time to average after 15 s of settling; use more seconds"),
        ({"synapses": 0}, "0 synapses are too few to simulate; use at least 1"),
        ({"rates": [200.0]}, "step 0.005 s is too large .* use --step 0.0025 or less"),
        ({"step": 0.003}, "every 0.1 s is no multiple of the step 0.003 s"),
        ({"target": "gpu"}, "'gpu' is not known; use one of numpy, cython, cpp_standalone or auto"),
    ],
)
def test_bad_input_gets_one_sentence(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        release_rate.simulate(**asked)
