"""Patterns laid over single segments, one segment a trial: how many synapses are active.

Where a segment is simulated (biophys/dendrite.py), each pattern costs a simulation, and what it answers depends on the
number of active synapses alone. These functions draw patterns and segments as sets of cells and count that number;
`pattern_sampling.py` compares many segments with many patterns at once.
"""

import numpy as np
from numpy.typing import NDArray


def random_hits(
    chance: np.random.Generator, trials: int, population: int, active: int, synapses: int, patterns: int
) -> NDArray[np.int64]:
    """How many synapses a random pattern touches on a segment that stores `patterns`: (trials,)."""
    segment = np.zeros((trials, population), bool)
    for _ in range(patterns):
        segment |= _subset(chance, _subset(chance, np.ones((trials, population), bool), active), synapses)
    return (segment & _subset(chance, np.ones((trials, population), bool), active)).sum(axis=1)


def noisy_hits(
    chance: np.random.Generator, trials: int, population: int, active: int, synapses: int, lost: int
) -> NDArray[np.int64]:
    """How many synapses remain active if `lost` cells of the stored pattern are swapped for others: (trials,)."""
    stored = _subset(chance, np.ones((trials, population), bool), active)
    segment = _subset(chance, stored, synapses)
    shown = stored & ~_subset(chance, stored, lost) | _subset(chance, ~stored, lost)
    return (segment & shown).sum(axis=1)


def _subset(chance: np.random.Generator, cells: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """`size` of the cells of each row, all choices alike."""
    chosen = np.zeros_like(cells)
    if size:
        order = np.where(cells, chance.random(cells.shape), 2.0)
        np.put_along_axis(chosen, np.argpartition(order, size - 1, axis=1)[:, :size], True, axis=1)
    return chosen
