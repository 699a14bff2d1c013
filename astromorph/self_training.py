"""Labels for texts that have none, from two models that see different things in the labelled ones.

A reader of n-grams knows phrases, but only those that labelled texts hold; latent semantics knows which words keep
company in all texts, but no phrase. The log odds of both, the second by half, are a label for each unlabelled text,
and from these labels the reader learns again (co-training, Blum and Mitchell 1998; here with soft labels, at once).
"""

from collections.abc import Sequence

import numpy as np
import scipy.special
import torch

from astromorph.data.batches import pad
from astromorph.latent_semantics import latent_features
from astromorph.models.ngram_fit import fit_weights, learn_ngrams, logistic_regression
from astromorph.models.ngram_reader import NgramReader

DIRECTIONS = 300
LATENT_PENALTY = 30.0
LATENT_SHARE = 0.5
AT_ONCE = 256  # texts


def teach(
    reader: NgramReader, texts: list[np.ndarray], labels: np.ndarray, unlabelled: list[np.ndarray], seed: int
) -> np.ndarray:
    """Fits `reader` to all texts and returns the probability (unlabelled,) that each unlabelled one is favourable.

    labels: (texts,), 1 where favourable.
    """
    learn_ngrams(reader, texts + unlabelled)
    fit_weights(reader, texts, labels)
    if not unlabelled:
        return np.zeros(0)
    odds = log_odds(reader, unlabelled) + LATENT_SHARE * latent_odds(reader.vocabulary, texts, labels, unlabelled, seed)
    probabilities = scipy.special.expit(odds)
    fit_weights(reader, texts + unlabelled, np.concatenate([labels, probabilities]))
    return probabilities


def latent_odds(
    vocabulary: int, texts: list[np.ndarray], labels: np.ndarray, unlabelled: list[np.ndarray], seed: int
) -> np.ndarray:
    """Log odds (unlabelled,) from a logistic regression on latent semantic features."""
    features = latent_features(texts + unlabelled, vocabulary, DIRECTIONS, seed)
    weight, bias = logistic_regression(features[: len(texts)], labels, LATENT_PENALTY)
    return features[len(texts) :] @ weight + bias


@torch.no_grad()
def log_odds(reader: NgramReader, texts: Sequence[np.ndarray]) -> np.ndarray:
    """Log odds (texts,) by the reader alone."""
    odds = [reader(*pad(texts[i : i + AT_ONCE])) for i in range(0, len(texts), AT_ONCE)]
    return torch.cat(odds).double().numpy()
