"""Training and evaluating from Python: the same folder as the command line makes, gone on with, and what is refused."""

import re
import shutil
from dataclasses import replace

import pytest

import astromorph
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.training import loop
from studies.command_line import main

SETTINGS = DigitsSettings(epochs=2, width=8, heads=2, feedforward=8)
HILL = CalciumResponse("hill", 0.47, 0.66, 1.0, 0.25)


def test_it_is_the_training_of_the_command_line(tmp_path):
    summary = astromorph.train(SETTINGS, tmp_path / "python")
    words = "train digits --epochs 2 --width 8 --heads 2 --feedforward 8 --out".split()
    assert main([*words, str(tmp_path / "shell")]) == 0
    theirs = RunFolder.open(tmp_path / "shell").summary()
    assert (summary["test_loss"], summary["attention"]) == (theirs["test_loss"], "astromorphic")
    assert summary["command"].startswith("astromorph.train(DigitsSettings(") and "epochs=2" in summary["command"]
    assert summary["commit"] == theirs["commit"] and summary["torch"] == theirs["torch"]
    again = astromorph.evaluate(tmp_path / "python")
    assert again["test_loss"] == pytest.approx(summary["test_loss"], rel=1e-6)


def test_a_data_set_stands_for_its_defaults_and_a_response_is_taken_up(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "train", lambda folder, root: {"folder": folder})
    folder = astromorph.train("digits", tmp_path / "run", response=HILL)["folder"]
    assert folder.settings == DigitsSettings() and RunFolder.open(tmp_path / "run").response == HILL
    softmax = DigitsSettings(attention="softmax")
    assert astromorph.train(softmax, tmp_path / "softmax")["folder"].response is None


def test_a_stopped_training_goes_on_with_the_same_numbers(tmp_path, monkeypatch):
    whole = astromorph.train(SETTINGS, tmp_path / "whole")
    one_epoch = loop.one_epoch

    def stopped(epoch, training):
        if epoch == 2:
            raise KeyboardInterrupt
        return one_epoch(epoch, training)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "one_epoch", stopped)
        astromorph.train(SETTINGS, tmp_path / "cut")
    with pytest.raises(ValueError, match="was begun with other settings; go on with those, or name another folder"):
        astromorph.train(DigitsSettings(epochs=3), tmp_path / "cut", resume=True)
    assert astromorph.train(SETTINGS, tmp_path / "cut", resume=True)["test_loss"] == whole["test_loss"]
    shutil.rmtree(tmp_path / "cut")
    with monkeypatch.context() as patch:  # nothing to go on with is a new run
        patch.setattr(loop, "train", lambda folder, root: "begun")
        assert astromorph.train(SETTINGS, tmp_path / "cut", resume=True) == "begun"


def test_the_first_step_of_a_compiled_model_is_told_apart_and_not_among_the_metrics(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(loop, "compiled", lambda model: model)
    astromorph.train(replace(SETTINGS, epochs=1, compile=True), tmp_path / "run")
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch 1/1"))
    assert re.search(r", \d+\.\d s \(\d+\.\d s of them in the first step, where a compiler works\), \d+ ", line)
    assert "first_step" not in (tmp_path / "run" / "metrics.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "changes", "sentence"),
    [
        ("digit", {}, r"no data set 'digit' \(did you mean digits\?\); use one of imdb, cifar10"),
        (
            DigitsSettings(attention="linear"),
            {"response": HILL},
            "a calcium response has no effect on linear attention",
        ),
        (SETTINGS, {"data": "nowhere"}, "data folder nowhere .* does not exist"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path, settings, changes, sentence):
    with pytest.raises((ValueError, OSError), match=sentence):
        astromorph.train(settings, tmp_path / "run", **changes)


def test_a_run_is_not_overwritten_unless_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "train", lambda folder, root: "trained")
    astromorph.train(SETTINGS, tmp_path / "run")
    with pytest.raises(FileExistsError, match="already holds a run"):
        astromorph.train(SETTINGS, tmp_path / "run")
    assert astromorph.train(SETTINGS, tmp_path / "run", overwrite=True) == "trained"


def test_a_learning_rule_that_is_not_known_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"no learning rule 'back' \(did you mean backpropagation\?\); use one of"):
        DigitsSettings(rule="back")
