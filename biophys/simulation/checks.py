"""What values of parameters must be for a network to make sense, and how fast its processes are for them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from biophys.simulation.parameters import Values
from biophys.simulation.quantities import written


def check_each(values: Values, paths: str, allowed: Callable[[Any], bool], rule: str) -> None:
    """ValueError, "path=value rule", for the first value of the parameters at `paths` (words) that is not allowed."""
    for path in paths.split():
        section, name = path.split(".")
        for value in np.atleast_1d(values[section][name]):
            if not allowed(value):
                raise ValueError(f"{path}={written(value)} {rule}")


def check_not_negative(values: Values, paths: str) -> None:
    """ValueError for a value below 0."""
    check_each(values, paths, lambda value: value >= 0, "is negative; use 0 or more")


def largest(*rates: Any) -> float:
    """The largest of all rates (quantities, or arrays of one a copy), in 1/s."""
    return max(float(np.max(rate)) for rate in rates)
