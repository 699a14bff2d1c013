"""The study of oscillation regimes: numbers of the reference, labelled datasets, figures from files."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from biophys.simulation.recording import load, save
from studies.physiology import calcium_regimes

QUICK = {"lowest_drive": 0.3, "highest_drive": 0.7, "drives": 3}


@pytest.fixture(scope="module")
def dataset():
    return calcium_regimes.simulate(["de-pitta-amplitude"], **QUICK).isel(set=0)


def test_hopf_points_and_the_cycle_between_them_are_those_of_the_reference(dataset):
    assert dataset.hopf_drive.values == pytest.approx([0.35453381865657685, 0.6368818163953417], rel=1e-9)
    assert list(dataset.hopf_first_lyapunov.values < 0) == [True, False]
    assert dataset.sizes["fold"] == 0
    middle = dataset.isel(cycle=int(np.argmin(np.abs(dataset.cycle_drive.values - 0.5))))
    assert float(middle.cycle_drive) == 0.5
    assert float(middle.cycle_period) == pytest.approx(11.49198343531657, rel=1e-8)
    assert float(middle.cycle_highest_calcium) == pytest.approx(0.44455878641110624, rel=1e-6)


def test_amplitude_grows_from_the_first_hopf_point_and_the_period_hardly_changes(dataset):
    swings = (dataset.cycle_highest_calcium - dataset.cycle_lowest_calcium)[dataset.cycle_drive < 0.58]
    swings = swings[np.isfinite(swings)]
    assert len(swings) >= 3 and np.all(np.diff(swings) > 0)
    periods = dataset.cycle_period[np.isfinite(dataset.cycle_period)]
    assert 10.4 < periods.min() and periods.max() < 13


def test_equilibria_lose_their_stability_between_the_hopf_points(dataset):
    first, last = dataset.hopf_drive.values
    unstable = dataset.equilibrium_drive[dataset.equilibrium_growth > 0]
    assert first <= unstable.min() < first + 0.01 and last - 0.01 < unstable.max() <= last


def test_a_file_is_labelled_and_draws_itself(tmp_path):
    made = calcium_regimes.simulate(["book-chapter-5", "stimberg-example-4"], model="chi", highest_drive=0.15, drives=2)
    for array in [*made.data_vars.values(), *made.coords.values()]:
        assert array.attrs["units"] and array.attrs["long_name"], array.name
    assert made.hopf_drive.attrs["units"] == "umolar/s"
    assert made.attrs["stimberg-example-4.K_P"] == "0.05 umolar"
    assert np.isnan(made.hopf_drive.sel(set="stimberg-example-4")).all()
    save(made, tmp_path / "regimes.nc")
    read = load(tmp_path / "regimes.nc")
    assert read.identical(made)
    figure = calcium_regimes.draw(read)
    assert len(figure.axes) == 4 and figure.axes[2].get_xlabel() == "production of IP3 (µM/s)"
    figure.canvas.draw()
    plt.close(figure)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"model": "hodgkin"}, "calcium model 'hodgkin' is not known; use one of li-rinzel, chi, g-chi"),
        ({"sets": []}, "0 parameter sets do not fit side by side; use 1 or 2"),
        ({"sets": ["de-pitta"]}, "parameter set 'de-pitta' is not known; use one of stimberg-example-2"),
        ({"drives": 1}, "drives 1 span no range; use at least 2"),
        ({"lowest_drive": -1.0}, "drives from -1 to 1.2 are no range; use a range that rises and starts at 0 or"),
        ({"model": "g-chi", "lowest_drive": 0.0}, "drives from 0 to 20 are no range; use a range .* starts above 0"),
        ({"lowest_drive": 2.0}, "drives from 2 to 1.2 are no range"),
    ],
)
def test_bad_input_gets_one_sentence(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        calcium_regimes.simulate(**asked)
