"""The compiled scans over tokens, `scan.cpp` and `fading.cpp`, as functions on tensors; see astromorph/native/build.py
for how they are built."""

import ctypes
from pathlib import Path

import torch
from torch import Tensor

from astromorph.native.build import TYPES, library

SOURCE, FADING = (Path(__file__).with_name(name) for name in ("scan.cpp", "fading.cpp"))


@torch.compiler.assume_constant_result
def available(source: Path = SOURCE) -> bool:
    return library(source) is not None


def scan(
    work: int,
    tensors: list[Tensor | None],
    rho: Tensor | None = None,
    decay: Tensor | None = None,
    strength: Tensor | None = None,
    fading: Tensor | None = None,
    both: bool = False,
) -> None:
    """Runs `scan.cpp`; tensors in its order, (batch, heads, tokens, features) with adjacent features.

    With `fading`, (heads,), `fading.cpp`, from both sides or from the left alone.
    """
    query, key, value = tensors[:3]
    first = query if query is not None else key
    assert first is not None
    other = key if key is not None else first
    width = value if value is not None else tensors[4]  # the output is as wide as the values
    assert width is not None
    sizes = (
        work, TYPES[first.dtype], torch.get_num_threads(), *first.shape[:2], first.shape[2], other.shape[2],
        first.shape[3], width.shape[3], both,
    )  # fmt: skip
    places: list[int] = []
    for x in tensors:
        places += [0, 0, 0, 0] if x is None else [x.data_ptr(), x.stride(0), x.stride(1), x.stride(2)]
    coefficients = [0.0] * 5 if rho is None else rho.tolist()
    arguments = (
        (ctypes.c_int64 * len(sizes))(*sizes), (ctypes.c_int64 * len(places))(*places),
        (ctypes.c_float * 5)(*coefficients), _floats(decay), _floats(strength),
    )  # fmt: skip
    loaded = library(SOURCE if fading is None else FADING)
    assert loaded is not None
    if fading is None:
        loaded.astromorph_scan(*arguments)
    else:
        loaded.astromorph_fading(*arguments, _floats(fading))


def _floats(x: Tensor | None) -> ctypes.Array[ctypes.c_float] | None:
    return None if x is None else (ctypes.c_float * len(x))(*x.tolist())
