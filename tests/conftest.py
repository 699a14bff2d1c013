"""Every hypothesis test draws the same examples in every run, so that a failure repeats.

Processes side by side have one thread each, or they would wait for each other's, spinning.
"""

import os

from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is imported

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
