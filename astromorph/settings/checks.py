"""What can be wrong with a number, told in one sentence; and what all trainings have in common."""

from math import inf
from typing import Any


def check_at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} {value} is too small; use at least {least}")


def check_above_zero(name: str, value: float) -> None:
    if not 0 < value < inf:
        raise ValueError(f"{name} {value} must be a number above 0")


def check_share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"{name} {value} is a share; use a number from 0 to below 1")


def check_training(settings: Any) -> None:
    """Raise for the first setting of the training loop and its optimiser that cannot work."""
    for name in ("epochs", "batch"):
        check_at_least(name, getattr(settings, name), 1)
    check_above_zero("learning_rate", settings.learning_rate)
    for name in ("dropout", "label_smoothing", "warm_up"):
        check_share(name, getattr(settings, name, 0.0))
    for name in ("weight_decay", "average", "threads", "seed"):
        if getattr(settings, name) < 0:
            raise ValueError(f"{name} {getattr(settings, name)} is negative; use 0 or more")
