"""What a benchmark knows of the machine: its processor, and how much memory some work takes."""

import ctypes
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from astromorph.runs.provenance import processor_name
from studies.shell.machine import flags


def processor() -> str:
    """Its name, what it can do with bfloat16, and its cores."""
    units = [unit for unit in ("amx_bf16", "avx512_bf16") if unit in flags()]
    return f"{processor_name()} ({', '.join([*units, f'{os.cpu_count()} cores'])})"


def peak_memory(work: Callable[[], Any]) -> float:
    """Bytes that this process holds at most during `work` beyond what it held before; NaN where Linux does not say."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    except (AttributeError, OSError):
        return math.nan
    work()
    return resident("VmHWM") - before


def resident(field: str) -> int:
    """Bytes of this process: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))
