"""Whether the compiled scans are faster than the plain formulas on this processor: measured once, kept beside them.

ASTROMORPH_COMPILED=1 takes them without a measurement, ASTROMORPH_PLAIN=1 never.
"""

import functools
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from astromorph.attention import chunked, compiled, scans
from astromorph.attention.responses import LinearResponse, Reciprocal
from astromorph.feature_map import PositiveActivity
from astromorph.files.whole_files import whole
from astromorph.native.build import built_file

SHAPE = 2, 4, 256, 32  # batch, heads, tokens, features
TURNS = 3
MARGIN = 0.8  # of the compiled pass's time: plain must be clearly faster, for a busy machine measures badly


class Times(NamedTuple):
    """Seconds of a forward and a backward pass, the fastest of a few that took turns."""

    compiled: float
    plain: float

    @property
    def plain_is_faster(self) -> bool:
        return self.plain < MARGIN * self.compiled


@torch.compiler.assume_constant_result
def worthwhile(source: Path = compiled.SOURCE) -> bool:
    """Whether there is a compiled pass and it is to be taken."""
    if not compiled.available(source):
        return False
    return os.environ.get("ASTROMORPH_COMPILED") == "1" or not times(source).plain_is_faster


@functools.cache
def times(source: Path = compiled.SOURCE) -> Times:
    """As measured when this processor first used the pass; measured now if it has not."""
    file = built_file(source).with_suffix(".json")
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        return Times(float(known["compiled"]), float(known["plain"]))
    except (OSError, ValueError, KeyError, TypeError):
        measured = measure(source)
    with suppress(OSError), whole(file) as part:  # or the next process measures again
        part.write_text(json.dumps(measured._asdict()), encoding="utf-8")
    return measured


def measure(source: Path) -> Times:
    """On causal attention, or, of content that fades, on attention among all tokens."""
    with torch.inference_mode(False), torch.enable_grad(), torch.device("cpu"):
        turns = [[_seconds(*way) for way in _ways(source)] for _ in range(1 + TURNS)]
    return Times(*(min(column) for column in zip(*turns[1:], strict=True)))


def _ways(source: Path) -> Iterator[tuple[Callable[..., Tensor], list[Tensor]]]:
    generator, single = torch.Generator().manual_seed(0), torch.float32
    inputs = [torch.randn(SHAPE, generator=generator, dtype=single).requires_grad_() for _ in range(3)]
    still, linear = torch.zeros(SHAPE[1], dtype=single), torch.zeros(5, dtype=single)
    fades, parts = still + 1 / 64, (PositiveActivity(), LinearResponse(), Reciprocal())
    if source == compiled.FADING:
        yield lambda q, k, v: scans.fading(q, k, v, None, linear, None, None, fades, True)[0], inputs
        yield lambda q, k, v: chunked.attend(parts, q, k, v, None, fades, None, False), inputs
    else:
        yield lambda q, k, v: scans.causal(q, k, v, None, linear, None, None)[0], inputs
        yield lambda q, k, v: chunked.attend(parts, q, k, v, None, still, None, True), inputs


def _seconds(way: Callable[..., Tensor], inputs: list[Tensor]) -> float:
    start = time.perf_counter()
    output = way(*inputs)
    torch.autograd.grad(output, inputs, torch.ones_like(output))
    return time.perf_counter() - start
