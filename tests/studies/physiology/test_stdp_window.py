"""The STDP window from end to end in miniature: closed forms, labels, figure from the file, error sentences."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from biophys.simulation.recording import load, save
from studies.physiology import stdp_window

QUICK = {"pairs": 4, "lags": 10, "spacing": 4.0, "step": 2.0}


@pytest.fixture(scope="module")
def dataset():
    return stdp_window.simulate([10.0, 25.0], **QUICK)


def test_changes_are_those_of_the_closed_forms(dataset):
    assert np.array_equal(dataset.lag, np.arange(-18, 19, 4))
    for kind in ("pair", "train"):
        found, expected = dataset[f"{kind}_change"], dataset[f"{kind}_closed_form"]
        assert found.values == pytest.approx(expected.values, rel=1e-9)
    d = np.array([2, 6, 10, 14, 18]) / 20
    assert dataset.pair_closed_form.values == pytest.approx([*-0.00525 * np.exp(-d[::-1]), *0.005 * np.exp(-d)])
    # neighbours of the other sign make pairs of a train weaker
    assert np.all(np.abs(dataset.train_change).sel(rate=25) < np.abs(dataset.pair_change))


def test_every_array_is_labelled_and_the_figure_is_drawn_from_the_file(dataset, tmp_path):
    for array in [*dataset.data_vars.values(), *dataset.coords.values()]:
        assert array.attrs["units"] and array.attrs["long_name"], array.name
    assert dataset.attrs["study"] == "stdp-window"
    assert dataset.attrs["plasticity.tau_plus"] == "20 ms"
    save(dataset, tmp_path / "window.nc")
    figure = stdp_window.draw(load(tmp_path / "window.nc"))
    assert len(figure.axes) == 3
    figure.savefig(tmp_path / "window.png")
    plt.close(figure)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"rates": [30.0]}, "the time between pairs=33.3333333333 ms is no multiple of the step 2 ms; use 34 ms"),
        ({"rates": [0.0]}, r"rates \[0.0\] pair nothing; use numbers above 0"),
        ({"pairs": 0}, "0 pairs and rates .* pair nothing"),
        ({"spacing": 3.0}, "is no multiple of the step 2 ms"),
    ],
)
def test_bad_input_gets_one_sentence(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        stdp_window.simulate(**{"rates": [10.0], **QUICK, **asked})
