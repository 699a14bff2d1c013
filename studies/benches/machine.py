"""What a benchmark learns from the machine: its processor, how much memory some work takes, and a process how long."""

import ctypes
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from astromorph.native.capability import flags, held
from astromorph.runs.provenance import processor_name
from studies.numerals import counted


def processor() -> str:
    """Its name, the instructions that torch uses, what it can do with bfloat16, and its cores."""
    import torch

    used = torch.backends.cpu.get_cpu_capability()
    units = [] if held() else [unit for unit in ("amx_bf16", "avx512_bf16") if unit in flags()]
    return f"{processor_name()} ({', '.join([used, *units, counted(os.cpu_count() or 1, 'core')])})"


def peak_memory(work: Callable[[], Any]) -> float:
    """Bytes that this process holds at most during `work` beyond what it held before; NaN where Linux does not say."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak starts anew
    except (AttributeError, OSError):
        return math.nan
    work()
    return resident("VmHWM") - before


def resident(field: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


class Seconds(NamedTuple):
    """Of a process, by the clock on the wall and of all its processors."""

    wall: float
    processor: float


def process_seconds(*words: str) -> Seconds:
    """Of Python with these words, from start to end. RuntimeError with its last line if it fails."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process_output(*words)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Seconds(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def process_output(*words: str) -> str:
    """What Python with these words prints. RuntimeError with its last line if it fails."""
    ended = subprocess.run([sys.executable, *words], capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"python {' '.join(words)} failed: {ended.stderr.strip().splitlines()[-1:]}")
    return ended.stdout
