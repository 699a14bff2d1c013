"""The IMDB task on a small made-up corpus: disjoint parts, padding within the positions, a model that runs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from astromorph.data.corpus import EncodedReviews
from astromorph.data.words import Vocabulary, build_vocabulary
from astromorph.files.tensors import load_weights
from astromorph.models.text_classifier import SPREAD
from astromorph.runs.run_folder import RunFolder
from astromorph.runs.trained import evaluate_run
from astromorph.settings import CalciumResponse, ImdbSettings
from astromorph.tasks import imdb
from astromorph.text.word_vectors import word_vectors
from astromorph.training.loop import train

SETTINGS = ImdbSettings(tokens=30, first_tokens=10, validation=20, batch=8, width=8, heads=2, feedforward=8)


@pytest.fixture
def corpus(monkeypatch) -> EncodedReviews:
    draw = np.random.default_rng(0)
    vocabulary: Vocabulary = build_vocabulary([" ".join(f"word{i}" for i in range(60))], 100)
    review = lambda: draw.integers(2, len(vocabulary), draw.integers(1, 60)).astype(np.int32)
    labels = np.tile([0, 1], 50)
    train, test = ([review() for _ in labels] for _ in range(2))
    reviews = EncodedReviews(train, labels, np.arange(100) // 2, test, labels, vocabulary)
    monkeypatch.setattr(imdb, "load_encoded_imdb", lambda root, size: reviews)
    return reviews


def seen(batches) -> list[tuple[int, ...]]:
    return sorted(
        tuple(row[real].tolist()) for (words, keep), _ in batches for row, real in zip(words, keep, strict=True)
    )


def test_training_and_validation_share_no_review_and_lose_none(corpus, tmp_path):
    task = imdb.build(ImdbSettings(**{**vars(SETTINGS), "word_dropout": 0.0}), None, tmp_path)
    shortened = [tuple(text if len(text) <= 30 else np.r_[text[:10], text[-20:]]) for text in corpus.train]
    assert sorted(seen(task.training(1)) + seen(task.validation())) == sorted(shortened)
    assert task.examples == 80 and task.steps == len(list(task.training(1))) == 10


def test_padding_stays_within_the_positions_also_when_tokens_is_odd(corpus, tmp_path):
    task = imdb.build(SETTINGS, CalciumResponse(), tmp_path)
    widths = {inputs[0].shape[1] for inputs, _ in [*task.training(1), *task.test()]}
    assert widths == {16, 30}
    for inputs, labels in task.test():
        assert task.model(*inputs).shape == (len(labels), 2)


def test_a_review_can_be_read_in_segments(corpus, tmp_path):
    task = imdb.build(replace(SETTINGS, segments=3, memory=2), CalciumResponse(), tmp_path)
    assert task.model.recurrent.segment == 10
    for inputs, labels in task.training(1):
        torch.nn.functional.cross_entropy(task.model(*inputs), labels).backward()
    assert all(parameter.grad is not None for parameter in task.model.parameters())


def test_an_epoch_repeats_and_another_differs(corpus, tmp_path):
    task = imdb.build(SETTINGS, None, tmp_path)
    words = lambda epoch: torch.cat([inputs[0].flatten() for inputs, _ in task.training(epoch)])
    assert torch.equal(words(1), words(1)) and not torch.equal(words(1), words(2))


def test_a_share_of_the_words_is_left_out_in_training_only(corpus, tmp_path):
    settings = replace(SETTINGS, tokens=60, first_tokens=20)  # no review is shortened
    count = lambda share: sum(
        map(len, seen(imdb.build(replace(settings, word_dropout=share), None, tmp_path).training(1)))
    )
    words = count(0.0)
    assert abs(1 - count(0.4) / words - 0.4) < 4 * (0.4 * 0.6 / words) ** 0.5 + 0.01
    whole = imdb.build(replace(settings, word_dropout=0.4), None, tmp_path)
    assert sum(map(len, seen(whole.test()))) == sum(map(len, corpus.test))


def test_what_is_left_out_makes_room_for_the_middle_of_a_long_review(corpus, tmp_path):
    longest = max(map(len, corpus.train))
    settings = replace(SETTINGS, tokens=longest // 2, first_tokens=5, word_dropout=0.6)
    lengths = [len(review) for review in seen(imdb.build(settings, None, tmp_path).training(1))]
    assert max(lengths) <= longest // 2
    whole = sum(min(longest // 2, len(text)) for text in corpus.train) * 80 / 100
    assert sum(lengths) > 0.4 * whole  # words are left out before a review is shortened


TAUGHT = replace(SETTINGS, ngrams=50, unlabelled=30, word_dropout=0.0)


@pytest.fixture
def unlabelled(corpus, monkeypatch) -> list[np.ndarray]:
    draw = np.random.default_rng(1)
    texts = [draw.integers(2, len(corpus.vocabulary), 20).astype(np.int32) for _ in range(35)]
    known = [corpus.train[0], corpus.test[0], texts[0]]
    monkeypatch.setattr(imdb, "load_unlabelled", lambda root, vocabulary: known + texts)
    return texts


def test_unlabelled_reviews_are_learnt_with_the_labels_they_are_given(corpus, unlabelled, tmp_path, monkeypatch):
    given = {}

    def teach(reader, texts, labels, more, seed):
        given.update({tuple(text.tolist()): (len(given) + 0.5) / 30 for text in more})
        assert len(texts) == len(labels) == 80
        return np.array([given[tuple(text.tolist())] for text in more])

    monkeypatch.setattr(imdb, "teach", teach)
    task = imdb.build(TAUGHT, None, tmp_path)
    task.prepare(tmp_path)
    assert task.examples == 110 and task.steps == len(list(task.training(1)))
    hard = []
    for (words, keep), labels in task.training(1):
        for row, real, label in zip(words, keep, labels.tolist(), strict=True):
            if (wanted := given.pop(tuple(row[real].tolist()), None)) is not None:
                assert label == wanted
            else:
                hard.append(label)
    assert not given and sorted(hard) == [0.0] * 40 + [1.0] * 40
    tested = {tuple(text[:30].tolist()) for text in corpus.test}
    assert not tested & {review[:30] for review in seen(task.training(1))}


def test_a_model_with_a_reader_learns_from_prepared_labels(unlabelled, tmp_path):
    task = imdb.build(TAUGHT, CalciumResponse(), tmp_path)
    task.prepare(tmp_path)
    first = [labels for _, labels in task.training(1)]
    task.prepare(tmp_path)  # a second time changes nothing
    assert all(torch.equal(a, b) for a, b in zip(first, [labels for _, labels in task.training(1)], strict=True))
    assert task.model.reader.weight.abs().sum() > 0
    inputs, labels = next(iter(task.training(1)))
    task.loss(task.model(*inputs), labels).backward()
    assert all(parameter.grad is not None for parameter in task.model.parameters())


def test_a_trained_run_says_what_the_reader_and_attention_reach_alone(unlabelled, tmp_path):
    run = RunFolder.create(tmp_path / "run", "imdb", replace(TAUGHT, epochs=1, precision="float32"), CalciumResponse())
    summary = train(run, tmp_path)
    losses = {voter: evaluate_run(run, tmp_path, voter)["test_loss"] for voter in ("both", "reader", "attention")}
    assert losses["both"] == pytest.approx(summary["test_loss"])
    task = imdb.build(run.settings, run.response, tmp_path)
    model, batches = task.model.eval(), list(task.test())
    load_weights(model, run.path / "weights.safetensors")
    labels = torch.cat([labels for _, labels in batches]).float()
    with torch.no_grad():
        odds = torch.cat([model.reader(*inputs) for inputs, _ in batches])
        model.reader = None
        logits = torch.cat([model(*inputs) for inputs, _ in batches])
    reader = torch.nn.functional.binary_cross_entropy_with_logits(odds, labels)
    assert losses["reader"] == pytest.approx(float(reader), rel=1e-5)
    attention = torch.nn.functional.cross_entropy(logits, labels.long())
    assert losses["attention"] == pytest.approx(float(attention), rel=1e-5)
    assert len(set(losses.values())) == 3


def test_word_vectors_begin_with_what_unlabelled_reviews_teach(corpus, unlabelled, tmp_path):
    task = imdb.build(replace(SETTINGS, pretrain=30), CalciumResponse(), tmp_path)
    fresh = task.model.words.weight.detach().clone()
    task.prepare(tmp_path)
    begun = task.model.words.weight.detach().clone()
    known = (begun != fresh).any(1)
    assert known[2:].all() and not known[:2].any()  # padding and unknown words stay as they were
    assert begun[known].square().mean().sqrt() == pytest.approx(SPREAD)
    held_out = {text[:10] for text in seen(task.validation())}
    texts = [text for text in corpus.train if tuple(text[:10].tolist()) not in held_out]
    order = np.random.default_rng(SETTINGS.seed).permutation(35)
    texts += [unlabelled[i] for i in order[:30]]
    vectors = word_vectors(texts, len(corpus.vocabulary), SETTINGS.width, SETTINGS.seed)
    torch.testing.assert_close(begun[known], SPREAD * torch.from_numpy(vectors)[known])
    task.prepare(tmp_path)  # a second time changes nothing
    assert torch.equal(task.model.words.weight, begun)


def test_the_loss_of_certain_labels_is_the_cross_entropy():
    logits, labels = torch.randn(9, 2, generator=torch.Generator().manual_seed(0)), torch.arange(9) % 2
    for smoothing in (0.0, 0.1):
        wanted = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        torch.testing.assert_close(imdb.expected_cross_entropy(logits, labels.double(), smoothing), wanted)


@pytest.mark.parametrize("name", ["unlabelled", "pretrain"])
def test_more_unlabelled_reviews_than_there_are_cannot_be_had(unlabelled, tmp_path, name):
    with pytest.raises(ValueError, match=f"{name} 36 reviews are not to be had; there are 35"):
        imdb.build(replace(TAUGHT, **{name: 36}), None, tmp_path).prepare(tmp_path)
