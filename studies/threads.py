"""How many processor threads torch uses while something is timed."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def processor_threads(count: int) -> Iterator[None]:
    """`count` threads inside the block, as many as before after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
