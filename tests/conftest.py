"""Every hypothesis test draws the same examples in every run, so that a failure repeats.

Processes side by side have one thread each, or they would wait for each other's, spinning.
"""

import gc
import os

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is imported

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True, scope="module")
def garbage_is_new():
    """Brian2 collects garbage before every run, and need not look through what is imported and cached each time."""
    gc.collect()
    gc.freeze()
