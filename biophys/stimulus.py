"""Presynaptic drive: regular and Poisson spike trains at a list of rates.

Trains are drawn in continuous time by NumPy and then placed on the nearest point of the simulation's time
grid. They therefore depend on the seed alone: every code target of Brian2 sees the same spikes, and halving
the step moves each of them by at most half a step. Two spikes of one cell that fall on the same grid point
are kept as two, the later one a step later, so that no transmitter is lost.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class SpikeTrains(NamedTuple):
    """Spikes of `cells` presynaptic cells: cell numbers and times (s), sorted by cell and then by time."""

    cells: int
    cell: NDArray[np.int64]
    time: NDArray[np.float64]


def regular_trains(rates: NDArray, seconds: float, step: float, seed: int) -> SpikeTrains:
    """One evenly spaced train per cell, each with its own random phase.

    rates: (cells,) in Hz; seconds and step in s. Cells of equal rate fire in turn, not together.
    """
    rates = np.asarray(rates, float)
    phases = np.random.default_rng(seed).random(len(rates))
    longest = int(np.ceil(rates.max() * seconds)) + 1
    times = (np.arange(longest) + phases[:, None]) / rates[:, None]
    return _on_grid(times, seconds, step)


def poisson_trains(rates: NDArray, seconds: float, step: float, seed: int) -> SpikeTrains:
    """One homogeneous Poisson train per cell: independent exponential intervals of mean 1/rate.

    rates: (cells,) in Hz; seconds and step in s.
    """
    rates = np.asarray(rates, float)
    expected = rates.max() * seconds
    longest = int(expected + 8 * np.sqrt(expected) + 30)  # eight standard deviations more than the mean count
    times = np.random.default_rng(seed).standard_exponential((len(rates), longest)).cumsum(axis=1) / rates[:, None]
    return _on_grid(times, seconds, step)


def _on_grid(times: NDArray, seconds: float, step: float) -> SpikeTrains:
    """Nearest grid points of `times` (cells, spikes), at most one spike of a cell on each."""
    order = np.arange(times.shape[1])
    slots = np.rint(times / step).astype(np.int64)
    slots = np.maximum.accumulate(slots - order, axis=1) + order
    inside = slots < round(seconds / step)
    return SpikeTrains(len(times), np.nonzero(inside)[0], slots[inside] * step)


PATTERNS = {"poisson": poisson_trains, "regular": regular_trains}


def spike_trains(pattern: str, rates: NDArray, seconds: float, step: float, seed: int) -> SpikeTrains:
    """Trains of the named pattern, one per entry of `rates` (cells,) in Hz; ValueError if unknown."""
    if pattern not in PATTERNS:
        raise ValueError(f"pattern {pattern!r} is not known; use one of {', '.join(PATTERNS)}")
    return PATTERNS[pattern](rates, seconds, step, seed)
