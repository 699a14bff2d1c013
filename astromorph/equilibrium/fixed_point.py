"""The fixed point of a step by repeating it: s ← f(s) until no entry changes by more than the tolerance."""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor


class Settled(NamedTuple):
    """state; residual: the largest change of an entry in the last round; steps: rounds that were done; settled: whether
    the residual is within the tolerance.
    """

    state: Tensor
    residual: float
    steps: int
    settled: bool


def fixed_point(step: Callable[[Tensor], Tensor], start: Tensor, tolerance: float = 1e-6, steps: int = 1000) -> Settled:
    """Repeat `step` from `start`, any shape. ValueError for a tolerance or number of steps that ends nothing."""
    if not tolerance > 0:
        raise ValueError(f"tolerance {tolerance} is reached by no change; use a number above 0")
    if steps < 1:
        raise ValueError(f"steps {steps} move nothing; use at least 1")
    state, residual, done = start, float("inf"), 0
    while residual > tolerance and done < steps:
        following = step(state)
        residual, state, done = float((following - state).detach().abs().max()), following, done + 1
        if residual != residual:  # not a number: it stays so
            break
    return Settled(state, residual, done, residual <= tolerance)
