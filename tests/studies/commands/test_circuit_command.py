"""`astromorph circuit`: a digits model through circuits, goes on where it stopped, and says what it cannot do."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from matplotlib import pyplot
from safetensors.torch import save_file

import mapping
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, DigitsSettings, ImdbSettings
from astromorph.tasks import build_task
from biophys.simulation.recording import load
from studies.circuits import circuit, circuit_error
from studies.circuits.inputs import Example, cut, stacked
from studies.commands.circuit import run

RESULTS = Path(circuit.__file__).parents[1] / "results"
QUICK = {"examples": 3, "chunk": 2, "jobs": 1, "presentation": 200.0, "target": "numpy"}


def made(path, attention="astromorphic", response=None):
    """A run of an untrained model."""
    settings = DigitsSettings(attention=attention, width=8, heads=2, feedforward=8)
    folder = RunFolder.create(path, "digits", settings, response)
    torch.manual_seed(0)
    save_file(build_task(settings, response, path).model.state_dict(), path / "weights.safetensors")
    return folder


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A run with the calcium response that was measured."""
    path = tmp_path_factory.mktemp("runs") / "measured"
    made(path, response=mapping.as_settings(mapping.read(RESULTS / "astrocyte.yaml")))
    shutil.copy(RESULTS / "astrocyte.yaml", path / "coefficients.yaml")
    return path


@pytest.fixture(scope="module")
def compared(measured, tmp_path_factory):
    """What the command printed and wrote."""
    out = tmp_path_factory.mktemp("out") / "circuit.nc"
    words = [f"--{name}={value}" for name, value in QUICK.items()]
    run([str(measured), *words, "--out", str(out)])
    return out


def test_command_writes_errors_logits_and_classes(compared):
    dataset = load(compared)
    assert dataset.sizes["input"] == 3 and (np.diff(dataset.input) > 0).all()
    assert 1e-8 < float(dataset.relative_error.max()) < 2e-4  # law: 4e-6 of a step of activity
    assert float(dataset.logit_difference.max()) < 1e-4
    assert dataset.same_class.values.tolist() == [1, 1, 1]
    np.testing.assert_array_equal(dataset.model_class, dataset.circuit_class)
    np.testing.assert_allclose(dataset.circuit_margin, dataset.model_margin, atol=1e-4)
    assert (dataset.tokens == 16).all() and (dataset.seconds_per_token > 0).all()
    steps, fixed, plastic, calling = 80, 2 * 9 * 8, 2 * 4 * 4, 2 * 4
    np.testing.assert_allclose(dataset.synapse_steps, 16 * (2 * fixed + steps * (2 * plastic + calling)))
    assert dataset.attrs["neurons.T"] == "0.2 second" and dataset.attrs["settling_error"] < 1e-5
    assert all({"units", "long_name"} <= set(dataset[name].attrs) for name in dataset.data_vars)
    assert compared.with_suffix(".png").is_file()
    assert not compared.with_name("circuit.nc.parts").exists()
    figure = circuit.draw(dataset)
    assert len(figure.axes) == 2
    pyplot.close(figure)


def test_finished_chunks_are_not_run_again(measured, tmp_path, monkeypatch):
    first = circuit.simulate(measured, **QUICK, parts=tmp_path)
    monkeypatch.setattr(circuit, "compared", lambda *_: pytest.fail("a finished chunk was run again"))
    again = circuit.simulate(measured, **QUICK, parts=tmp_path)
    assert first.drop_attrs().identical(again.drop_attrs())
    with pytest.raises(ValueError, match="keeps parts of another command"):
        circuit.simulate(measured, **QUICK | {"examples": 2}, parts=tmp_path)


def test_activities_outside_the_measured_range_are_told_or_refused(measured, tmp_path, capsys):
    folder = RunFolder.open(measured)
    narrow = replace(folder.response, lowest=2.0)
    made(tmp_path / "narrow", response=narrow)
    coefficients = yaml.safe_load((measured / "coefficients.yaml").read_text())
    coefficients["calcium_response"]["response"]["lowest"] = 2.0
    (tmp_path / "narrow" / "coefficients.yaml").write_text(yaml.safe_dump(coefficients))
    dataset = circuit.simulate(tmp_path / "narrow", **QUICK | {"examples": 1})
    told = capsys.readouterr().out.strip()
    assert "times below the measured range 2 to 11.6, in 100 % of the inputs" in told
    assert "extrapolated there, as in training" in told and dataset.attrs["extrapolated"] == told
    with pytest.raises(ValueError, match="times below the measured range 2 to 11.6.*use --calcium fitted"):
        circuit.simulate(tmp_path / "narrow", **QUICK, calcium="dynamic")


BAD = {
    "settling": ({"presentation": 50.0}, "50 ms is shorter than the settling time 92.1 ms.*--presentation 92.5"),
    "between steps": ({"presentation": 301.0}, "no multiple of the step 2.5 ms; use 0.3 second"),
    "no example": ({"examples": 0}, "examples 0 runs nothing"),
    "many examples": ({"examples": 10_000}, "10000 examples are more than the 500 of the test set"),
    "image tokens": ({"tokens": 4}, "images of digits have a fixed number of tokens"),
    "no rate": ({"neurons": "spiking", "presentation": None, "rate": 0.0}, "rate 0 Hz carries no activity"),
}


@pytest.mark.parametrize(("changes", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(measured, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        circuit.simulate(measured, **QUICK | changes)


def test_runs_without_a_circuit_or_an_astrocyte_are_refused(measured, tmp_path):
    made(tmp_path / "softmax", "softmax")
    with pytest.raises(ValueError, match="has no circuit"):
        circuit.simulate(tmp_path / "softmax", **QUICK)
    made(tmp_path / "linear", "linear")
    with pytest.raises(ValueError, match="has no calcium response; use --calcium fitted"):
        circuit.simulate(tmp_path / "linear", **QUICK, calcium="dynamic")
    made(tmp_path / "paper", response=CalciumResponse())
    with pytest.raises(ValueError, match="was not measured .Mia, Bal and Sengupta.*--astrocyte"):
        circuit.simulate(tmp_path / "paper", **QUICK, calcium="dynamic")
    made(tmp_path / "failed", response=RunFolder.open(measured).response)
    coefficients = yaml.safe_load((measured / "coefficients.yaml").read_text())
    coefficients["calcium_response"] |= {"status": "failed", "reason": "R^2 is 0.5", "response": None}
    (tmp_path / "failed" / "coefficients.yaml").write_text(yaml.safe_dump(coefficients))
    with pytest.raises(ValueError, match="the fit to calcium-response.nc failed .R.2 is 0.5"):
        circuit.simulate(tmp_path / "failed", **QUICK, calcium="dynamic")
    with pytest.raises(ValueError, match="is not the dataset that .* was fitted to"):
        other = tmp_path / "other.nc"
        load(RESULTS / "calcium-response.nc").assign_attrs(seed=1).to_netcdf(other, engine="h5netcdf")
        circuit.simulate(measured, **QUICK, calcium="dynamic", measurement=other)


def test_texts_are_cut_and_padded_as_in_training():
    folder = RunFolder(Path("x"), "imdb", ImdbSettings(tokens=40, first_tokens=10), None, {})
    words, keep = torch.arange(12), torch.arange(12) < 9
    short = cut((words, keep), folder, 4)
    assert short[0].tolist() == [0, 6, 7, 8] and short[1].all()  # a quarter from the beginning
    whole = cut((words, keep), folder, None)
    assert whole[0].tolist() == list(range(9))
    words, keep = stacked([Example(0, short, 1), Example(1, whole, 0)])
    assert words.tolist() == [[0, 6, 7, 8, 0, 0, 0, 0, 0], list(range(9))]
    assert keep.sum(1).tolist() == [4, 9]


def test_circuit_error_study_follows_its_laws():
    dataset = circuit_error.simulate(
        (12, 24), windows=(0.5,), taus=(10.0, 20.0), steps=(0.5, 1.0), calcium_taus=(100.0,)
    )
    ratio = dataset.error / dataset.settling_law
    np.testing.assert_allclose(ratio.sel(presentation=24) / ratio.sel(presentation=12), 1, rtol=0.2)
    np.testing.assert_allclose(*dataset.error_of_tau, rtol=1e-6)
    steps = dataset.step
    summed = steps / (1 - np.exp(-steps))
    np.testing.assert_allclose(
        dataset.error_of_step[:, 1] / dataset.error_of_step[:, 0], summed[1] / summed[0], rtol=0.02
    )
    np.testing.assert_allclose(dataset.calcium_error, np.exp(-dataset.rest), rtol=1e-3)
    figure = circuit_error.draw(dataset)
    assert len(figure.axes) == 4
    pyplot.close(figure)
    with pytest.raises(ValueError, match="steps 0 is not above 0"):
        circuit_error.simulate(steps=(0.0,))


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--calcium", "dynamic"], ["--neurons", "spiking"], ["--jobs", "2"]], ids=" ".join)
def test_other_circuits_agree_on_the_class(measured, tmp_path, words, capsys):
    out = tmp_path / "circuit.nc"
    run([str(measured), "--examples", "4", *words, "--out", str(out)])
    assert "4 images: same class in" in capsys.readouterr().out
    assert float(load(out).relative_error.max()) < 0.5
