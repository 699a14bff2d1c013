"""Which instructions the compiled part is built for: all of the processor's, or fewer where that is to be measured.

ASTROMORPH_CAPABILITY names fewer. The rest of torch is held to them by variables of its own, which count when a process
starts: `held_to` gives them all.
"""

import os
import platform
from pathlib import Path
from typing import NamedTuple

VARIABLE = "ASTROMORPH_CAPABILITY"


class Capability(NamedTuple):
    """A level of x86-64 instructions: as compilers, Linux, ATen, oneDNN and MKL call it."""

    architecture: str
    needed: tuple[str, ...]  # in /proc/cpuinfo
    aten: str
    onednn: str
    mkl: str


WIDE = "avx512f", "avx512bw", "avx512dq", "avx512vl"
CAPABILITIES = {
    "sse4": Capability("x86-64-v2", ("sse4_2",), "default", "SSE41", "SSE4_2"),  # vectors as wide as those of Arm
    "avx2": Capability("x86-64-v3", ("avx2", "fma", "bmi2"), "avx2", "AVX2", "AVX2"),
    "avx512": Capability("x86-64-v4", WIDE, "avx512", "AVX512_CORE", "AVX512"),
}


def architecture() -> str:
    """What the compiler is to build for. ValueError for a capability that is none or that this processor has not."""
    return check_capability(held()).architecture if held() else "native"


def held() -> str:
    """The capability to which this process is held, or nothing."""
    return os.environ.get(VARIABLE, "")


def check_capability(name: str) -> Capability:
    known = list(CAPABILITIES)
    if name not in known:
        raise ValueError(f"capability {name!r} is not known; use {', '.join(known[:-1])} or {known[-1]}")
    lacking = [word for word in CAPABILITIES[name].needed if word not in flags()]
    if lacking:
        raise ValueError(
            f"this processor ({platform.machine()}) has no {', '.join(lacking)} for capability {name!r}; leave it out"
        )
    return CAPABILITIES[name]


def held_to(name: str) -> dict[str, str]:
    """Variables of a fresh process in which everything is held to a capability. ValueError as `architecture`."""
    chosen = check_capability(name)
    return {
        VARIABLE: name,
        "ATEN_CPU_CAPABILITY": chosen.aten,
        "ONEDNN_MAX_CPU_ISA": chosen.onednn,
        "MKL_ENABLE_INSTRUCTIONS": chosen.mkl,
    }


def flags() -> set[str]:
    """Words by which Linux describes the processor; none elsewhere."""
    described = Path("/proc/cpuinfo")
    return set(described.read_text(encoding="utf-8").split()) if described.is_file() else set()
