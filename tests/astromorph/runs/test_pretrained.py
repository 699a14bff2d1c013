"""A trained model in a folder: the same answers out as went in, and one sentence for a folder that is not whole."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from astromorph import AstromorphicClassifier
from astromorph.data.corpus import EncodedReviews
from astromorph.data.digits import load_digits
from astromorph.data.images import Images
from astromorph.data.words import RESERVED, Vocabulary
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, Cifar10Settings, DigitsSettings, ImdbSettings
from astromorph.tasks import build_model, build_task, cifar10, imdb
from astromorph.tasks.build import task_module
from astromorph.training.loop import train

TEXT = ImdbSettings(tokens=12, first_tokens=4, width=8, heads=2, feedforward=8)
VOCABULARY = Vocabulary((*RESERVED, *"a the film good bad not n't is it ! and".split()))
HILL = CalciumResponse("hill", 0.47, 0.66, 1.0, 0.25)


@pytest.fixture
def reader() -> AstromorphicClassifier:
    torch.manual_seed(0)
    return AstromorphicClassifier(build_model(TEXT, HILL, len(VOCABULARY)), "imdb", TEXT, HILL, VOCABULARY)


@pytest.fixture
def saved(reader, tmp_path) -> Path:
    reader.save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    folder = RunFolder.create(
        tmp_path_factory.mktemp("runs") / "run", "digits", DigitsSettings(epochs=2), CalciumResponse()
    )
    train(folder, Path("nowhere"))
    return folder


def test_a_run_folder_gives_the_accuracy_of_its_summary(run):
    classifier = AstromorphicClassifier.from_pretrained(run.path)
    digits = load_digits()
    probabilities = classifier.predict(digits.test_images)
    assert probabilities.shape == (500, 10)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(500))
    accuracy = float(np.mean(probabilities.argmax(1).numpy() == digits.test_labels))
    assert accuracy == pytest.approx(run.summary()["test_accuracy"])
    assert classifier.class_names == tuple(run.summary()["class_names"])


def test_what_is_saved_answers_the_same(run, tmp_path):
    first = AstromorphicClassifier.from_pretrained(run.path)
    first.save_pretrained(tmp_path / "copy")
    again = AstromorphicClassifier.from_pretrained(tmp_path / "copy")
    images = load_digits().test_images[:50]
    assert torch.equal(first.predict(images), again.predict(images))
    assert (again.settings, again.response) == (first.settings, first.response)
    with pytest.raises(FileExistsError, match="already holds a run"):
        first.save_pretrained(tmp_path / "copy")
    first.save_pretrained(tmp_path / "copy", overwrite=True)


def test_texts_keep_their_vocabulary_and_their_answers(reader, saved):
    again = AstromorphicClassifier.from_pretrained(saved)
    texts = ["A good film!", "It isn't good, and it isn't bad, and it is a film and it is.", "bad"]
    assert torch.equal(reader.predict(texts), again.predict(texts))
    alone = torch.cat([again.predict([text]) for text in texts])
    torch.testing.assert_close(alone, again.predict(texts))  # padding changes nothing
    assert sorted(file.name for file in saved.iterdir()) == ["settings.yaml", "vocabulary.json", "weights.safetensors"]


def test_words_and_their_weights_stand_in_the_order_of_the_text(reader):
    read = reader.attention_weights("The film isn't superb!")
    assert read.words == ["the", "film", "is", "n't", "superb", "!"]
    assert read.known == [True, True, True, True, False, True]
    assert read.heads.shape == (1, 2, 6) and (read.weights > 0).all()
    torch.testing.assert_close(read.weights, read.heads[0].mean(0))
    long = reader.attention_weights(" ".join(f"w{i}" for i in range(0, 60)).replace("w", "film "))
    assert len(long.words) == 12  # beginning and end, as in training
    assert long.words[:4] == ["film", "0", "film", "1"] and long.words[-2:] == ["film", "59"]


def test_half_precision_weights_are_read_as_well(saved, reader):
    file = saved / "weights.safetensors"
    half = {name: tensor.half() for name, tensor in load_file(file).items()}
    settings = (saved / "settings.yaml").read_text()
    (saved / "settings.yaml").write_text("\n".join(line for line in settings.splitlines() if "sha256" not in line))
    with (saved / "settings.yaml").open("a") as written:
        written.write(" {}\n")
    save_file(half, file)
    again = AstromorphicClassifier.from_pretrained(saved)
    assert again.predict(["good film"]).dtype == torch.float32
    torch.testing.assert_close(again.predict(["good film"]), reader.predict(["good film"]), rtol=0, atol=2e-3)


def test_a_folder_that_is_not_whole_or_altered_is_one_sentence(saved, tmp_path):
    load = lambda: AstromorphicClassifier.from_pretrained(saved)
    with pytest.raises(FileNotFoundError, match="holds no run"):
        AstromorphicClassifier.from_pretrained(tmp_path / "nowhere")
    weights, vocabulary = saved / "weights.safetensors", saved / "vocabulary.json"
    content, words = weights.read_bytes(), vocabulary.read_text()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ValueError, match="was altered since it was saved"):
        load()
    weights.unlink()
    with pytest.raises(FileNotFoundError, match="weights.safetensors is missing"):
        load()
    weights.write_bytes(content)
    for wrong, said in (
        ("[1", "is no vocabulary"),
        ('["a"]', "a vocabulary begins with"),
        (json.dumps([*json.loads(words), "superb"]), "vocabulary.json was altered since it was saved"),
    ):
        vocabulary.write_text(wrong)
        with pytest.raises(ValueError, match=said):
            load()
    vocabulary.unlink()
    with pytest.raises(FileNotFoundError, match="vocabulary.json is missing"):
        load()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensors: tensors.pop("classify.bias"), "classify.bias is missing"),
        (lambda tensors: tensors.update(other=torch.zeros(1)), "other is not part of it"),
        (lambda tensors: tensors["classify.weight"].fill_(float("nan")), "classify.weight holds what is no number"),
    ],
)
def test_weights_of_another_model_are_named(run, tmp_path, change, said):
    RunFolder.create(tmp_path / "run", "digits", run.settings, run.response)
    tensors = load_file(run.path / "weights.safetensors")
    change(tensors)
    save_file(tensors, tmp_path / "run/weights.safetensors")
    with pytest.raises(ValueError, match=f"does not hold this model's weights .{said}"):
        AstromorphicClassifier.from_pretrained(tmp_path / "run")


def test_what_the_model_cannot_read_is_one_sentence(reader, run):
    for texts in ("one text", [], [3], b"good", 3, None, np.zeros(3), iter([])):
        with pytest.raises(ValueError, match="classifies a list of texts"):
            reader.predict(texts)
    with pytest.raises(ValueError, match="holds no word"):
        reader.predict(["good", " . "])
    images = AstromorphicClassifier.from_pretrained(run.path)
    with pytest.raises(ValueError, match=r"images of shape \(n, 1, 8, 8\), not \(8, 8\)"):
        images.predict(np.zeros((8, 8)))
    for wrong in ("text", None, ["a"], [np.zeros(3), np.zeros(2)], iter("ab")):
        with pytest.raises(ValueError, match=r"images of shape \(n, 1, 8, 8\), not"):
            images.predict(wrong)
    with pytest.raises(ValueError, match="reads images, not words"):
        images.attention_weights("good")


def test_texts_come_from_any_iterable(reader):
    expected = reader.predict(["good film", "bad"])
    for texts in ((text for text in ["good film", "bad"]), ("good film", "bad"), np.array(["good film", "bad"])):
        assert torch.equal(reader.predict(texts), expected)
    for texts in (pd.DataFrame({"text": ["bad"]}), {"good": 1}, {"good", "bad"}):  # names of columns, keys, any order
        with pytest.raises(ValueError, match="classifies a list of texts; give one"):
            reader.predict(texts)


@pytest.mark.parametrize(
    "text", ["zzqx flurbish wodget", "\u8fd9\u90e8\u7535\u5f71\u5f88\u597d", ",,, --- ... ***", "!!!"]
)
def test_where_nothing_is_known_nothing_is_certain(reader, text):
    with pytest.warns(UserWarning, match="holds no word that this model knows, so all classes"):
        probabilities = reader.predict(["good film", text])
    assert probabilities[1].tolist() == [0.5, 0.5]
    assert torch.allclose(probabilities[0], reader.predict(["good film"])[0])


@pytest.mark.parametrize(
    "text", ["a go\u00adod fi\u200blm", "<p>A <b>good</b> film</p>", "a&nbsp;&quot;good&quot; film"]
)
def test_what_is_not_seen_changes_no_answer(reader, text):
    assert torch.equal(reader.predict([text]), reader.predict(["a good film"]))


def small_task(data_set, settings, response, monkeypatch, tmp_path):
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (40, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(40) % 10
    colours = Images(pixels, labels, pixels, labels, cifar10.CLASS_NAMES)
    texts = [draw.integers(2, len(VOCABULARY), 9).astype(np.int32) for _ in range(40)]
    reviews = EncodedReviews(texts, labels % 2, np.arange(40), texts, labels % 2, VOCABULARY)
    monkeypatch.setattr(cifar10, "load_cifar10", lambda root: colours)
    monkeypatch.setattr(imdb, "load_encoded_imdb", lambda root, size: reviews)
    return build_task(settings, response, tmp_path)


@pytest.mark.parametrize("attention", ["softmax", "linear", "astromorphic"])
@pytest.mark.parametrize(
    ("data_set", "settings"),
    [
        ("imdb", dict(vars(TEXT), validation=10)),
        ("cifar10", dict(vars(Cifar10Settings(width=8, heads=2, channels=8, validation=10)))),
        ("digits", dict(vars(DigitsSettings()))),
    ],
)
def test_the_model_without_data_is_the_one_that_is_trained(data_set, settings, attention, monkeypatch, tmp_path):
    """Weights of a task's model fill it and give the same logits, so the two ways to it cannot part."""
    kind = {"imdb": ImdbSettings, "cifar10": Cifar10Settings, "digits": DigitsSettings}[data_set]
    settings = kind(**settings | {"attention": attention})
    response = HILL if attention == "astromorphic" else None
    task = small_task(data_set, settings, response, monkeypatch, tmp_path)
    model = build_model(settings, response, len(VOCABULARY))
    model.load_state_dict(task.model.state_dict())
    inputs = next(iter(task.test())).inputs
    with torch.no_grad():
        assert torch.equal(model.eval()(*inputs), task.model.eval()(*inputs))
    assert task.class_names == task_module(settings).CLASS_NAMES


def test_the_package_alone_does_not_load_torch():
    program = "import sys, astromorph; assert astromorph.__version__; sys.exit('torch' in sys.modules)"
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", program], cwd=root).returncode == 0
    with pytest.raises(ImportError):
        from astromorph import Nothing  # noqa: F401


def test_a_model_that_reads_in_segments_answers_but_has_no_weights():
    torch.manual_seed(0)
    settings = replace(TEXT, segments=3, memory=2)
    model = build_model(settings, HILL, len(VOCABULARY))
    reader = AstromorphicClassifier(model, "imdb", settings, HILL, VOCABULARY)
    assert reader.predict(["the film is good !", "bad"]).shape == (2, 2)
    with pytest.raises(ValueError, match="reads 3 segments .* no one weight; use one trained with --segments 1"):
        reader.attention_weights("the film")
