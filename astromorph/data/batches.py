"""Texts of similar length share a batch, so that little is computed on padding.

Each epoch shuffles the texts, sorts them by padded width (texts of one width stay shuffled), cuts the row
into batches from the longest to the shortest, and shuffles the batches. Widths are multiples of a number or
come from a short list, so few shapes occur, and compiled code and memory are reused.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

Widths = int | Sequence[int]  # a multiple, or the allowed widths in rising order


def padded_width(lengths: np.ndarray, widths: Widths) -> np.ndarray:
    """The smallest allowed width for each of `lengths` [n]; ValueError if one is longer than the last."""
    lengths = np.maximum(np.asarray(lengths), 1)
    if isinstance(widths, int):
        return -(-lengths // widths) * widths
    allowed = np.asarray(widths)
    place = np.searchsorted(allowed, lengths)
    if lengths.size and place.max() == len(allowed):
        raise ValueError(f"a text of {lengths.max()} tokens exceeds the widest batch ({allowed[-1]}); shorten it first")
    return allowed[place]


def bucketed_batches(
    lengths: np.ndarray, batch_size: int, seed: int, epoch: int, widths: Widths = 16, most_tokens: int | None = None
) -> Iterator[np.ndarray]:
    """Indices (int64) of texts of `lengths` [n], batch by batch, each text once, in a new order every epoch.

    A batch holds at most `batch_size` texts and, if `most_tokens` is given, at most that many tokens with its
    padding (but at least one text).
    """
    if batch_size < 1:
        raise ValueError(f"batch size {batch_size} holds no text; use at least 1")
    draw = np.random.default_rng([seed, epoch])
    padded = padded_width(lengths, widths)
    order = draw.permutation(len(padded))
    order = order[np.argsort(-padded[order], kind="stable")]
    batches, start = [], 0
    while start < len(order):
        fitting = batch_size if most_tokens is None else most_tokens // int(padded[order[start]])
        batches.append(order[start : start + max(1, min(batch_size, fitting))])
        start += len(batches[-1])
    return (batches[place] for place in draw.permutation(len(batches)))


def leave_out(texts: Sequence[np.ndarray], share: float, seed: int, epoch: int) -> list[np.ndarray]:
    """`texts` without a random `share` of their words, others every epoch; a text keeps at least one word."""
    if not 0 <= share < 1:
        raise ValueError(f"share {share} of words to leave out must be from 0 to below 1")
    if not share:
        return list(texts)
    draw = np.random.default_rng([seed, epoch, 1])
    ends = np.cumsum([len(text) for text in texts])
    stays = draw.random(ends[-1], dtype=np.float32) >= share
    starts = np.r_[0, ends[:-1]]
    kept = np.r_[0, np.cumsum(stays)]
    stays[starts[(kept[ends] == kept[starts]) & (ends > starts)]] = True
    counts = np.diff(np.r_[0, np.cumsum(stays)][ends], prepend=0)
    return np.split(np.concatenate(texts)[stays], np.cumsum(counts)[:-1])


def pad(texts: Sequence[np.ndarray], widths: Widths = 16) -> tuple[Tensor, Tensor]:
    """Tokens int64 [batch, width] of `texts`, 0 behind each end, and a mask (bool), True where a text is."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    width = int(padded_width(lengths.max(keepdims=True), widths)[0])
    mask = np.arange(width) < lengths[:, None]
    tokens = np.zeros(mask.shape, np.int64)
    tokens[mask] = np.concatenate(texts)
    return torch.from_numpy(tokens), torch.from_numpy(mask)
