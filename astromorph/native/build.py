"""C++ that is built once with the compiler at hand, then kept in the user's cache.

Without a compiler, or with ASTROMORPH_PLAIN set, the plain formulas do the same work more slowly. A library is linked
without an OpenMP of its own and takes torch's, whose threads are then one team: two teams would wait for each other,
spinning. Sources may include `numbers.h`, which stands beside this file.
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

HEADER = Path(__file__).with_name("numbers.h")
FLAGS = ["-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-fopenmp"]
TYPES = {torch.float32: 0, torch.bfloat16: 1}


@functools.cache
def library(source: Path) -> ctypes.CDLL | None:
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
        [line for line in information.read_text(encoding="utf-8").splitlines() if line.startswith("flags")][:1]
        if information.exists()
        else []
    )
    parts = (
        source.read_text(encoding="utf-8"),
        HEADER.read_text(encoding="utf-8"),
        compiler,
        *FLAGS,
        platform.machine(),
        *flags,
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
