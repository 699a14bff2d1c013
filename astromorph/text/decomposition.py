"""The strongest directions of a sparse matrix: a randomised singular value decomposition.

X ≈ U S Vᵀ by subspace iteration (Halko, Martinsson and Tropp 2011, Algorithm 4.4, with one orthonormalisation a round):
from random columns on, Q ← orthonormal(X Xᵀ Q); then (Xᵀ Q)ᵀ(Xᵀ Q) = E S² Eᵀ and U = Q E.
"""

import warnings

import numpy as np
import scipy.sparse
import torch
from torch import Tensor
from tqdm import tqdm

MORE = 16  # directions beyond those asked for, and
ROUNDS = 6  # of iteration, which separate the weak directions


def strongest_directions(matrix: scipy.sparse.csr_array, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """U (rows, count) and the diagonal of S (count,), falling, of a float32 `matrix`; fewer if it has fewer."""
    forth, back = with_threads(matrix), with_threads(matrix.T.tocsr())
    columns = min(count + MORE, *matrix.shape)
    start = np.random.default_rng(seed).standard_normal((matrix.shape[1], columns)).astype(np.float32)
    basis = orthonormal(forth @ torch.from_numpy(start))
    for _ in tqdm(range(ROUNDS), desc="decomposing", unit="round", leave=False, disable=None):
        basis = orthonormal(forth @ (back @ basis))
    shadow = back @ basis
    squares, mixing = torch.linalg.eigh((shadow.mT @ shadow).double())
    squares, mixing = squares.flip(0)[:count], mixing.flip(1)[:, :count]
    return (basis @ mixing.float()).numpy(), squares.clamp_min(0).sqrt().float().numpy()


def with_threads(matrix: scipy.sparse.csr_array) -> Tensor:
    """The same matrix for torch, whose products use all threads."""
    rows, columns, values = (torch.from_numpy(each) for each in (matrix.indptr, matrix.indices, matrix.data))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(rows.long(), columns.long(), values, size=matrix.shape, check_invariants=False)


def orthonormal(matrix: Tensor) -> Tensor:
    return torch.linalg.qr(matrix)[0]
