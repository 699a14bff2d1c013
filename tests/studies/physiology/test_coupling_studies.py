"""The two studies of coupled astrocytes in miniature: what they find, their labels, files, figures and errors."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from biophys.simulation.recording import load, save
from studies.physiology import gap_junction_synchrony, process_length


@pytest.fixture(scope="module")
def synchrony():
    return gap_junction_synchrony.simulate(
        strengths=(0.08, 0.0),
        thresholds=(0.3, 0.1),
        seconds=240,
        step=0.04,
        rows=1,
        columns=2,
        trials=2,
        spread=0.1,
        front_seconds=30,
        front_step=0.02,
    )


@pytest.fixture(scope="module")
def length():
    return process_length.simulate((2.0, 1.0), compartments=12)


def test_junctions_hold_cells_in_phase_or_in_antiphase(synchrony):
    apart = synchrony.sel(strength=0.0)
    joined = synchrony.sel(strength=0.08)
    assert np.array_equal(apart.order_parameter.sel(threshold=0.1), apart.order_parameter.sel(threshold=0.3))
    assert np.all(joined.order_parameter.sel(threshold=0.1) > 0.95)
    assert np.all(joined.neighbour_coherence.sel(threshold=0.1) > 0.8)
    assert np.all(joined.neighbour_coherence.sel(threshold=0.3) < 0)
    assert np.all(joined.period_spread < 0.5 * apart.period_spread)


def test_order_of_two_cells_is_the_cosine_of_half_their_phase_difference(synchrony):
    """|1 + exp(i d)|/2 = |cos(d/2)|, so that its square and the coherence cos(d) go together where both are steady."""
    locked = synchrony.sel(strength=0.08, threshold=0.1)
    assert locked.order_parameter.values**2 == pytest.approx((1 + locked.neighbour_coherence).values / 2, abs=0.01)


def test_arrivals_of_the_wave_are_the_reference(synchrony):
    assert synchrony.arrival[:2].values == pytest.approx(synchrony.reference_arrival[:2].values, abs=0.02)
    assert np.isnan(synchrony.arrival[2:]).all()


def test_fitted_length_constant_is_that_of_theory(length):
    assert np.array_equal(length.degradation, [1.0, 2.0])
    assert length.length_constant_theory.values == pytest.approx(np.sqrt(283 / np.array([1, 2])))
    assert np.abs(length.relative_error).max() < 0.01
    assert np.abs(length.relative_error_compartments).max() < 1e-6
    assert length.inositol_trisphosphate.values == pytest.approx(length.inositol_trisphosphate_theory.values, rel=1e-5)
    assert float(length.compartment_spacing) == 5 and length.position.values[:2].tolist() == [2.5, 7.5]
    assert np.all(length.calcium_min <= length.calcium_max)


@pytest.mark.parametrize("name", ["synchrony", "length"])
def test_datasets_are_labelled_saved_and_drawn(name, request, tmp_path):
    dataset = request.getfixturevalue(name)
    study = {"synchrony": gap_junction_synchrony, "length": process_length}[name]
    for array in [*dataset.data_vars.values(), *dataset.coords.values()]:
        assert array.attrs["units"] and array.attrs["long_name"], array.name
    assert dataset.attrs["study"] == study.__name__.rpartition(".")[2].replace("_", "-")
    save(dataset, tmp_path / "study.nc")
    read = load(tmp_path / "study.nc")
    assert read.identical(dataset)
    figure = study.draw(read)
    figure.savefig(tmp_path / "study.png")
    for axes in figure.axes:
        assert axes.get_xlabel() and axes.get_ylabel()
    plt.close(figure)


def test_bad_input_is_one_sentence():
    with pytest.raises(ValueError, match="0 strengths, 3 thresholds and 3 trials .* use at least 1 of each"):
        gap_junction_synchrony.simulate(strengths=())
    with pytest.raises(ValueError, match="degradation 0 leaves no profile"):
        process_length.simulate((0.0, 1.0))
    with pytest.raises(ValueError, match="3 compartments are too few"):
        process_length.simulate(compartments=3)
