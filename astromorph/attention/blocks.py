"""Blocks of a batch of chunks of tokens, small enough that a block's work stays in a processor's cache."""

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

from torch import Tensor

AT_ONCE = 2**19  # numbers in a block of one tensor: 2 MiB in float32


class Block(NamedTuple):
    """Some inputs of the batch and some of their chunks."""

    inputs: slice
    chunks: slice

    def of(self, x: Tensor) -> Tensor:
        """The block's part of x: (batch, heads, chunks, …)."""
        return x[self.inputs, :, self.chunks]


def blocks(x: Tensor) -> Iterator[Block]:
    """Blocks of x: (batch, heads, chunks, …); the whole where there is more memory than time, off the processor."""
    batch, heads, chunks = x.shape[:3]
    if x.device.type != "cpu":
        yield Block(slice(0, batch), slice(0, chunks))
        return
    chunk = max(1, heads * prod(x.shape[3:]))
    inputs, some = max(1, AT_ONCE // max(1, chunk * chunks)), max(1, AT_ONCE // chunk)
    for b in range(0, batch, inputs):
        for c in range(0, chunks, some):
            yield Block(slice(b, min(b + inputs, batch)), slice(c, min(c + some, chunks)))
