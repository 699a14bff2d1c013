"""Spike-timing-dependent plasticity: who fires first decides whether a synapse grows or shrinks.

A presynaptic spike shortly before a postsynaptic one strengthens the synapse, the reverse order weakens it, and the
effect fades within tens of milliseconds (Bi and Poo, J Neurosci 18:10464, 1998). In the pair-based model of Song,
Miller and Abbott (Nat Neurosci 3:919, 2000) every pre- and postsynaptic spike at a lag d = t_post - t_pre changes the
weight by

    A_plus exp(-d/tau_plus) for d > 0,   -A_minus exp(d/tau_minus) for d < 0,

and all pairs add up. Each spike leaves an exponential trace (x pre, y post) that holds the sum over all earlier
spikes, so a pair costs nothing of its own (Morrison, Diesmann and Gerstner, Biol Cybern 98:459, 2008). The weight w is
a share of the largest one and stays between 0 and 1. With mu > 0 changes shrink near the bounds (Guetig, Aharonov,
Rotter and Sompolinsky, J Neurosci 23:3697, 2003). Spikes at exactly the same time (d = 0) leave the weight alone; that
is our choice, the papers do not agree on it.
"""

from typing import NamedTuple

import numpy as np
from brian2 import Quantity, Synapses, ms, second
from numpy.typing import ArrayLike, NDArray

from biophys.simulation.parameters import ranges


@ranges(above_zero="tau_plus tau_minus", signed="A_plus A_minus")
class SpikeTimingParameters(NamedTuple):
    """Values of Song, Miller and Abbott (2000); mu = 0 is their rule."""

    A_plus: float = 0.005  # potentiation by a pair with no lag, of the largest weight
    A_minus: float = 0.00525  # depression by a pair with no lag (1.05 A_plus), of the largest weight
    tau_plus: Quantity = 20 * ms  # lifetime of the presynaptic trace: width of potentiation
    tau_minus: Quantity = 20 * ms  # lifetime of the postsynaptic trace: width of depression
    mu: float = 0.0  # 0: hard bounds, all pairs count alike; 1: soft bounds, changes shrink with the room left


# a trace holds its value of the synapse's last spike; the last two lines are the traces now
SPIKE_TIMING = """
w : 1  # weight, of the largest
dx/dt = -x/tau_plus  : 1 (event-driven)
dy/dt = -y/tau_minus : 1 (event-driven)
x_now = x*exp((lastupdate - t)/tau_plus)  : 1
y_now = y*exp((lastupdate - t)/tau_minus) : 1
"""

ON_PRE = {"depress": "w = clip(w - A_minus*w**mu*y, 0, 1)", "mark_pre": "x += 1"}
ON_POST = {"potentiate": "w = clip(w + A_plus*(1 - w)**mu*x, 0, 1)", "mark_post": "y += 1"}


def weights_before_marks(synapses: Synapses) -> None:
    """Let spikes of one step change weights before they leave their marks, so that they do not pair with each other."""
    # Brian2 runs other presynaptic code at -1, postsynaptic code at 1
    synapses.mark_pre.order = synapses.mark_post.order = 2


def pair_change(lag: ArrayLike, parameters: SpikeTimingParameters) -> NDArray[np.float64]:
    """Closed form: change of weight by one pair at `lag` = t_post - t_pre in s, any shape, away from the bounds."""
    lag = np.asarray(lag, float)
    rise, fall = (float(tau / second) for tau in (parameters.tau_plus, parameters.tau_minus))
    potentiation = parameters.A_plus * np.exp(-np.abs(lag) / rise) * (lag > 0)
    return potentiation - parameters.A_minus * np.exp(-np.abs(lag) / fall) * (lag < 0)


def pair_train_change(
    lag: ArrayLike, pairs: int, period: ArrayLike, parameters: SpikeTimingParameters
) -> NDArray[np.float64]:
    """Closed form: change by `pairs` pairs every `period` s, each postsynaptic spike also paired with all others.

    lag and period in s, of shapes that fit together; mu = 0, away from the bounds. Of all pairs of spikes, n - |k| are
    k periods further apart than the lag.
    """
    shift = np.arange(1 - pairs, pairs)
    lags = np.asarray(lag, float)[..., None] + shift * np.asarray(period, float)[..., None]
    return ((pairs - np.abs(shift)) * pair_change(lags, parameters)).sum(axis=-1)
