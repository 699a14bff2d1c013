"""The calcium response from end to end in miniature, and its error sentences."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from biophys.simulation.recording import load, save
from mapping.calcium_response import fit_calcium_response
from studies.fits import calcium_response as response_fit
from studies.physiology import calcium_response

QUICK = {"seconds": 50.0, "step": 0.01, "synapses": 10, "trials": 1, "pattern": "regular"}
RATES = [20.0, 0.5, 1.0, 2.0, 4.0, 6.0, 10.0]


@pytest.fixture(scope="module")
def dataset():
    return calcium_response.simulate(RATES, **QUICK)


def test_steady_calcium_rises_and_saturates(dataset):
    calcium = dataset.calcium_mean.isel(trial=0)
    assert np.array_equal(dataset.rate, sorted(RATES))
    assert np.all(calcium.diff("rate") > 0)
    slope = calcium.diff("rate").values / np.diff(np.log(dataset.rate))
    assert slope[-1] < 0.3 * slope[0]


def test_summaries_are_those_of_the_traces_after_settling(dataset):
    late = dataset.calcium.sel(time=slice(30, None))
    assert dataset.attrs["window"] == "30 s to 50 s"
    assert np.allclose(dataset.calcium_mean, late.mean("time"))
    assert np.all((dataset.calcium_min <= dataset.calcium_mean) & (dataset.calcium_mean <= dataset.calcium_max))
    # 500 umolar a pool, cleared at 40 /s
    assert np.allclose(dataset.released_transmitter_mean, dataset.release_rate * 12.5)


def test_release_of_regular_trains_is_the_closed_form(dataset):
    """Fixed point of Tsodyks-Markram: u = U/(1 - (1 - U) e_f), r = u (1 - e_d)/(1 - (1 - u) e_d)."""
    rate = dataset.rate.values
    early, depleted = np.exp(-3.33 / rate), np.exp(-2 / rate)
    ready = 0.6 / (1 - 0.4 * early)
    release = ready * (1 - depleted) / (1 - (1 - ready) * depleted)
    # the window holds a whole number of intervals only on average over the synapses' phases
    assert dataset.release_rate.isel(trial=0).values == pytest.approx(rate * release, rel=0.02)


def test_every_array_is_labelled_and_every_parameter_written(dataset, tmp_path):
    for array in [*dataset.data_vars.values(), *dataset.coords.values()]:
        assert array.attrs["units"] and array.attrs["long_name"], array.name
    assert dataset.attrs["astrocyte.O_P"] == "0.9 umolar/second"
    save(dataset, tmp_path / "response.nc")
    assert load(tmp_path / "response.nc").identical(dataset)


def test_figures_are_drawn_from_the_dataset_alone(dataset):
    figures = [calcium_response.draw(dataset), response_fit.draw(dataset, fit_calcium_response(dataset))]
    assert [len(figure.axes) for figure in figures] == [4, 2]
    assert all(axes.get_xlabel().endswith(("(s)", "(Hz)")) for axes in figures[0].axes)
    for figure in figures:
        figure.canvas.draw()
        plt.close(figure)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"rates": []}, "0 rates are too few to simulate; use at least 1"),
        ({"rates": [1.0, 0.0]}, "rate 0 Hz does not drive a synapse; use rates above 0 Hz"),
        ({"rates": [-3.0]}, "rate -3 Hz does not drive a synapse"),
        ({"rates": [float("nan")]}, "rate nan Hz does not drive a synapse"),
        ({"seconds": 40.0}, "40 s leave no time to average after 30 s of settling; use at least 50 s"),
        ({"step": 0.02}, "step 0.02 s cannot follow this drive; use one above 0 and up to 0.01 s"),
        ({"step": 0.01, "rates": [100.0]}, "step 0.01 s cannot follow this drive; .* up to 0.005 s"),
        ({"step": 0.003}, "step 0.003 s does not divide 0.1 s between records; use 0.00294118 s"),
        ({"synapses": 0}, "0 synapses are too few to simulate; use at least 1"),
        ({"trials": 0}, "0 trials are too few to simulate; use at least 1"),
        (
            {"astrocyte": "fast"},
            "'fast' is not known; use one of stimberg-example-2, de-pitta-amplitude, de-pitta-f",
        ),
        ({"pattern": "bursts"}, "'bursts' is not known; use one of poisson, regular"),
        ({"target": "gpu"}, "'gpu' is not known; use one of numpy, cython, cpp_standalone or auto"),
    ],
)
def test_bad_input_gets_one_sentence(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        calcium_response.simulate(**asked)
