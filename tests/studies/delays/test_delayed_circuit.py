"""A run on spiking data goes through Brian2: the same spikes and classes, told, labelled, and drawn from the file."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from safetensors.torch import save_file

import mapping
from astromorph.data.spiking_hdf5 import write_spikes
from astromorph.data.spoken_digits import NAMES, spikes_file
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import DigitsSettings, SpokenDigitsSettings
from astromorph.tasks import build_task
from biophys.simulation.recording import load, save
from mapping.nir_exchange import read
from mapping.trained import spiking_network
from studies.commands import circuit, export
from studies.delays import delayed_circuit

SETTINGS = SpokenDigitsSettings(hidden=(12, 8), channels=20, frames=25, longest=6, validation=10)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Recordings of random spikes."""
    chance, path = np.random.default_rng(0), tmp_path_factory.mktemp("data")
    for part, count in (("train", 40), ("test", 20)):
        sizes = chance.integers(40, 120, count)
        times = [np.sort(chance.uniform(0, 0.25, size)) for size in sizes]
        units = [chance.integers(0, 40, size) for size in sizes]
        write_spikes(spikes_file(path, part), times, units, np.arange(count) % 10, np.zeros(count, int), NAMES)
    return path


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    """An untrained model whose neurons fire."""
    folder = RunFolder.create(tmp_path_factory.mktemp("runs") / "spoken", "spoken-digits", SETTINGS, None)
    torch.manual_seed(0)
    model = build_task(SETTINGS, None, root).model
    for layer in model.hidden:
        torch.nn.init.constant_(layer.norm.bias, 0.4)
    save_file(model.state_dict(), folder.path / "weights.safetensors")
    return folder.path


@pytest.fixture(scope="module")
def dataset(run, root):
    return delayed_circuit.simulate(run, examples=8, data=root)


def test_circuit_and_model_agree(dataset):
    assert np.all(dataset.spikes.mean("input") > 5)
    assert not dataset.different_spikes.sel(precision="double").any()
    assert np.array_equal(dataset.model_class.sel(precision="double"), dataset.circuit_class)
    assert dataset.logit_difference.sel(precision="double").max() < 1e-12
    assert dataset.logit_difference.sel(precision="single").max() < 1e-4
    assert np.array_equal(dataset.label, dataset.input % 10)
    assert "Against double precision 0 spikes differ and 8 classes are the same" in dataset.attrs["caption"]


def test_a_run_goes_through_a_nir_file_without_its_data(run, tmp_path):
    network, frame = spiking_network(run)
    mapping.to_nir(run, tmp_path / "run.nir")
    back, spikes = mapping.from_nir(tmp_path / "run.nir"), torch.randint(0, 3, (5, 25, 20)).float()
    assert read(tmp_path / "run.nir").dt == frame == SETTINGS.frame
    assert torch.equal(network(spikes), back(spikes))


def test_every_array_is_labelled_and_the_figure_is_drawn_from_the_file(dataset, tmp_path):
    for array in dataset.data_vars.values():
        assert array.attrs["units"] and array.attrs["long_name"], array.name
    assert dataset.attrs["study"] == "delayed-circuit"
    save(dataset, tmp_path / "circuit.nc")
    figure = delayed_circuit.draw(load(tmp_path / "circuit.nc"))
    assert len(figure.axes) == 3
    figure.savefig(tmp_path / "circuit.png")
    plt.close(figure)


def test_commands_run_it_in_brian2_and_write_a_nir_file(run, root, tmp_path, capsys):
    out, file = tmp_path / "spikes.nc", tmp_path / "run.nir"
    circuit.run([str(run), "--examples", "3", "--data", str(root), "--out", str(out)])
    assert load(out).sizes["input"] == 3 and out.with_suffix(".png").is_file()
    export.run([str(run), "--nir", str(file)])
    told = capsys.readouterr().out
    assert "0 spikes differ and 3 classes are the same" in told and "20 - 12 - 8 - 10 neurons" in told
    assert read(file).readout == SETTINGS.readout
    with pytest.raises(FileExistsError, match="exists already"):
        export.run([str(run), "--nir", str(file)])
    with pytest.raises(ValueError, match="give either --out DIR or --nir FILE"):
        export.run([str(run)])


def test_bad_input_gets_one_sentence(run, root, tmp_path):
    with pytest.raises(ValueError, match="examples 0 runs nothing; use at least 1"):
        delayed_circuit.simulate(run, examples=0, data=root)
    with pytest.raises(ValueError, match="30 examples are more than the 20 of the test set"):
        delayed_circuit.simulate(run, examples=30, data=root)
    digits = RunFolder.create(tmp_path / "digits", "digits", DigitsSettings(), None)
    with pytest.raises(ValueError, match="run .*digits has no spikes; use one on a spiking data set"):
        delayed_circuit.simulate(digits.path)
    empty = RunFolder.create(tmp_path / "empty", "spoken-digits", replace(SETTINGS, seed=1), None)
    with pytest.raises(FileNotFoundError, match="has no weights yet; continue it with --resume"):
        delayed_circuit.simulate(empty.path, data=root)
