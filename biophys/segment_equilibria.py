"""Where an NMDA segment rests while its synapses are open: one potential, or a low and a high one.

With a constant NMDA conductance g_N, current through the leak and through the receptors cancel where

    g_N/g_L = (V - E_L) / (B(V) (E_e - V)),

with the share of unblocked channels B (biophys/magnesium_block.py). The right side is a function of the potential V
alone. If it rises throughout, the segment has one equilibrium and its answer is graded. If it rises, falls and rises
again, then between its minimum and its maximum there are three: rest, plateau and between them the threshold. The
segment then jumps up where g_N/g_L passes the maximum, and falls back only where it has decayed to the minimum: an
all-or-none spike with a plateau that outlasts its trigger. The folds lie where

    (E_e - E_L) / ((V - E_L) (E_e - V)) = gamma (1 - B(V)).

As the left side is at least 4/(E_e - E_L), a block with gamma (E_e - E_L) < 4 can never make a spike. That of Jahr and
Stevens (1990) has 4.3 at E_L = -70 mV, and does not make one either: it is half gone where the left side is small.
"""

from typing import NamedTuple

import numpy as np
from brian2 import mV
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from biophys.magnesium_block import MagnesiumParameters, unblocked

BRACKETS = 2000  # intervals in which the roots are bracketed; 0.035 mV each between -70 and 0 mV


class Fold(NamedTuple):
    """Where two equilibria meet."""

    conductance: float  # g_N/g_L
    potential: float  # mV


class Bistability(NamedTuple):
    """The segment rests at a low and at a high potential between fall.conductance and rise.conductance."""

    fall: Fold  # of the plateau
    rise: Fold  # of rest


def balancing_conductance(potential: ArrayLike, rest: float, reversal: float, block: MagnesiumParameters) -> NDArray:
    """g_N/g_L that holds the segment at a potential; all potentials in mV, E_L = rest, E_e = reversal."""
    v = np.asarray(potential, float)
    return (v - rest) / (np.asarray(unblocked(v * mV, block)) * (reversal - v))


def bistability(rest: float, reversal: float, block: MagnesiumParameters) -> Bistability | None:
    """Both folds, potentials in mV; None if there is one equilibrium at every conductance."""
    _check(rest, reversal)
    gamma = float(block.gamma * mV)

    def slope(v: ArrayLike) -> NDArray:
        """Of the logarithm of the balancing conductance, times a positive factor."""
        v = np.asarray(v, float)
        closed = 1 - np.asarray(unblocked(v * mV, block))
        return (reversal - rest) - gamma * closed * (v - rest) * (reversal - v)

    folds = _roots(slope, rest, reversal)
    if len(folds) < 2:
        return None
    rise, fall = (Fold(float(balancing_conductance(v, rest, reversal, block)), v) for v in folds)
    return Bistability(fall, rise)


def equilibria(conductance: float, rest: float, reversal: float, block: MagnesiumParameters) -> NDArray:
    """All potentials in mV, in rising order, at which a segment with g_N/g_L = conductance rests or is balanced."""
    _check(rest, reversal)
    if conductance <= 0:
        return np.array([rest])

    def current(v: ArrayLike) -> NDArray:
        v = np.asarray(v, float)
        return (v - rest) - conductance * np.asarray(unblocked(v * mV, block)) * (reversal - v)

    return np.array(_roots(current, rest, reversal))


def plateau_time(peak: ArrayLike, decay: float, folds: Bistability) -> NDArray:
    """How long a plateau lasts, in the unit of `decay`, while g_N/g_L falls from `peak` exponentially: until the fold.

    A lower bound: the segment needs time to rise, and lingers at the fold. 0 where the conductance cannot hold it.
    """
    return decay * np.log(np.maximum(np.asarray(peak, float) / folds.fall.conductance, 1.0))


def _roots(function, rest: float, reversal: float) -> list[float]:
    """Strictly between both potentials, each to the last digits."""
    grid = np.linspace(rest, reversal, BRACKETS + 1)
    values = function(grid)
    changes = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
    return [float(brentq(function, grid[i], grid[i + 1], xtol=1e-13, rtol=1e-14)) for i in changes]


def _check(rest: float, reversal: float) -> None:
    if not rest < reversal:
        raise ValueError(f"the leak's {rest:g} mV is not below the synapses' {reversal:g} mV; use a lower one")
