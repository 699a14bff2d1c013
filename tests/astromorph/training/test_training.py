"""Training on the shipped digits: it learns, repeats, resumes, and stops with a sentence."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from astromorph.runs.run_folder import METRICS, RunFolder
from astromorph.runs.trained import evaluate_run
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.training import loop as training
from astromorph.training.loop import train
from astromorph.training.optimiser import learning_rate

SHORT = DigitsSettings(epochs=3)
REPEATED = [name for name in METRICS if name not in ("seconds", "examples_per_second")]


def run(path: Path, settings: DigitsSettings = SHORT) -> RunFolder:
    response = CalciumResponse() if settings.attention == "astromorphic" else None
    return RunFolder.create(path, "digits", settings, response, provenance={"command": "test"})


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> RunFolder:
    folder = run(tmp_path_factory.mktemp("runs") / "finished")
    train(folder, Path("nowhere"))
    return folder


@pytest.mark.parametrize("attention", ["softmax", "linear", "astromorphic"])
def test_every_attention_learns_the_digits(attention, tmp_path):
    summary = train(run(tmp_path / "run", DigitsSettings(attention=attention, epochs=8)), tmp_path)
    assert summary["test_accuracy"] > 0.85  # chance is 0.10
    assert np.sum(summary["confusion"]) == 500
    assert np.trace(summary["confusion"]) / 500 == pytest.approx(summary["test_accuracy"])


def test_a_finished_run_holds_what_is_promised(finished):
    assert sorted(file.name for file in finished.path.iterdir()) == [
        "metrics.csv",
        "settings.yaml",
        "summary.json",
        "weights.safetensors",
    ]
    metrics, summary = finished.metrics(), finished.summary()
    assert list(metrics.columns) == list(METRICS) and len(metrics) == 3
    best = metrics.loc[metrics.validation_accuracy.idxmax()]
    assert summary["chosen_epoch"] == best.epoch
    assert summary["command"] == "test"


def test_the_stored_weights_give_the_stored_accuracy(finished):
    again = evaluate_run(RunFolder.open(finished.path), Path("nowhere"))
    assert again["test_accuracy"] == finished.summary()["test_accuracy"]
    assert again["confusion"] == finished.summary()["confusion"]


def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one(finished, tmp_path, monkeypatch):
    folder = run(tmp_path / "stopped")
    whole_epoch = training.one_epoch

    def stops_in_the_third(epoch, *rest):
        if epoch == 3:
            raise KeyboardInterrupt
        return whole_epoch(epoch, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(training, "one_epoch", stops_in_the_third)
        with pytest.raises(KeyboardInterrupt):
            train(folder, tmp_path)
    assert (folder.path / "checkpoint.safetensors").is_file() and not folder.finished
    summary = train(RunFolder.open(folder.path), tmp_path)
    pd.testing.assert_frame_equal(folder.metrics()[REPEATED], finished.metrics()[REPEATED], check_exact=True)
    assert summary["test_loss"] == finished.summary()["test_loss"]


def test_another_seed_gives_another_run(finished, tmp_path):
    folder = run(tmp_path / "other", DigitsSettings(epochs=1, seed=1))
    train(folder, tmp_path)
    assert folder.metrics().training_loss[0] != finished.metrics().training_loss[0]


def test_a_finished_run_is_not_trained_again(finished):
    with pytest.raises(ValueError, match="is finished"):
        train(finished, Path("nowhere"))


def test_a_damaged_checkpoint_is_one_sentence(tmp_path):
    folder = run(tmp_path / "run")
    (folder.path / "checkpoint.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(ValueError, match="checkpoint .* is damaged"):
        train(folder, tmp_path)


def test_a_loss_that_is_no_number_stops_with_the_cure(tmp_path):
    with pytest.raises(ValueError, match="lower learning_rate"):
        train(run(tmp_path / "run", DigitsSettings(epochs=2, learning_rate=1e30)), tmp_path)


def test_learning_rate_rises_linearly_then_falls_to_zero():
    rates = [learning_rate(step, 100, 2.0, 0.2) for step in range(100)]
    assert rates[:20] == pytest.approx([2.0 * (step + 1) / 20 for step in range(20)])
    assert rates[20] == 2.0 and all(np.diff(rates[20:]) < 0) and rates[-1] < 2e-3
    assert rates[60] == pytest.approx(1.0)  # half way down the cosine


def test_an_existing_run_is_not_overwritten_unasked(finished):
    before = finished.summary()
    with pytest.raises(FileExistsError, match="already holds a run"):
        run(finished.path)
    assert finished.summary() == before


def test_a_folder_with_other_files_is_never_taken(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="files that are no run"):
        RunFolder.create(tmp_path, "digits", SHORT, None, overwrite=True)


def test_what_is_no_run_is_said_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no run"):
        RunFolder.open(tmp_path)
    (tmp_path / "settings.yaml").write_text("!!python/object/apply:os.system ['echo attack']")
    with pytest.raises(ValueError, match="is not the settings of a run"):
        RunFolder.open(tmp_path)


def test_settings_survive_the_folder(tmp_path):
    hill = CalciumResponse("hill", 0.47, 0.6606, 1.009, 0.2498, 0.08, 11.0, "test")
    settings = DigitsSettings(width=48, seed=4)
    RunFolder.create(tmp_path / "run", "digits", settings, hill)
    opened = RunFolder.open(tmp_path / "run")
    assert (opened.settings, opened.response) == (settings, hill)


def test_weights_of_another_model_are_refused(finished, tmp_path):
    folder = run(tmp_path / "wide", DigitsSettings(epochs=3, width=64))
    (folder.path / "weights.safetensors").write_bytes((finished.path / "weights.safetensors").read_bytes())
    with pytest.raises(ValueError, match="does not hold this model's weights"):
        evaluate_run(folder, tmp_path)
