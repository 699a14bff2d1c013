"""IMDB (Maas et al. 2011): is a film review favourable? 25,000 training and 25,000 test reviews.

The vocabulary comes from the training part; the validation part shares no film with what is learned from, as the test
part does not. Longer reviews keep their beginning and their end. In training every epoch leaves out other words of each
review, which regularises the word vectors and saves their share of the time.

Word vectors can begin with what unlabelled reviews teach of them (settings: pretrain; word_vectors.py). With a reader
of n-grams (settings: ngrams) that reader is fitted to the labelled reviews first. With unlabelled reviews as well,
these are given probabilities as labels (self_training.py), and attention learns from all of them. No review of the test
or validation part is among them, not even without its label.
"""

from collections.abc import Iterator
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from astromorph.attention.token_delays import narrow
from astromorph.data.batches import bucketed_batches, leave_out, pad
from astromorph.data.corpus import EncodedReviews, load_encoded_imdb
from astromorph.data.splits import validation_of_groups
from astromorph.data.unlabelled import load_unlabelled, without
from astromorph.data.words import shorten
from astromorph.models.attention_from_settings import encoder_layers
from astromorph.models.long_text_classifier import LongTextClassifier
from astromorph.models.text_classifier import SPREAD, TextClassifier
from astromorph.settings import CalciumResponse, ImdbSettings
from astromorph.tasks.task import Batch, Task, cross_entropy
from astromorph.text.ngram_reader import NgramReader
from astromorph.text.self_training import teach
from astromorph.text.word_vectors import word_vectors

CLASS_NAMES = ("unfavourable", "favourable")
TEST_BATCH = 256
WIDTH_STEP = 16  # tokens between the widths to which batches are padded


def build(settings: ImdbSettings, response: CalciumResponse | None, root: Path) -> Task:
    """The task with the reviews under `root`."""
    reviews = load_encoded_imdb(root, settings.vocabulary)
    short = lambda texts: [shorten(text, settings.tokens, settings.first_tokens) for text in texts]
    widths = padded_widths(settings.tokens)
    train, test = short(reviews.train), short(reviews.test)
    learn, held_out = validation_of_groups(reviews.train_films, settings.validation, settings.seed)
    labelled = [train[i] for i in learn], reviews.train_labels[learn]
    learned = [reviews.train[i] for i in learn]
    parts = {
        "learn": (learned, labelled[1]),
        "validation": ([train[i] for i in held_out], reviews.train_labels[held_out]),
        "test": (test, reviews.test_labels),
    }
    model = build_model(settings, response, len(reviews.vocabulary))

    def prepare(folder: Path) -> None:
        more = unlabelled_reviews(settings, root, reviews)
        if settings.pretrain:
            texts = learned + more[: settings.pretrain]
            begin(model.words.weight, word_vectors(texts, len(reviews.vocabulary), settings.width, settings.seed))
        if settings.ngrams:
            assert isinstance(model, TextClassifier) and isinstance(model.reader, NgramReader)
            unlabelled = short(more[: settings.unlabelled])
            judged = teach(model.reader, *labelled, unlabelled, settings.seed)
            if unlabelled:
                parts["learn"] = labelled[0] + unlabelled, np.concatenate([labelled[1], judged])

    def training(epoch: int) -> Iterator[Batch]:
        texts, labels = parts["learn"]
        fewer = short(leave_out(texts, settings.word_dropout, settings.seed, epoch))
        return text_batches(fewer, labels, widths, settings.batch, settings.seed, epoch)

    return Task(
        model=model,
        training=training,
        validation=lambda: text_batches(*parts["validation"], widths, TEST_BATCH),
        test=lambda: text_batches(*parts["test"], widths, TEST_BATCH),
        steps=ceil((len(learn) + settings.unlabelled) / settings.batch),
        examples=len(learn) + settings.unlabelled,
        unit="reviews",
        class_names=CLASS_NAMES,
        words=reviews.vocabulary.to_list(),
        loss=partial(
            expected_cross_entropy if settings.unlabelled else cross_entropy, label_smoothing=settings.label_smoothing
        ),
        prepare=prepare,
        begin_epoch=lambda epoch: narrow(model, epoch, settings.epochs),
    )


def build_model(
    settings: ImdbSettings, response: CalciumResponse | None, words: int
) -> TextClassifier | LongTextClassifier:
    """The untrained model over a vocabulary of so many words; of several segments, one with a memory."""
    if settings.segments == 1:
        layers = encoder_layers(settings, response, settings.tokens)
        reader = NgramReader(words, settings.ngrams) if settings.ngrams else None
        size = words, settings.tokens, settings.width, 2
        return TextClassifier(*size, layers, settings.dropout, reader, settings.phrase, settings.pooling)
    layers = encoder_layers(settings, response, settings.memory + ceil(settings.tokens / settings.segments))
    memory = (settings.memory, settings.segments, settings.retention)
    return LongTextClassifier(words, settings.tokens, settings.width, 2, layers, settings.dropout, *memory)


def padded_widths(tokens: int) -> list[int]:
    """The few widths to which batches of reviews of at most `tokens` are padded."""
    return [*range(WIDTH_STEP, tokens, WIDTH_STEP), tokens]


def text_batches(
    texts: list[np.ndarray], labels: np.ndarray, widths: list[int], size: int, seed: int = 0, epoch: int = 0
) -> Iterator[Batch]:
    """Batches of reviews of similar length, padded to one of `widths`: inputs (words, keep), both (batch, tokens)."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    for chosen in bucketed_batches(lengths, size, seed, epoch, widths):
        yield Batch(pad([texts[i] for i in chosen], widths), torch.from_numpy(labels[chosen]))


def unlabelled_reviews(settings: ImdbSettings, root: Path, reviews: EncodedReviews) -> list[np.ndarray]:
    """As many as are asked for of the unlabelled reviews that stand in neither labelled part, drawn by the seed."""
    wanted = {name: getattr(settings, name) for name in ("unlabelled", "pretrain")}
    if not any(wanted.values()):
        return []
    texts = without(load_unlabelled(root, reviews.vocabulary), reviews.train, reviews.test)
    for name, count in wanted.items():
        if count > len(texts):
            raise ValueError(
                f"{name} {count} reviews are not to be had; there are {len(texts)} that are not among the labelled ones"
            )
    order = np.random.default_rng(settings.seed).permutation(len(texts))
    return [texts[i] for i in order[: max(wanted.values())]]


@torch.no_grad()
def begin(weight: Tensor, vectors: np.ndarray) -> None:
    """Fills the word vectors of which something is known, as large as fresh ones; the others stay as they are."""
    known = torch.from_numpy(vectors.any(1))
    weight[known] = SPREAD * torch.from_numpy(vectors)[known]


def expected_cross_entropy(logits: Tensor, labels: Tensor, label_smoothing: float) -> Tensor:
    """The mean cross-entropy of logits (batch, 2) where label 1 holds with probability `labels` (batch,)."""
    labels = labels.to(logits.device, torch.float32)
    return F.cross_entropy(logits.float(), torch.stack((1 - labels, labels), 1), label_smoothing=label_smoothing)
