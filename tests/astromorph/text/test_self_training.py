"""Labels for unlabelled texts: latent semantics against the plain decomposition, and words learnt from company."""

import numpy as np
import pytest
import scipy.sparse
import scipy.special

from astromorph.data.batches import pad
from astromorph.text import self_training
from astromorph.text.latent_semantics import latent_features, rarities
from astromorph.text.ngram_fit import fit_weights, holdings, learn_ngrams, logistic_regression
from astromorph.text.ngram_reader import NgramReader
from astromorph.text.self_training import latent_odds, log_odds, teach

GOOD, BAD, GREAT, AWFUL, REST = 2, 3, 4, 5, 20


def texts(count: int, seed: int, words: dict[int, tuple[int, ...]]) -> tuple[list[np.ndarray], np.ndarray]:
    """Texts of common words (6 to REST) with words[label] among them, and their labels."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, count)
    with_words = [np.r_[draw.integers(6, REST, 8), words[label]] for label in labels]
    return [draw.permutation(text).astype(np.int32) for text in with_words], labels.astype(float)


def test_latent_features_are_those_of_the_full_decomposition():
    some = scipy.sparse.csr_array(np.random.default_rng(0).random((60, 30)) < np.linspace(0.05, 0.9, 30), dtype=float)
    found = latent_features(some, 5, seed=3)
    left, _, _ = np.linalg.svd(rarities(some).toarray().astype(float), full_matrices=False)
    wanted = (left[:, :5] - left[:, :5].mean(0)) / left[:, :5].std(0)
    np.testing.assert_allclose(np.abs((found * wanted).mean(0)), 1, atol=1e-4)  # the same but for the sign


def test_rarities_one_by_one():
    held = np.array([[1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0.0]])
    wanted = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]])  # what all texts hold says nothing
    np.testing.assert_allclose(rarities(scipy.sparse.csr_array(held)).toarray(), wanted, atol=1e-6)
    held[2, :2] = 1
    once, twice, size = np.log(3 / 1), np.log(3 / 2), np.hypot(np.log(3 / 2), np.log(3 / 1))
    found = rarities(scipy.sparse.csr_array(np.c_[held, [1, 0, 0]])).toarray()
    np.testing.assert_allclose(found[0], [twice / size, 0, 0, 0, once / size], atol=1e-6)


@pytest.mark.parametrize("penalty", [0.5, 20.0])
def test_logistic_regression_on_dense_features_ends_where_the_gradient_is_zero(penalty):
    draw = np.random.default_rng(0)
    features, labels = draw.standard_normal((50, 3)), draw.random(50)
    weight, bias = logistic_regression(features, labels, penalty)
    missed = scipy.special.expit(features @ weight + bias) - labels
    np.testing.assert_allclose(features.T @ missed + penalty * weight, 0, atol=1e-3)
    assert abs(missed.sum()) < 1e-3


def test_labels_are_the_log_odds_of_both_and_the_reader_learns_from_them(monkeypatch):
    monkeypatch.setattr(self_training, "DIRECTIONS", 6)
    known, labels = texts(80, 1, {0: (BAD,), 1: (GOOD,)})
    more, _ = texts(120, 2, {0: (BAD, AWFUL), 1: (GOOD, GREAT)})
    reader, plain = NgramReader(REST, 30), NgramReader(REST, 30)
    given = teach(reader, known, labels, more, seed=0)
    learn_ngrams(plain, known + more)
    held = holdings(plain, known + more)
    fit_weights(plain, held[:80], labels)
    odds = log_odds(plain, held[80:]) + latent_odds(held, labels, seed=0)
    np.testing.assert_allclose(given, scipy.special.expit(odds))
    np.testing.assert_allclose(log_odds(plain, held[80:]), plain(*pad(more)), rtol=1e-5, atol=1e-5)
    fit_weights(plain, held, np.concatenate([labels, given]))
    np.testing.assert_array_equal(reader.weight, plain.weight)


def test_words_without_a_label_are_learnt_from_the_company_they_keep(monkeypatch):
    monkeypatch.setattr(self_training, "DIRECTIONS", 6)
    known, labels = texts(200, 1, {0: (BAD,), 1: (GOOD,)})
    more, _ = texts(600, 2, {0: (BAD, AWFUL), 1: (GOOD, GREAT)})
    new, truth = texts(200, 3, {0: (AWFUL,), 1: (GREAT,)})  # words that stand in no labelled text
    right = lambda reader: np.mean((log_odds(reader, holdings(reader, new)) > 0) == truth)
    reader = NgramReader(REST, 30)
    teach(reader, known, labels, [], seed=0)
    assert right(reader) < 0.7
    teach(reader, known, labels, more, seed=0)
    assert right(reader) > 0.9
