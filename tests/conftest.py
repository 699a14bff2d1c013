"""Every hypothesis test draws the same examples in every run, so that a failure repeats."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
