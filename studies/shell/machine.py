"""What this machine and installation offer, as lines of text: versions, processor, compiler, targets, data sets."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from studies.numerals import counted

PACKAGES = (
    "brian2", "cython", "numpy", "scipy", "torch", "xarray", "h5netcdf", "pandas", "pyarrow",
    "matplotlib", "safetensors", "joblib", "jsonargparse",
)  # fmt: skip
OPTIONAL = ("dask", "nest-simulator")
INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")  # as /proc/cpuinfo spells them
PROGRAM = '#include <cstdio>\n#include <cmath>\nint main() { std::printf("%.0f", std::sqrt(1764.0)); }\n'
NO_COMPILER = "none; install g++, or go on without: simulations and attention are slower then"


def versions() -> dict[str, str]:
    """Installed versions by package; optional packages only where they are there."""
    found = {name: version_of(name) for name in PACKAGES}
    return found | {name: known for name in OPTIONAL if (known := version_of(name)) != "not installed"}


def version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def memory() -> str:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{pages / 2**30:.1f} GiB of memory"


def instructions() -> str:
    """Which of the instructions that matter here the processor knows."""
    from astromorph.native.capability import flags

    known = flags()
    if not known:
        return "unknown on this system"
    return ", ".join(f"{name} {'yes' if name in known else 'no'}" for name in INSTRUCTIONS)


def compiler() -> str:
    """The C++ compiler and whether a small program that it makes runs."""
    path = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if path is None:
        return NO_COMPILER
    try:
        first = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20).stdout.splitlines()[:1]
        with tempfile.TemporaryDirectory() as folder:
            source, program = Path(folder) / "a.cpp", Path(folder) / "a"
            source.write_text(PROGRAM, encoding="utf-8")
            made = subprocess.run([path, "-O2", str(source), "-o", str(program)], capture_output=True, timeout=60)
            works = made.returncode == 0 and subprocess.run([program], capture_output=True, timeout=20).stdout == b"42"
    except (OSError, subprocess.SubprocessError) as error:
        return f"{path} does not run ({type(error).__name__}); install g++ anew"
    return f"{path} ({' '.join(first)}), " + ("works" if works else "cannot build a small program; install g++ anew")


def code_targets(compiler: str) -> str:
    """Brian2's code targets: Cython is tried out, standalone programs need compiler and make."""
    from brian2.codegen.runtime.cython_rt.cython_rt import CythonCodeObject

    cython = bool(CythonCodeObject.is_available())
    standalone = compiler.endswith("works") and shutil.which("make") is not None
    known = {"numpy": True, "cython": cython, "cpp_standalone": standalone}
    return ", ".join(f"{name} {'works' if works else 'does not work'}" for name, works in known.items())


def threads() -> str:
    import torch

    limits = [f"{name}={os.environ[name]}" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ]
    cores = len(os.sched_getaffinity(0))
    return ", ".join(
        [
            f"{counted(cores, 'core')} for this process",
            f"torch uses {counted(torch.get_num_threads(), 'thread')}",
            *limits,
        ]
    )


def precision() -> str:
    import torch

    native = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return f"bfloat16 products on the processor: {'in hardware' if native else 'no; float32 is used'}"


def accelerators() -> str:
    import torch

    if not torch.cuda.is_available():
        return "none that torch can use"
    found = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return ", ".join(f"{each.name}, {each.total_memory / 2**30:.0f} GiB" for each in found)


def scan() -> str:
    """Whether attention has its compiled passes and takes them; built and measured here if they are not yet."""
    from astromorph.attention import choice, compiled

    if os.environ.get("ASTROMORPH_PLAIN"):
        return "left out, for ASTROMORPH_PLAIN is set"
    if not compiled.available():
        return "not available; plain torch does the same, slower"
    named = {"scan": compiled.SOURCE, "fading scan": compiled.FADING}
    measured = {name: choice.times(source) for name, source in named.items() if compiled.available(source)}
    ratios = ", ".join(f"{name} {each.plain / each.compiled:.1f} times" for name, each in measured.items())
    taken = all(choice.worthwhile(source) for source in named.values())
    return f"built and loaded, {ratios} as fast as plain torch" + ("" if taken else "; plain where that is faster")


def data_sets(names: Sequence[str], root: Path) -> list[str]:
    """A line a data set: intact by its published checksum, or what is wrong and what to do."""
    from astromorph.data.fetch import INTACT, check
    from astromorph.data.locations import fetch_command
    from astromorph.data.spiking_sets import PARTS

    lines = []
    for name in names:
        files = check(name, root)
        faults = [(file, status) for file, status in files if status != INTACT]
        if not faults:
            lines.append(f"{name}: intact, {files[0][0].name if len(files) == 1 else f'{len(files)} files'}")
            continue
        file, status = faults[0]
        fault = status.removeprefix(f"{file} is ").split(";")[0]
        cure = "install astromorph again" if name == "digits" else f"`{fetch_command(name, root)}`"
        if name in PARTS:  # which cannot be fetched
            cure = status.partition("; ")[2]
        lines.append(f"{name}: {file.name} {fault}; {cure}")
    return lines
