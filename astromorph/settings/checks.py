"""What can be wrong with a number, in one sentence; numbers are given by name, and the first wrong one is named."""

from math import inf
from numbers import Integral
from typing import Any

LARGEST_SEED = 10**14  # of which each epoch and each repetition makes its own, within what torch takes


def check_seed(seed: Any) -> None:
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= int(seed) <= LARGEST_SEED:
        raise ValueError(f"seed {str(seed)[:60]} is no seed; use a whole number from 0 to {LARGEST_SEED}")


def check_at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if value < least:
            raise ValueError(f"{name} {value} is too small; use at least {least}")


def check_at_most(most: int, **values: int) -> None:
    for name, value in values.items():
        if value > most:
            raise ValueError(f"{name} {value} is too large; use at most {most}")


def check_above_zero(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < inf:
            raise ValueError(f"{name} {value} must be a number above 0")


def check_share(**values: float) -> None:
    for name, value in values.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} {value} is a share; use a number from 0 to below 1")
