"""Compiled passes over tokens: C++ built once with the compiler at hand, then kept in the user's cache.

`scan.cpp` is attention, `astromorph/models/fused.cpp` what stands between matrix products. Without a compiler, or with
ASTROMORPH_PLAIN set, the plain formulas do the same work more slowly. It is linked without an OpenMP of its own and
takes torch's, whose threads are then one team: two teams would wait for each other, spinning.
"""

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

import pooch
import torch
from torch import Tensor

SOURCE = Path(__file__).with_name("scan.cpp")
FLAGS = ["-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-fopenmp"]
TYPES = {torch.float32: 0, torch.bfloat16: 1}


@functools.cache
def library(source: Path = SOURCE) -> ctypes.CDLL | None:
    """The built library, or None where it cannot be built."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None or os.environ.get("ASTROMORPH_PLAIN"):
        return None
    built = _folder() / f"{source.stem}-{_fingerprint(compiler, source)}.so"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=built.parent) as folder:
            fresh, compiled = Path(folder) / built.name, str(Path(folder) / f"{source.stem}.o")
            steps = (
                [compiler, *FLAGS, "-c", str(source), "-o", compiled],
                [compiler, "-shared", compiled, "-o", str(fresh)],
            )
            for step in steps:
                done = subprocess.run(step, capture_output=True, text=True)
                if done.returncode:
                    warnings.warn(
                        f"{compiler} cannot build {source.name}; training will be slower: {done.stderr[:500]}",
                        stacklevel=2,
                    )
                    return None
            fresh.replace(built)  # whole or not at all, also when two processes build at once
    try:
        return ctypes.CDLL(str(built))
    except OSError as problem:
        warnings.warn(
            f"{built.name} finds no OpenMP in this build of torch; training will be slower: {problem}", stacklevel=2
        )
        return None


def _folder() -> Path:
    return Path(pooch.os_cache("astromorph"))


def _fingerprint(compiler: str, source: Path) -> str:
    """Source, compiler and processor: a cache that several machines share holds a library for each."""
    information = Path("/proc/cpuinfo")
    flags = (
        [line for line in information.read_text().splitlines() if line.startswith("flags")][:1]
        if information.exists()
        else []
    )
    parts = (source.read_text(), compiler, *FLAGS, platform.machine(), *flags)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@torch.compiler.assume_constant_result
def available() -> bool:
    return library() is not None


def scan(
    work: int,
    tensors: list[Tensor | None],
    rho: Tensor | None = None,
    decay: Tensor | None = None,
    strength: Tensor | None = None,
) -> None:
    """Runs `scan.cpp`; tensors in its order, (batch, heads, tokens, features) with adjacent features."""
    query, key, value = tensors[:3]
    first = query if query is not None else key
    assert first is not None
    other = key if key is not None else first
    width = value if value is not None else tensors[4]  # the output is as wide as the values
    assert width is not None
    sizes = (
        work, TYPES[first.dtype], torch.get_num_threads(), *first.shape[:2], first.shape[2], other.shape[2],
        first.shape[3], width.shape[3],
    )  # fmt: skip
    places: list[int] = []
    for x in tensors:
        places += [0, 0, 0, 0] if x is None else [x.data_ptr(), x.stride(0), x.stride(1), x.stride(2)]
    coefficients = [0.0] * 5 if rho is None else rho.tolist()
    loaded = library()
    assert loaded is not None
    loaded.astromorph_scan(
        (ctypes.c_int64 * len(sizes))(*sizes), (ctypes.c_int64 * len(places))(*places),
        (ctypes.c_float * 5)(*coefficients), _floats(decay), _floats(strength),
    )  # fmt: skip


def _floats(x: Tensor | None) -> ctypes.Array[ctypes.c_float] | None:
    return None if x is None else (ctypes.c_float * len(x))(*x.tolist())
