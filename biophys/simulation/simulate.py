"""Runs a network: one place for the seed, the code target and the progress report.

Brian2 runs the same model as NumPy calls (no compiler, about half a millisecond a step), through Cython
(40-65 s to compile once, then cached) or as a C++ program of its own (about 10 s to compile, then thirty
times faster steps).
"""

import hashlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import brian2
import numpy as np
from brian2 import Network, Quantity, second
from brian2.devices import reset_device

from biophys.simulation.progress import progress
from biophys.simulation.seeds import check_seed

TARGETS = ("numpy", "cython", "cpp_standalone")
STEPS_WORTH_COMPILING = 40_000  # NumPy needs about 20 s for them, a C++ build 10 s
Result = TypeVar("Result")


def choose_target(target: str, steps: int) -> str:
    """The named target, or for "auto" the one that ends first: NumPy for short runs or without a compiler.

    Raises ValueError for an unknown name.
    """
    if target not in (*TARGETS, "auto"):
        raise ValueError(f"code target {target!r} is not known; use one of {', '.join(TARGETS)} or auto")
    if target != "auto":
        return target
    return "cpp_standalone" if steps > STEPS_WORTH_COMPILING and shutil.which("g++") else "numpy"


def run(
    build: Callable[[], Network],
    read: Callable[[Network], Result],
    duration: Quantity,
    *,
    seed: int = 0,
    target: str = "numpy",
) -> Result:
    """Build a network, run it for `duration`, and return what `read` makes of it.

    `build` is called after the target is set, and `read` before a compiled program's results are thrown away.
    target: numpy, cython or cpp_standalone (see choose_target).
    """
    with code_target(target):
        set_chance(seed)
        network = build()
        if target == "cpp_standalone":
            network.run(duration, namespace={})
        else:
            with _progress(duration) as report:
                network.run(duration, report=report, report_period=0.5 * second, namespace={})
        return read(network)


def set_chance(seed: int) -> None:
    """The chance events that Brian2 draws itself, from any seed of NumPy's. ValueError for what is none."""
    check_seed(seed)
    brian2.seed(seed if seed < 2**32 else int(np.random.SeedSequence(seed).generate_state(1)[0]))


def compiled_mark(*what: object) -> Path:
    """A file that is there once Cython has compiled `what` (names, in the order given) on this machine."""
    key = hashlib.sha256(repr((brian2.__version__, *what)).encode()).hexdigest()[:16]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "astromorph" / "compiled" / key


@contextmanager
def code_target(target: str) -> Iterator[None]:
    """Set Brian2's code target, and put it back afterwards; Ctrl-C then interrupts."""
    brian2.prefs.core.stop_on_keyboard_interrupt = False  # else Ctrl-C ends the run early and looks like its end
    before = brian2.prefs.codegen.target
    if target != "cpp_standalone":
        brian2.prefs.codegen.target = target
        try:
            yield
        finally:
            brian2.prefs.codegen.target = before
        return
    flags, headers = list(brian2.prefs.codegen.cpp.extra_link_args), list(brian2.prefs.codegen.cpp.headers)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, temporary_files_in(folder):
        # the compile line has this flag, but only the link line makes the program flush subnormal numbers
        brian2.prefs.codegen.cpp.extra_link_args = [*flags, "-ffast-math"]
        brian2.set_device("cpp_standalone", directory=folder, build_on_run=True)
        if sys.platform == "linux":  # the program does not outlive this process, however that ends
            brian2.prefs.codegen.cpp.headers = [*headers, "<sys/prctl.h>"]
            brian2.device.insert_code("before_start", f"prctl(PR_SET_PDEATHSIG, {int(signal.SIGKILL)});")
        try:
            yield
        finally:
            brian2.device.reinit()
            reset_device()
            brian2.prefs.codegen.cpp.extra_link_args, brian2.prefs.codegen.cpp.headers = flags, headers


@contextmanager
def temporary_files_in(folder: str) -> Iterator[None]:
    """Where this process and those it starts, such as compilers, put what they need for a while."""
    before, named = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    try:
        yield
    finally:
        tempfile.tempdir = before
        if named is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = named


@contextmanager
def _progress(duration: Quantity) -> Iterator[Callable[..., None]]:
    """A progress bar in simulated seconds, as a Brian2 report callback."""
    form = "{l_bar}{bar}| {n:.0f} of {total:.0f} s simulated [{elapsed}<{remaining}]"
    with progress(total=float(duration / second), bar_format=form) as bar:

        def report(elapsed: Quantity, completed: float, start: Quantity, length: Quantity) -> None:
            bar.update(0 if bar.disable else completed * float(duration / second) - bar.n)

        yield report
