"""Progress that is seen wherever a long command runs: a bar on a terminal, in a log a line now and then."""

import multiprocessing
import sys
from typing import Any

from tqdm import tqdm

IN_A_LOG = {"delay": 2.0, "mininterval": 5.0}  # seconds: short work says nothing there


def progress(*words: Any, **options: Any) -> "tqdm[Any]":
    """A bar of tqdm with these arguments, which tells how much is done and how long the rest will take.

    Where standard error is no terminal a line is written every five seconds; processes that share one work are silent
    there, as the one that started them tells how far all are.
    """
    if sys.stderr is not None and sys.stderr.isatty():
        return tqdm(*words, **options)
    silent = sys.stderr is None or multiprocessing.current_process().name != "MainProcess"
    return tqdm(*words, **{**options, **IN_A_LOG, "disable": silent or options.get("disable", False)})
