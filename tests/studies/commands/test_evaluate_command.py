"""`astromorph evaluate`: the test set drawn, one text with its words weighed, one image from a file."""

from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from PIL import Image

from astromorph import AstromorphicClassifier
from astromorph.data.digits import load_digits
from astromorph.data.words import RESERVED, Vocabulary
from astromorph.runs.pretrained import WordWeights
from astromorph.runs.run_folder import METRICS, RunFolder
from astromorph.settings import CalciumResponse, DigitsSettings, ImdbSettings
from astromorph.tasks import build_model
from astromorph.training.calibration import reliability
from astromorph.training.loop import train
from studies.attention import word_weights
from studies.command_line import main
from studies.report import run_sheet

HEAVY = WordWeights(["a", "superb", "film"], [True, False, True], torch.tensor([[[0.1, 0.7, 0.2], [0.3, 0.5, 0.2]]]))


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    folder = RunFolder.create(
        tmp_path_factory.mktemp("runs") / "run", "digits", DigitsSettings(epochs=6), CalciumResponse()
    )
    train(folder, Path("nowhere"))
    return folder


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    settings = ImdbSettings(tokens=30, first_tokens=10, width=8, heads=2, feedforward=8)
    vocabulary = Vocabulary((*RESERVED, *"a the film good bad not n't is".split()))
    model = build_model(settings, CalciumResponse(), len(vocabulary))
    path = tmp_path_factory.mktemp("reader") / "reader"
    AstromorphicClassifier(model, "imdb", settings, CalciumResponse(), vocabulary).save_pretrained(path)
    return path


def test_the_test_set_is_told_and_drawn(run, tmp_path, capsys):
    assert main(["evaluate", str(run.path), "--out", str(tmp_path / "a.png")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert sum("correct" in line for line in told) == 10
    assert told[10].startswith("expected calibration error 0.")
    assert f"test accuracy {run.summary()['test_accuracy']:.4f}," in told[11]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert main(["evaluate", str(run.path), "--out", str(tmp_path / "a.html")]) == 0
    page = (tmp_path / "a.html").read_text()
    assert "data:image/png" in page and "test accuracy" in page and "astromorph evaluate" in page


def test_a_text_is_classified_and_its_words_ranked(reader, tmp_path, capsys):
    out = tmp_path / "words.png"
    assert main(["evaluate", str(reader), "--text", "The film isn't superb, good & cheap.", "--out", str(out)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[0] for line in told[:2]) == ["favourable", "unfavourable"]
    rows = [line for line in told if "." in line and line.split()[0].isdigit()]
    assert len(rows) == 7 and any("superb (not in the vocabulary)" in row for row in rows)
    weights = [float(row.split()[-2]) for row in rows]
    assert weights == sorted(weights, reverse=True)
    classifier = AstromorphicClassifier.from_pretrained(reader)
    assert weights[0] == pytest.approx(
        float(classifier.attention_weights("The film isn't superb, good & cheap.").weights.max()), abs=1e-4
    )
    assert out.read_bytes().startswith(b"\x89PNG")


def test_an_image_is_classified(run, tmp_path, capsys):
    digits = load_digits()
    file = tmp_path / "digit.png"
    Image.fromarray((255 - np.kron(digits.test_images[0, 0] * (255 / 16), np.ones((4, 4)))).astype(np.uint8)).save(file)
    assert main(["evaluate", str(run.path), "--image", str(file)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == ("digit.png: 32 x 32 pixels were resized to 8 x 8 and dark was read as ink from 0 to 16")
    shares = [float(line.split()[1]) for line in told[1:]]
    assert len(shares) == 10 and sum(shares) == pytest.approx(100, abs=0.5) and shares == sorted(shares, reverse=True)
    expected = AstromorphicClassifier.from_pretrained(run.path).predict(digits.test_images[:1]).argmax()
    assert told[1].split()[0] == str(int(expected))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--text", "good", "--image", "a.png"], "two questions"),
        (["--text", "good"], "reads images, not words"),
        (["--image", "none.png"], "there is no image file none.png"),
        (["--image", "none.png", "--out", "a.png"], "leave --out out"),
        (["--voter", "reader"], "has no reader of n-grams that votes with attention; leave --voter out"),
        (["--voter", "attention", "--text", "good"], "--voter attention is for the test set"),
        (["--out", "a.txt"], "must end in .png or .pdf or .svg or .html"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(run, words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", str(run.path), *words]) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1 and not list(tmp_path.iterdir())


def test_the_table_ranks_by_the_mean_over_heads():
    table = word_weights.table(HEAVY)
    assert table.word.tolist() == ["superb", "a", "film"]  # of equals the first in the text
    assert table.weight.tolist() == pytest.approx([0.6, 0.2, 0.2])
    assert table.equal_shares.tolist() == pytest.approx([1.8, 0.6, 0.6])
    assert table.place.tolist() == [2, 1, 3]


def test_heavier_words_are_darker_and_all_fit_the_figure():
    words = [f"word{i}" if i % 3 else "averylongwordindeed" * (1 + i // 50) for i in range(60)]
    weights = torch.linspace(1, 60, 60) / 1830
    figure = word_weights.draw(WordWeights(words, [True] * 60, weights[None, None]), [0.2, 0.8], ("bad", "good"))
    shown = figure.texts[:60]
    brightness = [sum(text.get_bbox_patch().get_facecolor()[:3]) for text in shown]
    assert all(np.diff(brightness) <= 1e-9) and brightness[0] - brightness[-1] > 0.5
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in shown]
    assert min(box.x0 for box in boxes) >= 0 and max(box.x1 for box in boxes) <= figure.bbox.width
    assert not any(a.overlaps(b) for a, b in zip(boxes, boxes[1:], strict=False))
    assert "good 80.0 %" in figure.texts[60].get_text()
    plt.close(figure)


def test_the_report_shows_counts_and_calibration(tmp_path):
    folder = RunFolder.create(tmp_path / "run", "digits", DigitsSettings(), None)
    folder.write_metrics([dict.fromkeys(METRICS, 0.5) | {"epoch": epoch} for epoch in (1, 2)])
    result = {
        "confusion": [[30, 10], [0, 60]],
        "class_names": ["yes", "no"],
        "calibration": reliability([0.8] * 50 + [0.6] * 50, [1] * 40 + [0] * 10 + [1] * 20 + [0] * 30),
    }
    figure = run_sheet.draw(folder, result)
    _, _, confusion, calibration = figure.axes
    assert [text.get_text() for text in confusion.texts] == ["75.0 %", "25.0 %", "", "100.0 %"]
    assert calibration.get_title(loc="left").endswith("expected error 10.0 %")  # half of the answers, 0.2 too sure
    bars = [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in calibration.patches if bar.get_height()]
    assert [height for _, height in bars] == [0.5, 0.5]
    plt.close(figure)
