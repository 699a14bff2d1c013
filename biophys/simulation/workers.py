"""Processes that share the work of this one end with it, however it ends, also in the middle of a task."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

import joblib

LOOK = 0.5  # seconds between two looks
WORKER = "Loky"


def ending_with_this(tasks: Iterable[Any]) -> Iterator[Any]:
    """The same tasks of joblib, in processes that this one has started or in itself.

    Those that belong to somebody else, such as dask's, are left to live as they do.
    """
    parent = os.getpid()
    return (joblib.delayed(_tied)(parent, *task) for task in tasks)


def _tied(parent: int, work: Any, words: tuple, options: dict[str, Any]) -> Any:
    if multiprocessing.current_process().name.startswith(WORKER):  # which only its parent gives work
        _watch(parent)
    return work(*words, **options)


@cache
def _watch(parent: int) -> None:
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """What the process itself has started, such as a compiled program, ends with it (simulate.py)."""
    while os.getppid() == parent:
        time.sleep(LOOK)
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
