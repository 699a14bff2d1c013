"""Seeds of chance events: which there are."""

from numbers import Integral
from typing import Any

LARGEST_SEED = 2**63 - 1  # that NetCDF holds


def check_seed(seed: Any) -> None:
    """ValueError for what is no seed that NumPy draws with and a file can hold."""
    if isinstance(seed, bool) or not isinstance(seed, Integral) or not 0 <= int(seed) <= LARGEST_SEED:
        raise ValueError(f"seed {str(seed)[:60]} is no seed; use a whole number from 0 to {LARGEST_SEED}")
