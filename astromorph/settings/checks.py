"""What can be wrong with a number, in one sentence."""

from math import inf


def check_at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} {value} is too small; use at least {least}")


def check_above_zero(name: str, value: float) -> None:
    if not 0 < value < inf:
        raise ValueError(f"{name} {value} must be a number above 0")


def check_share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{name} {value} is a share; use a number from 0 to below 1")
