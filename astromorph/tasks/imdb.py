"""IMDB (Maas et al. 2011): is a film review favourable? 25,000 training and 25,000 test reviews.

The vocabulary comes from the training part. Longer reviews keep their beginning and their end. During training some
words are replaced by the unknown word, which regularises the word vectors for the price of one comparison a word.
"""

from collections.abc import Iterator
from math import ceil
from pathlib import Path

import numpy as np
import torch

from astromorph.data.batches import bucketed_batches, pad
from astromorph.data.corpus import load_encoded_imdb
from astromorph.data.splits import validation_split
from astromorph.data.words import UNKNOWN, shorten
from astromorph.settings import CalciumResponse, ImdbSettings
from astromorph.tasks.models import CLASS_NAMES, text_model
from astromorph.tasks.task import Batch, Task

TEST_BATCH = 256
WIDTH_STEP = 16  # tokens between the widths to which batches are padded


def build(settings: ImdbSettings, response: CalciumResponse | None, root: Path) -> Task:
    """The task with the reviews under `root`."""
    reviews = load_encoded_imdb(root, settings.vocabulary)
    short = lambda texts: [shorten(text, settings.tokens, settings.first_tokens) for text in texts]
    widths = padded_widths(settings.tokens)
    train, test = short(reviews.train), short(reviews.test)
    learn, held_out = validation_split(reviews.train_labels, settings.validation, settings.seed)
    parts = {
        "learn": ([train[i] for i in learn], reviews.train_labels[learn]),
        "validation": ([train[i] for i in held_out], reviews.train_labels[held_out]),
        "test": (test, reviews.test_labels),
    }

    def training(epoch: int) -> Iterator[Batch]:
        draw = torch.Generator().manual_seed(settings.seed * 100_003 + epoch)
        for (words, keep), labels in text_batches(*parts["learn"], widths, settings.batch, settings.seed, epoch):
            hidden = torch.rand(words.shape, generator=draw) < settings.word_dropout
            yield Batch((words.masked_fill(hidden, UNKNOWN), keep), labels)

    return Task(
        model=text_model(settings, response, len(reviews.vocabulary)),
        training=training,
        validation=lambda: text_batches(*parts["validation"], widths, TEST_BATCH),
        test=lambda: text_batches(*parts["test"], widths, TEST_BATCH),
        steps=ceil(len(learn) / settings.batch),
        examples=len(learn),
        unit="reviews",
        class_names=CLASS_NAMES["imdb"],
        words=reviews.vocabulary.to_list(),
    )


def padded_widths(tokens: int) -> list[int]:
    """The few widths to which batches of reviews of at most `tokens` are padded."""
    return [*range(WIDTH_STEP, tokens, WIDTH_STEP), tokens]


def text_batches(
    texts: list[np.ndarray], labels: np.ndarray, widths: list[int], size: int, seed: int = 0, epoch: int = 0
) -> Iterator[Batch]:
    """Batches of reviews of similar length, padded to one of `widths`: inputs (words, keep), both (batch, tokens)."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    for chosen in bucketed_batches(lengths, size, seed, epoch, widths):
        yield Batch(pad([texts[i] for i in chosen], widths), torch.from_numpy(labels[chosen].astype(np.int64)))
