"""Labelled datasets: values, units, and files that are whole or not there."""

import resource

import numpy as np
import pytest
import xarray as xr
from brian2 import mmolar, second, umolar

from biophys.astrocyte import STIMBERG_EXAMPLE_2
from biophys.simulation.recording import described, load, save
from biophys.simulation.simulate import run
from biophys.simulation.stimulus import spike_trains
from biophys.synapse import SynapseParameters
from biophys.tripartite import build_units, recorded


@pytest.fixture(scope="module")
def network():
    trains = spike_trains("poisson", np.repeat([1.0, 9.0], 6), 1.0, 0.01, seed=0)
    return run(
        lambda: build_units(trains, 3, synapse=SynapseParameters(), astrocyte=STIMBERG_EXAMPLE_2, step=0.01 * second),
        lambda network: network,
        1 * second,
    )


def labels():
    rate = xr.Variable("rate", np.array([1.0, 9.0]), {"units": "Hz"})
    return {"rate": rate, "trial": xr.Variable("trial", np.arange(2))}


def test_states_come_out_in_the_named_unit_at_the_right_place(network):
    states = recorded(network, labels())
    calcium = states["calcium"]
    assert calcium.dims == ("rate", "trial", "time") and calcium.attrs["units"] == "umolar"
    assert np.array_equal(calcium.sel(rate=9.0, trial=0), network["record"].C[2] / umolar)
    assert calcium.isel(time=0).values == pytest.approx(0.06)
    assert calcium.time.attrs["units"] == "s" and np.allclose(calcium.time, np.arange(10) / 10)
    assert all({"units", "long_name"} <= set(state.attrs) for state in states.values())


def test_parameters_are_written_with_their_units():
    described_synapse = described("synapse", SynapseParameters()._asdict())
    assert described_synapse["synapse.Y_T"] == "500000 umolar"
    assert described_synapse["synapse.U_0"] == "0.6"
    assert described_synapse["synapse.Omega_f"] == "3.33 1/second"
    cell = described("astrocyte", STIMBERG_EXAMPLE_2._asdict())
    assert cell["astrocyte.O_P"] == "0.9 umolar/second"
    assert cell["astrocyte.O_2"] == "0.2 1/(umolar*second)"
    assert described("any", {"amount": 0.002 * mmolar}) == {"any.amount": "2 umolar"}


def test_a_saved_dataset_is_loaded_unchanged(network, tmp_path):
    dataset = xr.Dataset(recorded(network, labels()), attrs=described("synapse", SynapseParameters()._asdict()))
    save(dataset, tmp_path / "run.nc")
    xr.testing.assert_identical(load(tmp_path / "run.nc"), dataset)
    assert [path.name for path in tmp_path.iterdir()] == ["run.nc"]


def test_a_broken_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "run.nc"
    save(xr.Dataset({"a": ("x", [1.0])}), path)
    with pytest.raises((TypeError, ValueError)):
        save(xr.Dataset({"a": ("x", [1.0]), "b": ("x", np.array([object()]))}), path)
    assert list(load(path)) == ["a"]
    assert [found.name for found in tmp_path.iterdir()] == ["run.nc"]


def test_missing_and_damaged_files_get_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file .*gone.nc; give the path"):
        load(tmp_path / "gone.nc")
    (tmp_path / "cut.nc").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 20)
    with pytest.raises(ValueError, match="cut.nc is not a readable NetCDF file; simulate or copy it anew"):
        load(tmp_path / "cut.nc")


def test_a_file_that_cannot_grow_any_more_is_refused_in_one_sentence_and_what_was_there_stays(tmp_path):
    path = tmp_path / "kept.nc"
    save(xr.Dataset({"x": 1}), path)
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))  # as on a full disk, only with another errno
    try:
        with pytest.raises(OSError, match=r"kept.nc was not written \(File too large\); make room or name another"):
            save(xr.Dataset({"x": ("t", np.random.default_rng(0).random(100_000))}), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
