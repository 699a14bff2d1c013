"""The strongest directions of a sparse matrix: a randomised singular value decomposition.

X ≈ U S Vᵀ by Halko, Martinsson and Tropp 2011, Algorithms 4.4 and 5.1.
"""

import numpy as np
import scipy.sparse

MORE = 16  # directions beyond those asked for, and
ROUNDS = 2  # of power iteration, which make the decomposition accurate


def strongest_directions(matrix: scipy.sparse.csr_array, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """U (rows, count) and the diagonal of S (count,), falling, of a float32 `matrix`; fewer if it has fewer."""
    transposed = matrix.T.tocsr()
    columns = min(count + MORE, *matrix.shape)
    basis = matrix @ np.random.default_rng(seed).standard_normal((matrix.shape[1], columns)).astype(np.float32)
    for _ in range(ROUNDS):
        basis = matrix @ orthonormal(transposed @ orthonormal(basis))
    left, strengths, _ = np.linalg.svd((transposed @ orthonormal(basis)).T, full_matrices=False)
    return (orthonormal(basis) @ left)[:, :count], strengths[:count]


def orthonormal(matrix: np.ndarray) -> np.ndarray:
    return np.linalg.qr(matrix)[0]
