"""The IMDB task on a small made-up corpus: disjoint parts, padding within the positions, a model that runs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from astromorph.data.corpus import EncodedReviews
from astromorph.data.words import UNKNOWN, Vocabulary, build_vocabulary
from astromorph.settings import CalciumResponse, ImdbSettings
from astromorph.tasks import imdb

SETTINGS = ImdbSettings(tokens=30, first_tokens=10, validation=20, batch=8, width=8, heads=2, feedforward=8)


@pytest.fixture
def corpus(monkeypatch) -> EncodedReviews:
    draw = np.random.default_rng(0)
    vocabulary: Vocabulary = build_vocabulary([" ".join(f"word{i}" for i in range(60))], 100)
    review = lambda: draw.integers(2, len(vocabulary), draw.integers(1, 60)).astype(np.int32)
    labels = np.tile([0, 1], 50)
    reviews = EncodedReviews([review() for _ in labels], labels, [review() for _ in labels], labels, vocabulary)
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


def test_a_share_of_the_words_is_hidden_in_training_only(corpus, tmp_path):
    task = imdb.build(SETTINGS, None, tmp_path)
    hidden = lambda batches: np.mean([word == UNKNOWN for review in seen(batches) for word in review])
    words = sum(map(len, seen(task.training(1))))
    assert abs(hidden(task.training(1)) - 0.2) < 4 * (0.2 * 0.8 / words) ** 0.5
    assert hidden(task.validation()) == 0
