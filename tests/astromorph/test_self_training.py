"""Labels for unlabelled texts: latent semantics against the plain decomposition, and words learnt from company."""

import numpy as np
import pytest
import scipy.special

from astromorph import self_training
from astromorph.latent_semantics import latent_features, term_matrix
from astromorph.models.ngram_fit import fit_weights, learn_ngrams, logistic_regression
from astromorph.models.ngram_reader import NgramReader
from astromorph.self_training import LATENT_SHARE, latent_odds, log_odds, teach

GOOD, BAD, GREAT, AWFUL, REST = 2, 3, 4, 5, 20


def texts(count: int, seed: int, words: dict[int, tuple[int, ...]]) -> tuple[list[np.ndarray], np.ndarray]:
    """Texts of common words (6 to REST) with words[label] among them, and their labels."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, count)
    with_words = [np.r_[draw.integers(6, REST, 8), words[label]] for label in labels]
    return [draw.permutation(text).astype(np.int32) for text in with_words], labels.astype(float)


def test_latent_features_are_those_of_the_full_decomposition():
    some, _ = texts(60, 0, {0: (BAD, AWFUL), 1: (GOOD, GREAT)})
    found = latent_features(some, REST, 5, seed=3)
    left, strengths, _ = np.linalg.svd(term_matrix(some, REST).toarray().astype(float), full_matrices=False)
    wanted = (left * strengths)[:, :5]
    wanted = (wanted - wanted.mean(0)) / wanted.std(0)
    np.testing.assert_allclose(np.abs((found * wanted).mean(0)), 1, atol=1e-4)  # the same but for the sign


def test_term_matrix_word_by_word():
    some = [np.array([2, 2, 3], np.int32), np.array([3, 4], np.int32), np.array([3], np.int32)]
    found = term_matrix(some, 5).toarray()
    wanted = np.zeros((3, 5))
    wanted[0, 2] = (1 + np.log(2)) * np.log(3)
    wanted[1, 4] = np.log(3)
    wanted[:2] /= np.linalg.norm(wanted[:2], axis=1, keepdims=True)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


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
    fit_weights(plain, known, labels)
    odds = log_odds(plain, more) + LATENT_SHARE * latent_odds(REST, known, labels, more, seed=0)
    np.testing.assert_allclose(given, scipy.special.expit(odds))
    fit_weights(plain, known + more, np.concatenate([labels, given]))
    np.testing.assert_array_equal(reader.weight, plain.weight)


def test_words_without_a_label_are_learnt_from_the_company_they_keep(monkeypatch):
    monkeypatch.setattr(self_training, "DIRECTIONS", 6)
    known, labels = texts(200, 1, {0: (BAD,), 1: (GOOD,)})
    more, _ = texts(600, 2, {0: (BAD, AWFUL), 1: (GOOD, GREAT)})
    new, truth = texts(200, 3, {0: (AWFUL,), 1: (GREAT,)})  # words that stand in no labelled text
    right = lambda reader: np.mean((log_odds(reader, new) > 0) == truth)
    reader = NgramReader(REST, 30)
    teach(reader, known, labels, [], seed=0)
    assert right(reader) < 0.7
    teach(reader, known, labels, more, seed=0)
    assert right(reader) > 0.9
