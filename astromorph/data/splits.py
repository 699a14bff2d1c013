"""A validation part held out of the training part: with the same share of every class, or of whole groups."""

import numpy as np


def validation_split(labels: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted indices (training, validation) of `labels` [n], `count` of them in validation, drawn by `seed`.

    Each class gives its share of `count`, rounded by the largest remainder. ValueError unless 0 < count < n.
    """
    labels = np.asarray(labels)
    if not 0 < count < len(labels):
        raise ValueError(f"cannot hold {count} of {len(labels)} examples out; use a number from 1 to {len(labels) - 1}")
    classes, sizes = np.unique(labels, return_counts=True)
    shares = sizes * count / len(labels)
    taken = np.floor(shares).astype(int)
    largest_remainders = np.argsort(taken - shares, kind="stable")[: count - taken.sum()]
    taken[largest_remainders] += 1
    draw = np.random.default_rng(seed)
    held_out = [
        draw.permutation(np.flatnonzero(labels == name))[:number] for name, number in zip(classes, taken, strict=True)
    ]
    validation = np.sort(np.concatenate(held_out))
    return np.setdiff1d(np.arange(len(labels)), validation, assume_unique=True), validation


def validation_of_groups(groups: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted indices (training, validation) of `groups` [n]: whole groups, drawn by `seed` until `count` are held out.

    The last group may carry the validation part beyond `count`. ValueError unless some examples are left to learn from.
    """
    names, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    held_out = np.isin(members, order[: np.searchsorted(np.cumsum(sizes[order]), count) + 1])
    if count < 1 or held_out.all():
        raise ValueError(f"cannot hold {count} of {len(groups)} examples in {len(names)} groups out; use fewer, or 1")
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
