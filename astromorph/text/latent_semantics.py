"""What a text is about, learnt without labels: latent semantic analysis (Deerwester et al. 1990), here of n-grams.

X_dg = log(D / D_g) where text d holds the n-gram g, which D_g of the D texts hold, each row scaled to length 1;
X ≈ U S Vᵀ. The features of a text are its row of U, n-grams that share texts being near each other.
"""

import numpy as np
import scipy.sparse

from astromorph.text.decomposition import strongest_directions


def latent_features(held: scipy.sparse.csr_array, directions: int, seed: int) -> np.ndarray:
    """Features (texts, directions) in float32, each with mean 0 and deviation 1, of texts that hold n-grams.

    held: ones in a matrix (texts, n-grams).
    """
    features, _ = strongest_directions(rarities(held), directions, seed)
    return (features - features.mean(0)) / np.maximum(features.std(0), 1e-6)


def rarities(held: scipy.sparse.csr_array) -> scipy.sparse.csr_array:
    """X (texts, n-grams) in float32."""
    texts, ngrams = held.shape
    rarity = np.log(texts / np.maximum(np.bincount(held.indices, minlength=ngrams), 1)).astype(np.float32)
    found = scipy.sparse.csr_array((rarity[held.indices], held.indices, held.indptr), shape=held.shape)
    sizes = np.sqrt(found.power(2).sum(1))
    return scipy.sparse.diags_array(np.float32(1) / np.maximum(sizes, np.float32(1e-6))) @ found
