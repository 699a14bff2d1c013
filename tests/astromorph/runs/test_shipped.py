"""Exported and shipped models: they answer like the run they came from, and are what they say."""

import json

import pytest
import torch

from astromorph import AstromorphicClassifier
from astromorph.data.digits import load_digits
from astromorph.runs.run_folder import RunFolder
from astromorph.runs.shipped import run_path, shipped_models
from astromorph.runs.trained import evaluate_run
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.training.loop import train
from studies.command_line import main

MEGABYTE = 1e6


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = RunFolder.create(
        tmp_path_factory.mktemp("runs") / "run", "digits", DigitsSettings(epochs=2), CalciumResponse()
    )
    train(folder, folder.path)
    return folder.path


def test_half_precision_moves_probabilities_by_its_rounding_only(run, tmp_path):
    AstromorphicClassifier.from_pretrained(run).save_pretrained(tmp_path / "half", half=True)
    images = load_digits().test_images
    full, half = (AstromorphicClassifier.from_pretrained(path).predict(images) for path in (run, tmp_path / "half"))
    assert 0 < (full - half).abs().max() < 0.01  # weights rounded to 11 bits, 5e-4 each
    small, large = (path / "weights.safetensors" for path in (tmp_path / "half", run))
    assert small.stat().st_size < 0.7 * large.stat().st_size


def test_export_writes_a_folder_that_the_commands_read(run, tmp_path, capsys):
    assert main(["export", str(run), "--half", "--out", str(tmp_path / "model")]) == 0
    assert main(["evaluate", str(tmp_path / "model")]) == 0
    assert "test accuracy" in capsys.readouterr().out
    assert main(["export", str(run), "--out", str(tmp_path / "model")]) == 2
    assert "already holds a run" in capsys.readouterr().err


def test_a_name_means_a_shipped_model_unless_a_folder_has_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_path("digits") == shipped_models()["digits"]
    (tmp_path / "digits").mkdir()
    assert run_path("digits").resolve() == tmp_path / "digits"
    assert str(run_path("unheard")) == "unheard"
    with pytest.raises(FileNotFoundError, match="or a shipped model: digits, imdb"):
        RunFolder.open("unheard")


@pytest.mark.parametrize("name", ["digits", "imdb"])
def test_a_shipped_model_says_where_it_comes_from_and_is_small(name):
    path = shipped_models()[name]
    provenance = RunFolder.open(path).provenance
    assert provenance["command"].startswith(f"astromorph train {name}") and len(provenance["commit"]) == 40
    assert sum(file.stat().st_size for file in path.iterdir()) < 5 * MEGABYTE


def test_the_shipped_digits_model_reads_digits(tmp_path):
    found = evaluate_run(RunFolder.open("digits"), tmp_path)
    assert found["test_accuracy"] > 0.95


def test_the_shipped_imdb_model_reads_reviews():
    reader = AstromorphicClassifier.from_pretrained("imdb")
    good, bad = reader.predict(
        ["A wonderful, moving film with a superb cast; I loved it.", "A dull, badly acted waste of two hours; awful."]
    )[:, reader.class_names.index("favourable")]
    assert good > 0.9 and bad < 0.1
    heads = reader.attention_weights("What a wonderful film").heads
    assert torch.isfinite(heads).all() and heads.shape[-1] == 4
    assert json.loads((shipped_models()["imdb"] / "vocabulary.json").read_text())[:2]
