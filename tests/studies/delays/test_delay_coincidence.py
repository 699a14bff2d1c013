"""Delay learning from end to end in miniature: recovery, potential in closed form, labels, figure from the file."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from biophys.simulation.recording import load, save
from studies.delays import delay_coincidence


@pytest.fixture(scope="module")
def dataset():
    """1.5 s of learning, with steps of the rule as they are: errors shrink, but do not settle."""
    return delay_coincidence.simulate(patterns=1, seconds=8.5, target="numpy")


def test_delays_are_fixed_then_learn_then_are_fixed(dataset):
    error = (dataset.error - dataset.error.median("input")).isel(pattern=0)
    spread = error.std("input")
    for fixed in (error.sel(time=slice(0, 3)), error.sel(time=slice(5, 9))):
        assert (fixed.max("time") - fixed.min("time")).max() < 1e-9
    assert np.all(spread.isel(time=-1) < 0.9 * spread.isel(time=0))


def test_the_summed_potential_is_a_sum_of_exponentials():
    spikes = np.array([[0.010, 0.030, np.nan], [0.010, np.nan, np.nan]])
    found = delay_coincidence.summed(spikes, np.array([5.4, 20.0]), 60)
    t = np.arange(60.0)
    expected = sum(0.5 * np.exp(-(t - at) / 10) * (t >= at) for at in (15, 35, 30))
    assert found == pytest.approx(expected, abs=1e-12)


def test_every_array_is_labelled_and_the_figure_is_drawn_from_the_file(dataset, tmp_path):
    for array in [*dataset.data_vars.values(), dataset.lag, dataset.time, dataset.input]:
        assert array.attrs["units"] and array.attrs["long_name"], array.name
    assert dataset.attrs["study"] == "delay-coincidence"
    assert dataset.attrs["rule.tau_w"] == "10 ms"
    save(dataset, tmp_path / "delays.nc")
    figure = delay_coincidence.draw(load(tmp_path / "delays.nc"))
    assert len(figure.axes) == 4
    figure.savefig(tmp_path / "delays.png")
    plt.close(figure)


def test_bad_input_gets_one_sentence():
    with pytest.raises(ValueError, match="0 patterns and 42 s are too few; use at least 1 pattern and 8 s"):
        delay_coincidence.simulate(patterns=0)
