"""Noise of the IP3 receptor channels: few of them open at a time, so the share not inactivated fluctuates.

As in Stimberg, Goodman, Brette & De Pitta (2018), example 2, the slope of h is multiplied by 1 + xi sqrt(tau_h) with
white noise xi, in the sense of Ito: dh = (h_inf - h)/tau_h dt + noise (h_inf - h)/sqrt(tau_h) dW, and h is clipped to
0 .. 1. For steady h_inf and tau_h the distance from equilibrium is a geometric Brownian motion: its mean decays with
tau_h, its logarithm has mean -(1 + noise**2/2) t/tau_h and variance noise**2 t/tau_h.

The chapter integrates this with Milstein's method, of first order even without noise. Here the same process is written
in the sense of Stratonovich, which adds noise**2/2 to the slope, and dW/dt is held over each step (Wong & Zakai, Ann
Math Stat 36:1560, 1965): of first order for the noise, while calcium keeps the order of the method, rk4. Each copy
draws from its own seed, so its path depends neither on the code target nor on which copies share a simulation. All
draws are made beforehand: 8 bytes for each step of each cell.
"""

from typing import Any, NamedTuple

import numpy as np
from brian2 import NeuronGroup, TimedArray

from biophys.astrocyte import CALCIUM
from biophys.simulation.copies import Copies
from biophys.simulation.parameters import ranges


@ranges()
class ChannelNoiseParameters(NamedTuple):
    """Value of Stimberg et al. (2018), example 2."""

    noise: float = 1.0  # amplitude of the channel noise, 0 for none


NOISELESS = "dh/dt = O_2*(Q_2 - (Q_2 + C)*h) : 1"
NOISY = """dh/dt = O_2*(Q_2 - (Q_2 + C)*h)*(1 + noise**2/2 + noise*white/sqrt(O_2*(Q_2 + C))) : 1
white : second**-0.5"""
NOISY_CALCIUM = CALCIUM.replace(NOISELESS, NOISY)


def noisy_astrocytes(copies: Copies, cells: int, equations: str, sections: Any, *, name: str) -> NeuronGroup:
    """`Copies.neurons` for equations that hold NOISY_CALCIUM; draws the noise and keeps h in 0 .. 1."""
    steps = round(copies.seconds / copies.step) + 1
    draws = np.hstack(
        [copies.chance(copy, f"{name} noise").standard_normal((steps, cells)) for copy in range(copies.count)]
    )
    held = TimedArray(draws / np.sqrt(copies.clock.dt), dt=copies.clock.dt, name=f"{name}_noise")
    group = copies.neurons(cells, equations, sections, name=name, method="rk4", namespace={"held": held})
    group.run_regularly("h = clip(h, 0, 1)\nwhite = held(t, i)", when="start", order=-1, name=f"{name}_each_step")
    return group
