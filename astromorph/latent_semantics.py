"""What a text is about, learnt without labels: latent semantic analysis (Deerwester et al. 1990).

X_dw = (1 + log n_dw) · log(D / D_w), each row scaled to length 1, with n_dw how often word w stands in text d and D_w
in how many of the D texts it stands; X ≈ U S Vᵀ. The features of a text are its row of U S, words that share texts
being near each other.
"""

from collections.abc import Sequence

import numpy as np
import scipy.sparse

from astromorph.decomposition import strongest_directions


def latent_features(texts: Sequence[np.ndarray], vocabulary: int, directions: int, seed: int) -> np.ndarray:
    """Features (texts, directions) in float32 of `texts` of word numbers, each with mean 0 and deviation 1."""
    left, strengths = strongest_directions(term_matrix(texts, vocabulary), directions, seed)
    features = left * strengths
    return (features - features.mean(0)) / np.maximum(features.std(0), 1e-6)


def term_matrix(texts: Sequence[np.ndarray], vocabulary: int) -> scipy.sparse.csr_array:
    """X (texts, vocabulary) in float32."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    where = np.repeat(np.arange(len(texts)), lengths), np.concatenate(texts)
    counts = scipy.sparse.csr_array((np.ones(lengths.sum(), np.float32), where), shape=(len(texts), vocabulary))
    counts.sum_duplicates()
    rarity = np.log(len(texts) / np.maximum(np.bincount(counts.indices, minlength=vocabulary), 1))
    counts.data = (1 + np.log(counts.data)) * rarity[counts.indices].astype(np.float32)
    sizes = np.sqrt(counts.power(2).sum(1))
    return scipy.sparse.diags_array(np.float32(1) / np.maximum(sizes, np.float32(1e-6))) @ counts
