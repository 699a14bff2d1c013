"""Labels for texts that have none, from two models that see different things in the labelled ones.

A reader of n-grams knows phrases, but only those that labelled texts hold; latent semantics knows which phrases keep
company in all texts, but none by itself. The log odds of both together are a label for each unlabelled text, and from
these labels the reader learns again (co-training, Blum and Mitchell 1998; here with soft labels, at once).
"""

import numpy as np
import scipy.sparse
import scipy.special

from astromorph.text.latent_semantics import latent_features
from astromorph.text.ngram_fit import fit_weights, holdings, learn_ngrams, logistic_regression
from astromorph.text.ngram_reader import NgramReader

DIRECTIONS = 200
LATENT_PENALTY = 30.0


def teach(
    reader: NgramReader, texts: list[np.ndarray], labels: np.ndarray, unlabelled: list[np.ndarray], seed: int
) -> np.ndarray:
    """Fits `reader` to all texts and returns the probability (unlabelled,) that each unlabelled one is favourable.

    labels: (texts,), 1 where favourable.
    """
    learn_ngrams(reader, texts + unlabelled)
    held = holdings(reader, texts + unlabelled)
    fit_weights(reader, held[: len(texts)], labels)
    if not unlabelled:
        return np.zeros(0)
    odds = log_odds(reader, held[len(texts) :]) + latent_odds(held, labels, seed)
    probabilities = scipy.special.expit(odds)
    fit_weights(reader, held, np.concatenate([labels, probabilities]))
    return probabilities


def latent_odds(held: scipy.sparse.csr_array, labels: np.ndarray, seed: int) -> np.ndarray:
    """Log odds of the texts behind the labelled ones, from a logistic regression on latent semantic features."""
    features = latent_features(held, DIRECTIONS, seed)
    weight, bias = logistic_regression(features[: len(labels)], labels, LATENT_PENALTY)
    return features[len(labels) :] @ weight + bias


def log_odds(reader: NgramReader, held: scipy.sparse.csr_array) -> np.ndarray:
    """Log odds (texts,) by the reader alone of texts that hold n-grams (texts, n-grams)."""
    return held @ reader.weight[:-1].double().numpy() + reader.bias.item()
