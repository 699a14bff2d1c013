"""What a word means, learnt without labels from the company it keeps: vectors for the words of a vocabulary.

n_wc counts how often word c stands up to WINDOW words before or after word w, a neighbour at distance d as 1/d, before
and after apart. M_wc = max(0, log(n_wc Σ_c n_c^0.75 / (n_w n_c^0.75))), the positive pointwise mutual information with
rare company held back; M ≈ U S Vᵀ, and the vector of w is its row of U √S. It does what word2vec does, in closed form
(Levy and Goldberg 2014; Levy, Goldberg and Dagan, TACL 3:211, 2015).
"""

from collections.abc import Sequence

import numpy as np
import scipy.sparse

from astromorph.data.words import UNKNOWN, concatenated
from astromorph.text.decomposition import strongest_directions

WINDOW = 5
HELD_BACK = 0.75  # power of how frequent the company is


def word_vectors(texts: Sequence[np.ndarray], vocabulary: int, width: int, seed: int) -> np.ndarray:
    """Vectors (vocabulary, width) in float32 of mean square 1 where a word has company, 0 where it has none.

    texts: word numbers. ValueError if the texts have fewer directions than `width`.
    """
    shared = information(company(texts, vocabulary))
    left, strengths = strongest_directions(shared, width, seed)
    if len(strengths) < width:
        raise ValueError(f"width {width} is more than the {len(strengths)} words of the vocabulary; use a smaller one")
    vectors, known = left * np.sqrt(strengths), np.diff(shared.indptr) > 0
    vectors[~known] = 0
    return vectors / np.sqrt(np.square(vectors[known]).mean()) if known.any() else vectors


def company(texts: Sequence[np.ndarray], vocabulary: int) -> scipy.sparse.csr_array:
    """n (vocabulary, 2 · vocabulary) in float32: company that comes after, then company that comes before."""
    words = concatenated(texts, WINDOW)
    after = scipy.sparse.csr_array((vocabulary, vocabulary), dtype=np.float32)
    for distance in range(1, WINDOW + 1):
        pairs = words[:-distance], words[distance:]
        known = (pairs[0] > UNKNOWN) & (pairs[1] > UNKNOWN)
        where = pairs[0][known], pairs[1][known]
        counts = np.full(known.sum(), 1 / distance, np.float32)
        after = after + scipy.sparse.csr_array((counts, where), shape=after.shape)
    return scipy.sparse.hstack([after, after.T], "csr")


def information(counts: scipy.sparse.csr_array) -> scipy.sparse.csr_array:
    """M of n, shapes alike."""
    found = counts.tocoo()
    word, companion = counts.sum(1, dtype=np.float64), counts.sum(0, dtype=np.float64) ** HELD_BACK
    values = np.log(found.data * companion.sum() / (word[found.row] * companion[found.col]))
    positive = values > 0
    where = found.row[positive], found.col[positive]
    return scipy.sparse.csr_array((values[positive].astype(np.float32), where), shape=counts.shape)
