"""What lies in a run folder belongs together: settings, response, weights, metrics and result; else it is refused."""

import json
import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from astromorph.files.tensors import load_weights
from astromorph.runs.pretrained import AstromorphicClassifier
from astromorph.runs.run_folder import RunFolder
from astromorph.runs.trained import evaluate, trained_model
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.training import loop
from astromorph.training.loop import train

SETTINGS = DigitsSettings(epochs=2, width=8, feedforward=8, heads=2, batch=400)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("belonging") / "run"
    train(RunFolder.create(path, "digits", SETTINGS, CalciumResponse()), path)
    return path


@pytest.fixture(scope="module")
def stopped(tmp_path_factory) -> Path:
    """A run that was stopped in its second epoch."""
    path = tmp_path_factory.mktemp("stopped") / "run"
    folder = RunFolder.create(path, "digits", SETTINGS, CalciumResponse())
    one_epoch = loop.one_epoch

    def stops(epoch, training):
        if epoch == 2:
            raise KeyboardInterrupt
        return one_epoch(epoch, training)

    loop.one_epoch = stops
    try:
        with pytest.raises(KeyboardInterrupt):
            train(folder, path)
    finally:
        loop.one_epoch = one_epoch
    return path


@pytest.fixture
def run(finished, tmp_path) -> Path:
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def halted(stopped, tmp_path) -> Path:
    return shutil.copytree(stopped, tmp_path / "halted")


def change(path: Path, section: str, **entries: object) -> None:
    content = yaml.safe_load((path / "settings.yaml").read_text(encoding="utf-8"))
    content[section] = content[section] | entries if entries else None
    (path / "settings.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


READERS = {
    "evaluate": evaluate,
    "pretrained": AstromorphicClassifier.from_pretrained,
    "model": lambda path: trained_model(RunFolder.open(path)),
    "summary": lambda path: RunFolder.open(path).summary(),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_whole_run_is_read(run, reader):
    READERS[reader](run)


@pytest.mark.parametrize("reader", READERS)
def test_weights_of_another_run_are_refused_by_every_reader(run, reader):
    weights = load_file(run / "weights.safetensors")
    save_file({name: tensor + 0.01 for name, tensor in weights.items()}, run / "weights.safetensors")
    with pytest.raises(ValueError, match="weights.safetensors was altered since it was saved"):
        READERS[reader](run)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("section", "entries"),
    [("settings", {"position_scale": 1e300}), ("settings", {"seed": 9}), ("calcium_response", {"exponent": 0.5})],
)
def test_settings_that_were_not_measured_are_refused_by_every_reader(run, reader, section, entries):
    change(run, section, **entries)
    with pytest.raises(ValueError, match="settings.yaml was altered since it was saved"):
        READERS[reader](run)


def test_a_result_of_an_earlier_version_says_nothing_of_its_settings(run):
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    del summary["settings_sha256"], summary["result_sha256"]
    (run / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    assert evaluate(run)["test_accuracy"] == summary["test_accuracy"]


@pytest.mark.parametrize("kind", [torch.int32, torch.bool, torch.complex64, torch.uint8, torch.int64])
def test_weights_of_another_kind_of_number_are_refused(run, kind):
    model = trained_model(RunFolder.open(run))
    weights = {name: (tensor * 100).to(kind) for name, tensor in load_file(run / "weights.safetensors").items()}
    save_file(weights, run / "other.safetensors")
    with pytest.raises(ValueError, match=f"holds {str(kind).removeprefix('torch.')} instead of float32"):
        load_weights(model, run / "other.safetensors")


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_are_read(run, kind):
    model = trained_model(RunFolder.open(run))
    cast = lambda tensor: tensor.to(kind) if tensor.is_floating_point() else tensor
    weights = {name: cast(tensor) for name, tensor in load_file(run / "weights.safetensors").items()}
    save_file(weights, run / "other.safetensors")
    load_weights(model, run / "other.safetensors")
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, weights[name].to(tensor.dtype))


def test_double_weights_beyond_single_precision_are_refused(run):
    model = trained_model(RunFolder.open(run))
    weights = {name: tensor.double() + 1e300 for name, tensor in load_file(run / "weights.safetensors").items()}
    save_file(weights, run / "other.safetensors")
    with pytest.raises(ValueError, match="holds what is no number"):
        load_weights(model, run / "other.safetensors")


CHANGED = {
    "seed": 5,
    "batch": 32,
    "learning_rate": 0.1,
    "validation": 100,
    "position_scale": 3.0,
    "epochs": 1,
    "average": 7,
    "attention": "linear",
    "width": 16,
    "gain": 2.0,
}


@pytest.mark.parametrize("name", [name for name in asdict(SETTINGS) if name in CHANGED])
def test_a_stopped_run_does_not_go_on_with_another_setting(halted, name):
    before = (halted / "checkpoint.safetensors").read_bytes()
    change(halted, "settings", **{name: CHANGED[name]})
    content = yaml.safe_load((halted / "settings.yaml").read_text(encoding="utf-8"))
    folder = replace(RunFolder.open(halted), settings=DigitsSettings(**content["settings"]))
    folder = replace(folder, response=folder.response if folder.settings.takes_response else None)
    with pytest.raises(ValueError, match=f"^{name} is .* in settings.yaml, but .*; put that back, or start"):
        train(folder, halted)
    assert (halted / "checkpoint.safetensors").read_bytes() == before and not (halted / "summary.json").exists()


def test_a_stopped_run_does_not_go_on_with_another_response(halted):
    change(halted, "calcium_response", exponent=0.5)
    with pytest.raises(ValueError, match=r"calcium_response.exponent is 0.5 in settings.yaml"):
        train(RunFolder.open(halted), halted)


def test_a_stopped_run_does_not_go_on_with_other_examples(halted, monkeypatch):
    build = loop.build_task

    def other(*words):
        task = build(*words)
        return replace(task, validation=lambda: ((each[0], 9 - each[1]) for each in task.validation()))

    monkeypatch.setattr(loop, "build_task", other)
    with pytest.raises(ValueError, match="the examples of digits are not those"):
        train(RunFolder.open(halted), halted)


def test_a_stopped_run_goes_on_with_other_threads_and_ends_alike(halted, finished):
    change(halted, "settings", threads=2, compile=False)
    train(RunFolder.open(halted), halted)
    one, other = RunFolder.open(halted).summary(), RunFolder.open(finished).summary()
    assert one["test_accuracy"] == pytest.approx(other["test_accuracy"], abs=0.01)


def test_a_lost_checkpoint_is_not_begun_anew(halted):
    (halted / "checkpoint.safetensors").unlink()
    weights = (halted / "weights.safetensors").read_bytes()
    with pytest.raises(ValueError, match="checkpoint.safetensors is lost"):
        train(RunFolder.open(halted), halted)
    assert (halted / "weights.safetensors").read_bytes() == weights


def test_a_finished_run_without_its_summary_is_not_begun_anew(run):
    (run / "summary.json").unlink()
    with pytest.raises(ValueError, match="checkpoint.safetensors is lost"):
        train(RunFolder.open(run), run)


def test_metrics_that_were_not_written_are_those_of_the_checkpoint(halted, finished):
    (halted / "metrics.csv").unlink()  # killed between the two
    train(RunFolder.open(halted), halted)
    assert RunFolder.open(halted).metrics().epoch.tolist() == [1, 2]
    assert RunFolder.open(halted).summary()["weights_sha256"] == RunFolder.open(finished).summary()["weights_sha256"]


def test_an_empty_summary_is_the_same_sentence_for_all(run):
    (run / "summary.json").write_text("", encoding="utf-8")
    for reader in (lambda: train(RunFolder.open(run), run), RunFolder.open(run).summary):
        with pytest.raises(ValueError, match="summary.json is not the result of a run"):
            reader()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("confusion", [[10**400] * 10] * 10),
        ("confusion", [[-1] * 10] * 10),
        ("test_accuracy", 1.5),
        ("test_accuracy", True),
        ("test_loss", float("nan")),
        ("seconds", -1.0),
        ("chosen_epoch", -1),
        ("parameters", 10**400),
    ],
)
def test_a_summary_beyond_what_can_be_measured_is_refused(run, name, value):
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    (run / "summary.json").write_text(json.dumps(summary | {name: value}), encoding="utf-8")
    with pytest.raises(ValueError, match=f"is not the result of a run \\(no {name}\\)"):
        RunFolder.open(run).summary()


def test_metrics_of_another_run_are_refused(run):
    metrics = (run / "metrics.csv").read_text(encoding="utf-8").splitlines()
    (run / "metrics.csv").write_text("\n".join([*metrics[:-1], metrics[1]]) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="epochs are not numbered from 1"):
        RunFolder.open(run).metrics()
    (run / "metrics.csv").write_text("\n".join(metrics[:-1]) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="metrics.csv was altered since it was saved"):
        RunFolder.open(run).metrics()
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    of_earlier_versions = {name: value for name, value in summary.items() if not name.endswith("sha256")}
    (run / "summary.json").write_text(json.dumps(of_earlier_versions), encoding="utf-8")
    with pytest.raises(ValueError, match="not those of summary.json"):
        RunFolder.open(run).metrics()


def test_a_run_whose_attention_needs_a_response_has_one(run):
    change(run, "calcium_response")
    with pytest.raises(ValueError, match="calcium_response is null, which astromorphic attention cannot do without"):
        RunFolder.open(run)


WRONG = {
    "flat": {"amplitude": 0.0, "baseline": 1.0},
    "nothing": {"amplitude": 0.0, "baseline": 0.0},
    "steep": {"exponent": 1e6},
    "steepest": {"exponent": 1e300},
    "backwards": {"lowest": 11.0, "highest": 0.07},
    "negative": {"lowest": -1.0},
    "empty": {"lowest": 1.0, "highest": 1.0},
    "endless": {"highest": float("inf")},
    "infinite": {"amplitude": float("inf")},
    "no number": {"baseline": float("nan")},
}


@pytest.mark.parametrize("fault", WRONG)
@pytest.mark.parametrize("form", [{}, {"form": "hill", "half": 1.0, "baseline": 0.5, "amplitude": 1.0}])
def test_a_response_that_is_none_is_refused(fault, form):
    with pytest.raises(ValueError, match="calcium response"):
        CalciumResponse(**form | WRONG[fault])


@pytest.mark.parametrize("amplitude", [8.0, 1e300, 0.5])
def test_a_response_that_is_not_one_at_its_reference_is_refused(run, tmp_path, amplitude):
    response = CalciumResponse(amplitude=amplitude)
    with pytest.raises(ValueError, match="at x = 1 is no measured one"):
        RunFolder.create(tmp_path / "new", "digits", SETTINGS, response)
    assert not (tmp_path / "new").exists()
    (run / "summary.json").unlink()
    change(run, "calcium_response", amplitude=amplitude)
    with pytest.raises(ValueError, match="at x = 1 is no measured one"):
        RunFolder.open(run)


@given(st.floats(0.05, 0.95), st.floats(0.01, 8.0), st.floats(1e-3, 1e3))
def test_every_fitted_response_is_one(baseline, exponent, half):
    CalciumResponse(baseline=baseline, amplitude=1 - baseline, exponent=exponent).check_reference()
    amplitude = (1 - baseline) * (1 + half**exponent)
    hill = CalciumResponse("hill", baseline, amplitude, exponent, half, lowest=1e-3, highest=1e3)
    hill.check_reference()


def test_curves_are_one_between_the_knots_around_their_reference():
    CalciumResponse("curve", knots=(0.5, 1.5), values=(0.9, 1.3)).check_reference()
    with pytest.raises(ValueError, match="1.1 at x = 1"):
        CalciumResponse("curve", knots=(0.5, 1.5), values=(1.1, 1.3)).check_reference()


def test_an_export_never_replaces_a_training(run, tmp_path):
    before = {file.name: file.read_bytes() for file in run.iterdir()}
    (tmp_path / "link").symlink_to(run)
    model = AstromorphicClassifier.from_pretrained(run)
    for place in (run, tmp_path / "link", run / ".." / run.name):
        with pytest.raises(FileExistsError, match=f"{re.escape(str(place))} is the run of a training"):
            model.save_pretrained(place, overwrite=True)
    assert {file.name: file.read_bytes() for file in run.iterdir()} == before
    model.save_pretrained(tmp_path / "export")
    model.save_pretrained(tmp_path / "export", half=True, overwrite=True)
    again = AstromorphicClassifier.from_pretrained(tmp_path / "export")
    assert again.provenance["settings_sha256"]
    again.save_pretrained(tmp_path / "export", overwrite=True)
    AstromorphicClassifier.from_pretrained(tmp_path / "export")
    change(tmp_path / "export", "settings", position_scale=1e300)
    with pytest.raises(ValueError, match="settings.yaml was altered"):
        AstromorphicClassifier.from_pretrained(tmp_path / "export")


@pytest.mark.parametrize("seed", [99999999999999999999999999, 10**14 + 1])
def test_a_seed_beyond_what_torch_takes_is_refused_first(seed):
    with pytest.raises(ValueError, match=f"seed {seed} is no seed; use a whole number from 0 to 100000000000000"):
        DigitsSettings(seed=seed)


def test_the_largest_seed_trains(tmp_path):
    settings = replace(SETTINGS, seed=10**14, epochs=1, attention="linear")
    assert train(RunFolder.create(tmp_path / "run", "digits", settings, None), tmp_path)["seed"] == 10**14


@pytest.mark.parametrize(("name", "entry"), [("summary.json", "test_accuracy"), ("metrics.csv", "")])
def test_a_result_and_metrics_that_were_altered_are_refused(run, name, entry):
    file = run / name
    if entry:
        file.write_text(json.dumps(json.loads(file.read_text()) | {entry: 0.99}), encoding="utf-8")
    else:
        table = RunFolder.open(run).metrics()
        table.loc[0, "validation_accuracy"] = 0.99
        table.to_csv(file, index=False)
    with pytest.raises(ValueError, match=rf"{name} was altered since it was saved .*; copy the whole folder again"):
        RunFolder.open(run).metrics()


def test_an_export_is_no_run_that_could_go_on(run, tmp_path):
    AstromorphicClassifier.from_pretrained(run).save_pretrained(tmp_path / "export")
    before = {file.name: file.read_bytes() for file in (tmp_path / "export").iterdir()}
    with pytest.raises(ValueError, match="export is an exported model, no run that could go on; train into another"):
        train(RunFolder.open(tmp_path / "export"), tmp_path)
    assert before == {file.name: file.read_bytes() for file in (tmp_path / "export").iterdir()}
