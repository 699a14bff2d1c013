"""Presynaptic drive: regular and Poisson spike trains at a list of rates, rates that change in time, bursts, and a
spike pattern that returns in Poisson background.

Trains are drawn in continuous time by NumPy and then placed on the nearest point of the simulation's time
grid. They therefore depend on the seed alone: every code target of Brian2 sees the same spikes, and halving
the step moves each of them by at most half a step. Two spikes of one cell that fall on the same grid point
are kept as two, the later one a step later, so that no transmitter is lost.

Every function takes a seed, or a generator such as `copies.chance(copy, "presynaptic")`, so that
`copies.spikes(lambda copy: burst_trains(..., seed=copies.chance(copy, "presynaptic")), name="presynaptic")` gives each
copy its own trains.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class SpikeTrains(NamedTuple):
    """Spikes of `cells` presynaptic cells: cell numbers and times (s), sorted by cell and then by time."""

    cells: int
    cell: NDArray[np.int64]
    time: NDArray[np.float64]


Seed = int | np.random.Generator


def regular_trains(rates: NDArray, seconds: float, step: float, seed: Seed) -> SpikeTrains:
    """One evenly spaced train per cell, each with its own random phase.

    rates: (cells,) in Hz; seconds and step in s. Cells of equal rate fire in turn, not together.
    """
    rates = _checked(rates)
    phases = np.random.default_rng(seed).random(len(rates))
    longest = int(np.ceil(rates.max() * seconds)) + 1
    times = _where_positive(np.arange(longest) + phases[:, None], rates)
    return _on_grid(times, seconds, step)


def poisson_trains(rates: NDArray, seconds: float, step: float, seed: Seed) -> SpikeTrains:
    """One homogeneous Poisson train per cell: independent exponential intervals of mean 1/rate.

    rates: (cells,) in Hz; seconds and step in s.
    """
    return _on_grid(_poisson_times(_checked(rates), seconds, np.random.default_rng(seed)), seconds, step)


def modulated_trains(
    rate: Callable[[NDArray], NDArray], highest: NDArray, seconds: float, step: float, seed: Seed
) -> SpikeTrains:
    """One inhomogeneous Poisson train per cell, by thinning (Lewis & Shedler, Nav Res Logist Q 26:403, 1979).

    A spike of a train at the highest rate stays with probability rate/highest.

    rate: from times in s (cells, any) to rates in Hz, of the same shape or one that fits it.
    highest: (cells,) in Hz, an upper bound of each cell's rate. ValueError if a rate exceeds it or is negative.
    """
    highest, chance = _checked(highest), np.random.default_rng(seed)
    times = np.minimum(_poisson_times(highest, seconds, chance), seconds)
    bound = highest[:, None]
    wanted = np.broadcast_to(rate(times), times.shape)
    inside = times < seconds
    if np.any(wrong := inside & ((wanted < 0) | (wanted > bound * (1 + 1e-9)))):
        cell, spike = np.argwhere(wrong)[0]
        raise ValueError(
            f"the rate of cell {cell} is {wanted[cell, spike]:g} Hz at {times[cell, spike]:g} s; "
            f"it must stay between 0 and the given highest rate, {highest[cell]:g} Hz"
        )
    kept = inside & (chance.random(times.shape) * bound < wanted)
    return _on_grid(np.sort(np.where(kept, times, 2 * seconds)), seconds, step)


def burst_trains(
    rates: NDArray, seconds: float, step: float, seed: Seed, *, on: float, off: float, background: float = 0.0
) -> SpikeTrains:
    """Poisson trains in bursts that all cells share: `on` seconds at `rates`, `off` seconds at `background`, and again.

    rates: (cells,) in Hz; background in Hz, at most the rates; on and off in s.
    """
    rates = _checked(rates)

    def rate(times: NDArray) -> NDArray:
        return np.where(times % (on + off) < on, rates[:, None], background)

    return modulated_trains(rate, rates, seconds, step, seed)


def pattern_trains(
    rates: NDArray, seconds: float, step: float, seed: Seed, *, starts: NDArray, length: float, jitter: float = 0.0
) -> SpikeTrains:
    """A spatio-temporal spike pattern that returns in Poisson background (Masquelier et al., PLoS ONE 3:e1377, 2008).

    From each of `starts` on, for `length` seconds, all cells repeat the same spikes, drawn once; between them they
    fire at random. The rates are those of `rates` throughout, so that only the repetition tells the pattern.

    rates: (cells,) in Hz. starts: (repetitions,) in s, rising, at least `length` apart.
    jitter: standard deviation in s of each spike of each repetition around its place.
    """
    rates, starts, chance = _checked(rates), np.asarray(starts, float), np.random.default_rng(seed)
    if np.any(np.diff(starts) < length * (1 - 1e-9)):
        raise ValueError(
            f"patterns of {length:g} s start {np.diff(starts).min():g} s apart; leave at least their length"
        )
    pattern = _poisson_times(rates, length, chance)
    pattern[pattern >= length] = np.inf
    background = _poisson_times(rates, seconds, chance)
    latest = np.append(-np.inf, starts)[np.searchsorted(starts, background, side="right")]
    background[background < latest + length] = np.inf
    repeated = pattern[:, None, :] + starts[:, None]  # (cells, repetitions, spikes)
    repeated = np.abs(repeated + jitter * chance.standard_normal(repeated.shape))
    times = np.concatenate([background, repeated.reshape(len(rates), -1)], axis=1)
    return _on_grid(np.sort(np.minimum(times, 2 * seconds)), seconds, step)


def _checked(rates: NDArray) -> NDArray:
    rates = np.asarray(rates, float)
    if rates.min() < 0:
        raise ValueError(f"a cell cannot fire at {rates.min():g} Hz; use rates of 0 Hz or more")
    return rates


def _poisson_times(rates: NDArray, seconds: float, chance: np.random.Generator) -> NDArray:
    """Times in s (cells, spikes) of Poisson trains, at least as far as `seconds`."""
    expected = rates.max() * seconds
    longest = int(expected + 8 * np.sqrt(expected) + 30)  # eight standard deviations more than the mean count
    return _where_positive(chance.standard_exponential((len(rates), longest)).cumsum(axis=1), rates)


def _where_positive(counts: NDArray, rates: NDArray) -> NDArray:
    """counts / rates (cells, spikes); a cell of rate 0 never gets to its first spike."""
    return np.divide(counts, rates[:, None], out=np.full(counts.shape, np.inf), where=rates[:, None] > 0)


def _on_grid(times: NDArray, seconds: float, step: float) -> SpikeTrains:
    """Nearest grid points of `times` (cells, spikes), sorted, at most one spike of a cell on each."""
    order = np.arange(times.shape[1])
    slots = np.rint(np.minimum(times, 2 * seconds) / step).astype(np.int64)
    slots = np.maximum.accumulate(slots - order, axis=1) + order
    inside = slots < round(seconds / step)
    return SpikeTrains(len(times), np.nonzero(inside)[0], slots[inside] * step)


PATTERNS = {"poisson": poisson_trains, "regular": regular_trains}


def spike_trains(pattern: str, rates: NDArray, seconds: float, step: float, seed: Seed) -> SpikeTrains:
    """Trains of the named pattern, one per entry of `rates` (cells,) in Hz; ValueError if unknown."""
    if pattern not in PATTERNS:
        raise ValueError(f"pattern {pattern!r} is not known; use one of {', '.join(PATTERNS)}")
    return PATTERNS[pattern](rates, seconds, step, seed)
