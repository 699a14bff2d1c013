"""The linear reader of n-grams: what it finds, how it weighs it, and where it stands in a model."""

import numpy as np
import pytest
import torch

from astromorph.data.batches import pad
from astromorph.data.words import UNKNOWN
from astromorph.models.text_classifier import READER_SHARE, TextClassifier
from astromorph.runs.trained import VOTERS
from astromorph.text.ngram_fit import PENALTY, fit_weights, holdings, learn_ngrams
from astromorph.text.ngram_reader import NgramReader

WORDS = 7


def texts(count: int, seed: int) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [draw.integers(UNKNOWN, WORDS, draw.integers(1, 12)).astype(np.int32) for _ in range(count)]


def counted(texts, length: int) -> dict[tuple[int, ...], int]:
    """How often each sequence of `length` known words occurs, one by one."""
    counts: dict[tuple[int, ...], int] = {}
    for text in texts:
        for start in range(len(text) - length + 1):
            gram = tuple(int(word) for word in text[start : start + length])
            if UNKNOWN not in gram:
                counts[gram] = counts.get(gram, 0) + 1
    return counts


def held(text, reader: NgramReader) -> set[int]:
    """The n-grams of a text by walking through it, with plain lists of keys."""
    pairs, triples = reader.pairs.tolist(), reader.triples.tolist()
    words, found = text.tolist(), set()
    for i, word in enumerate(words):
        if word != UNKNOWN:
            found.add(word)
        pair = words[i] * WORDS + words[i + 1] if i + 1 < len(words) else -1
        if UNKNOWN in words[i : i + 2] or pair not in pairs:
            continue
        found.add(WORDS + pairs.index(pair))
        triple = pairs.index(pair) * WORDS + words[i + 2] if i + 2 < len(words) else -1
        if UNKNOWN not in words[i : i + 3] and triple in triples:
            found.add(WORDS + reader.ngrams + triples.index(triple))
    return found


def learned(count: int = 40, ngrams: int = 15) -> tuple[NgramReader, list[np.ndarray]]:
    reader, seen = NgramReader(WORDS, ngrams), texts(count, 0)
    learn_ngrams(reader, seen)
    return reader, seen


def test_the_most_frequent_pairs_and_triples_are_known():
    reader, seen = learned()
    counts = counted(seen, 2)
    known = [divmod(key, WORDS) for key in reader.pairs.tolist()]
    assert min(counts[pair] for pair in known) >= max(c for pair, c in counts.items() if pair not in known) >= 2
    counts = {gram: count for gram, count in counted(seen, 3).items() if gram[:2] in known}
    triples = [known[key // WORDS] + (key % WORDS,) for key in reader.triples.tolist()]
    assert len(triples) == 15
    assert min(counts[gram] for gram in triples) >= max(c for gram, c in counts.items() if gram not in triples)


def test_numbers_are_those_found_by_walking_through_each_text_also_behind_padding():
    reader, _ = learned()
    new = texts(60, 1)
    for text, row in zip(new, reader.numbers(*pad(new)), strict=True):
        numbers = row[row != reader.none].tolist()
        assert len(numbers) == len(set(numbers))
        assert set(numbers) == held(text, reader)


def test_log_odds_are_the_sum_of_the_weights_held():
    reader, _ = learned()
    reader.weight[:-1] = torch.randn(reader.none, generator=torch.Generator().manual_seed(0))
    reader.bias.fill_(0.3)
    new = texts(20, 2)
    wanted = [0.3 + sum(float(reader.weight[i]) for i in held(text, reader)) for text in new]
    torch.testing.assert_close(reader(*pad(new)), torch.tensor(wanted))


def test_the_fitted_weights_are_where_the_gradient_is_zero():
    reader, seen = learned()
    labels = (np.random.default_rng(3).random(len(seen)) < 0.5).astype(float)
    held_by = holdings(reader, seen)
    fit_weights(reader, held_by, labels)
    features = held_by.toarray()
    favourable, unfavourable = 1 + labels @ features, 1 + (1 - labels) @ features
    ratio = np.log(favourable / favourable.sum()) - np.log(unfavourable / unfavourable.sum())
    odds = reader(*pad(seen)).double().numpy()
    missed = 1 / (1 + np.exp(-odds)) - labels
    weight = reader.weight[:-1].double().numpy()
    # d/dw of Σ cross-entropy + PENALTY/2 w², with the n-gram's weight = ratio · w
    gradient = ratio * (features.T @ missed) + PENALTY * np.divide(weight, ratio, where=ratio != 0, out=0 * ratio)
    assert np.abs(gradient).max() < 2e-3 < np.abs(ratio * (features.T @ (0.5 - labels))).max()
    assert abs(missed.sum()) < 2e-3


def test_too_few_texts_leave_room_unused():
    reader = NgramReader(WORDS, 50)
    learn_ngrams(reader, [np.array([2, 3, 2, 3, 2], np.int32)])
    assert (reader.pairs < 2**62).sum() == 2 and (reader.triples < 2**62).sum() == 1
    reader = NgramReader(WORDS, 5)
    learn_ngrams(reader, [np.array([2], np.int32)])
    assert reader.numbers(*pad([np.array([2, 3], np.int32)]))[0].tolist().count(reader.none) == 16 + 15 + 14 - 2


@pytest.mark.parametrize("training", [True, False])
def test_the_reader_votes_after_training_only(training):
    reader, _ = learned()
    reader.weight.normal_(generator=torch.Generator().manual_seed(0))
    reader.weight[-1] = 0
    model = TextClassifier(WORDS, 32, 8, 2, [], 0.0, reader).train(training)
    words, keep = pad(texts(9, 4))
    odds = lambda: torch.diff(model(words, keep)).squeeze(1)
    both = odds()
    model.reader_share = VOTERS["reader"]
    torch.testing.assert_close(odds(), both if training else reader(words, keep))
    model.reader_share = VOTERS["attention"]
    attention = odds()
    model.reader = None
    torch.testing.assert_close(attention, odds())
    voted = READER_SHARE * reader(words, keep) + (1 - READER_SHARE) * odds()
    torch.testing.assert_close(both, odds() if training else voted)
    assert not any(parameter is reader.weight for parameter in model.parameters())
