"""C++ that is built once with the compiler at hand, then kept in the user's cache.

Without a compiler or a folder to keep what it builds, or with ASTROMORPH_PLAIN set, the plain formulas do the same work
more slowly. A library is linked
without an OpenMP of its own and takes torch's, whose threads are then one team: two teams would wait for each other,
spinning. Sources may include `numbers.h`, which stands beside this file.
"""

import ctypes
import functools
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

import pooch
import torch

from astromorph.native.capability import architecture

HEADER = Path(__file__).with_name("numbers.h")
FLAGS = ["-std=c++17", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-fopenmp"]
TYPES = {torch.float32: 0, torch.bfloat16: 1}


@functools.cache
def library(source: Path) -> ctypes.CDLL | None:
    """The built library, or None where it cannot be built, with a warning once if there is a compiler.

    ValueError for a capability (capability.py) that is none.
    """
    target = architecture()
    named = _compiler()
    if not named or os.environ.get("ASTROMORPH_PLAIN"):
        return None
    try:
        compiler = shlex.split(named)
        built = built_file(source)
        if built.exists() and (loaded := _loaded(built)) is not None:
            return loaded
        built.parent.mkdir(parents=True, exist_ok=True)
        fault = _build(compiler, target, source, built)
    except (ValueError, IndexError):  # quotes without an end, or nothing but space
        fault = f"CXX={named!r} is no command; name a compiler of C++17 with OpenMP"
    except OSError as error:
        where = error.filename or named
        fault = f"{where} cannot be used; name a compiler in CXX and a folder to write to in XDG_CACHE_HOME"
    if not fault and (loaded := _loaded(built)) is not None:
        return loaded
    _warn(fault or f"what {named} builds cannot be loaded; name another compiler of C++17 with OpenMP in CXX")
    return None


def _build(compiler: list[str], target: str, source: Path, built: Path) -> str:
    """Compiles and links, whole or not at all, also when two processes build at once; returns what went wrong."""
    with tempfile.TemporaryDirectory(dir=built.parent) as folder:
        fresh, compiled = Path(folder) / built.name, str(Path(folder) / f"{source.stem}.o")
        build = [*FLAGS, f"-march={target}", "-c", str(source), "-o", compiled]
        for step in (build, ["-shared", compiled, "-o", str(fresh)]):
            if subprocess.run([*compiler, *step], capture_output=True).returncode:
                return f"{shlex.join(compiler)} cannot build {source.name}; name a compiler of C++17 with OpenMP in CXX"
        if not fresh.exists():
            return f"{shlex.join(compiler)} builds nothing; name a compiler of C++17 with OpenMP in CXX"
        fresh.replace(built)
    return ""


def _loaded(built: Path) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(str(built))
    except OSError:
        return None


@functools.cache
def _warn(fault: str) -> None:
    warnings.warn(f"{fault}; the plain formulas are used, which are slower", stacklevel=3)


def built_file(source: Path) -> Path:
    """Where what is built of a source lies, for this compiler and these instructions."""
    return _folder() / f"{source.stem}-{_fingerprint(_compiler() or '', architecture(), source)}.so"


def _compiler() -> str | None:
    return os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")


def _folder() -> Path:
    return Path(pooch.os_cache("astromorph"))


def _fingerprint(compiler: str, target: str, source: Path) -> str:
    """Source, compiler and processor: a cache that several machines share holds a library for each."""
    information = Path("/proc/cpuinfo")
    flags = (
        [line for line in information.read_text(encoding="utf-8").splitlines() if line.startswith("flags")][:1]
        if information.exists()
        else []
    )
    texts = [file.read_text(encoding="utf-8") for file in (source, HEADER, *sorted(source.parent.glob("*.h")))]
    parts = (*texts, compiler, *FLAGS, target, platform.machine(), *flags)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
