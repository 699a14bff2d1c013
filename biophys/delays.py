"""Delays that adapt: each synapse changes the time its spikes take until they meet the spikes of its target.

Brian2 keeps the delays of a pathway fixed while it runs (its issue 355). A synapse here therefore hears the spike of
its axon at once, and keeps the number of the step in which it is to arrive, the one nearest to the delay d; up to three
spikes may be on their way. What arrives is summed by the target.

Rule. A spike that arrives too early by x = t_target - t_arrival - lag (too late if x < 0) moves the delay by

    d <- d + eta x exp(-|x|/tau_w),   within one time step .. d_max.

It is local: the synapse knows when its spike arrived and when its target fired last. Each arrival meets the last spike
of the target, each spike of the target the last arrival. Huening, Gluender and Palm (Neural Comput 10:555, 1998) shift
synaptic delays to learn coincidence; Eurich, Pawelzik, Ernst, Cowan and Milton (Phys Rev Lett 82:1594, 1999) study how
such rules settle. The window x exp(-|x|/tau_w) is our choice: linear near coincidence, blind to pairs far apart.
"""

from typing import NamedTuple

import numpy as np
from brian2 import Quantity, Synapses, ms, second
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from biophys.simulation.parameters import ranges

LONG_AGO = -1e3 * second  # outside every window


@ranges(above_zero="tau_w", shares="eta", signed="lag")
class DelayParameters(NamedTuple):
    """Of the rule; our choice."""

    eta: float = 0.1  # share of a small error that one pair of spikes takes away
    tau_w: Quantity = 10 * ms  # error at which a pair changes the delay most: width of the window
    lag: Quantity = 1 * ms  # by which arrivals are to precede the spikes of the target
    d_max: Quantity = 60 * ms  # longest delay


# `plastic`, 1 or 0, is the network's; `arriving` the target's, to be added to its potential in slot "synapses"
DELAYED = """
d : second  # delay
due_1 : integer  # number of the time step in which the latest spike arrives
due_2 : integer  # the one before it
due_3 : integer  # and the one before that
arrives = int(t_in_timesteps == due_1 or t_in_timesteps == due_2 or t_in_timesteps == due_3) : 1
arriving_post = arrives*weight : 1 (summed)
t_arrival : second  # of the last arrival
t_target : second  # of the last spike of the target
"""
START = {"due_1": -1, "due_2": -1, "due_3": -1, "t_arrival": LONG_AGO, "t_target": LONG_AGO}

ON_PRE = """
due_3 = due_2
due_2 = due_1
due_1 = t_in_timesteps + int(d/dt + 0.5)
"""
LEARN = "d = clip(d + {pairs}*eta*x*exp(-abs(x)/tau_w), dt, d_max)"
ON_POST = f"""
t_target = t
x = t - t_arrival - lag
{LEARN.format(pairs="plastic")}
"""
ON_ARRIVAL = f"""
t_arrival = t_arrival + arrives*(t - t_arrival)
x = t_target - t - lag
{LEARN.format(pairs="arrives*plastic")}
"""


def learn_on_arrival(synapses: Synapses) -> None:
    """After the code of spikes, so that a target's spike in the step of an arrival pairs with it once."""
    synapses.run_regularly(ON_ARRIVAL, when="resets", name=f"{synapses.name}_arrival")


def shift(error: ArrayLike, parameters: DelayParameters) -> NDArray[np.float64]:
    """Closed form: change of delay (s) by a pair that errs by x = `error` (s, any shape), within the bounds."""
    error = np.asarray(error, float)
    return parameters.eta * error * np.exp(-np.abs(error) / float(parameters.tau_w / second))


def mean_shift(error: ArrayLike, jitter: float, parameters: DelayParameters) -> NDArray[np.float64]:
    """Closed form: mean of `shift` over errors that are normal around `error`, with standard deviation `jitter` (s).

    exp(-x/tau_w) times a Gaussian is a Gaussian shifted by jitter²/tau_w, so each half, x > 0 and x < 0, is the mean
    of a cut Gaussian.
    """
    error, width = np.asarray(error, float), float(parameters.tau_w / second)
    total = np.zeros_like(error)
    for side in (1, -1):
        middle = side * error - jitter**2 / width
        weight = np.exp(-side * error / width + (jitter / width) ** 2 / 2)
        cut = middle * norm.cdf(middle / jitter) + jitter * norm.pdf(middle / jitter)
        total += side * weight * cut
    return parameters.eta * total


def settled_spread(jitter: float, rate: float, parameters: DelayParameters) -> float:
    """Standard deviation (s) of a settled delay, to first order in eta and in jitter/tau_w.

    Each pair takes away the share eta of the error and adds eta times its noise: the jitter (s) of arrivals, and
    unrelated arrivals at `rate` (Hz), over which the square of the window sums to tau_w³/2 (s³).
    """
    noise = jitter**2 + rate * float(parameters.tau_w / second) ** 3 / 2
    return float(np.sqrt(parameters.eta / 2 * noise))
