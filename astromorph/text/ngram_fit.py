"""Fitting a reader of n-grams: which ones it knows, and their weights.

Weights are those of a logistic regression with features scaled by naive-Bayes log-count ratios (Wang and Manning 2012,
their "NBSVM" with logistic loss): r = log of the ratio of an n-gram's share among favourable and unfavourable texts
(one text added to each count), log odds Σ r_i w_i + b, and w by least cross-entropy plus penalty/2 · |w|². Labels may
be probabilities. Convex, so there is nothing to tune but the penalty, and the same texts give the same weights.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.optimize
import scipy.sparse
import scipy.special
import torch
from tqdm import tqdm

from astromorph.data.batches import bucketed_batches, pad
from astromorph.data.words import UNKNOWN, concatenated
from astromorph.text.ngram_reader import NgramReader, find

PENALTY = 8.0
STEPS = 40  # of L-BFGS; more change the answers of no text to speak of
AT_ONCE = 256  # texts


def learn_ngrams(reader: NgramReader, texts: Sequence[np.ndarray]) -> None:
    """Lets `reader` know the most frequent pairs of `texts`, and the most frequent triples that begin with them."""
    words = torch.from_numpy(concatenated(texts, 2))
    known = words > UNKNOWN
    pairs = words[:-1] * reader.vocabulary + words[1:]
    most_frequent(pairs[known[:-1] & known[1:]], reader.pairs)
    pair = find(reader.pairs, pairs, known[:-1] & known[1:])[:-1]
    triples = pair * reader.vocabulary + words[2:]
    most_frequent(triples[(pair >= 0) & known[2:]], reader.triples)


def most_frequent(found: torch.Tensor, keys: torch.Tensor) -> None:
    """Fills `keys` with those of `found` that occur most often, at least twice, sorted; of equals the lower ones."""
    distinct, counts = np.unique(found.numpy(), return_counts=True)
    distinct, counts = distinct[counts > 1], counts[counts > 1]
    kept = np.sort(distinct[np.argsort(-counts, kind="stable")[: len(keys)]])
    keys[: len(kept)] = torch.from_numpy(kept)


def fit_weights(reader: NgramReader, held: scipy.sparse.csr_array, labels: np.ndarray) -> None:
    """Fits the weights to `labels` (texts,), 1 where a text is favourable, of texts that hold n-grams (`holdings`)."""
    ratio = log_count_ratio(held, labels)
    solution = logistic_regression(held @ scipy.sparse.diags_array(ratio), labels, PENALTY)
    reader.weight[:-1] = torch.from_numpy(ratio * solution.weight)
    reader.bias.fill_(solution.bias)


def holdings(reader: NgramReader, texts: Sequence[np.ndarray]) -> scipy.sparse.csr_array:
    """Which n-grams each text holds: ones in a matrix (texts, n-grams)."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    rows, columns = [], []
    batches = list(bucketed_batches(lengths, AT_ONCE, 0, 0))
    for chosen in tqdm(batches, desc="finding phrases", unit="batch", leave=False, disable=None):
        numbers = reader.numbers(*pad([texts[i] for i in chosen])).numpy()
        text, place = np.nonzero(numbers != reader.none)
        rows.append(chosen[text])
        columns.append(numbers[text, place])
    where = np.concatenate(rows), np.concatenate(columns)
    return scipy.sparse.csr_array((np.ones(len(where[0]), np.float32), where), shape=(len(texts), reader.none))


def log_count_ratio(held: scipy.sparse.csr_array, labels: np.ndarray) -> np.ndarray:
    """r (n-grams,) in float32 of `held` (texts, n-grams)."""
    favourable, unfavourable = held.T @ labels + 1, held.T @ (1 - labels) + 1
    ratio = np.log(favourable / favourable.sum()) - np.log(unfavourable / unfavourable.sum())
    return ratio.astype(np.float32)


class Solution(NamedTuple):
    weight: np.ndarray
    bias: float


def logistic_regression(features: np.ndarray | scipy.sparse.csr_array, labels: np.ndarray, penalty: float) -> Solution:
    """The minimum of Σ cross-entropy + penalty/2 · |weight|² over features (texts, n) and labels (texts,)."""
    exact = features.dtype

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weight = parameters[:-1]
        odds = (features @ weight.astype(exact)).astype(np.float64) + parameters[-1]
        missed = scipy.special.expit(odds) - labels
        value = (np.logaddexp(0, odds) - labels * odds).sum() + penalty / 2 * weight @ weight
        return value, np.append(features.T @ missed.astype(exact) + penalty * weight, missed.sum())

    start, options = np.zeros(features.shape[1] + 1), {"maxiter": STEPS, "maxcor": 6}
    with tqdm(total=STEPS, desc="fitting", unit="step", leave=False, disable=None) as shown:
        step = lambda _: shown.update()
        found = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", callback=step, options=options)
    return Solution(found.x[:-1], float(found.x[-1]))
