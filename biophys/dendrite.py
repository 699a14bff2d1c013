"""The NMDA segment: a piece of thin dendrite that answers enough synapses at once with a spike of its own.

Glutamate opens AMPA receptors for a millisecond and NMDA receptors for tens of milliseconds. If enough synapses within
20 to 40 um are active together, the depolarisation expels the magnesium that blocks the NMDA receptors, and the segment
jumps to a plateau of 50 to 200 ms (Schiller, Major, Koester and Schiller, Nature 404:285, 2000; Major, Larkum and
Schiller, Annu Rev Neurosci 36:1, 2013): a detector of coincidences. Where it rests follows from
biophys/segment_equilibria.py.

One segment is one isopotential compartment. Its leak stands for the membrane and for all that flows off into the rest
of the dendrite, which is far more: at 1.6 nS the synapses see 625 Mohm, as far out on a thin basal branch, and 10 pF
give it a time constant of 6 ms. A cable of compartments (biophys/ready_networks/nmda_branch.py) has its leak in the
membrane and the axial currents written out.

AMPA conductance rises at once and decays with tau_A; NMDA conductance is the difference of two exponentials, x_d - x_r,
scaled so that one synapse brings g_N at its peak. Both are linear, so that all synapses of a compartment share them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from brian2 import Quantity, ms, mV, nS, pF, second
from numpy.typing import ArrayLike, NDArray

from biophys.magnesium_block import MAGNESIUM_BLOCK
from biophys.simulation.checks import largest
from biophys.simulation.copies import Copies
from biophys.simulation.parameters import Values, ranges
from biophys.simulation.quantities import written
from biophys.simulation.stimulus import SpikeTrains


@ranges(above_zero="g_L C_m", signed="E_L E_e V_0 V_spike")
class SegmentParameters(NamedTuple):
    """Our choice for one cluster of synapses on a thin basal branch; sets threshold and time constant."""

    g_L: Quantity = 1.6 * nS  # leak of the segment, into the rest of the dendrite for the most part
    C_m: Quantity = 10 * pF  # capacitance of what charges with it
    E_L: Quantity = -70 * mV  # reversal potential of the leak
    E_e: Quantity = 0 * mV  # reversal potential of the synapses
    V_0: Quantity = -70 * mV  # potential at the start
    V_spike: Quantity = -40 * mV  # potential of an NMDA spike, between the folds at -52 and -28 mV


@ranges(above_zero="tau_r tau_d tau_A")
class GlutamateParameters(NamedTuple):
    """Receptors of one synapse; kinetics of Larkum et al., Science 325:756 (2009), ModelDB 124043, sizes our choice."""

    g_N: Quantity = 1 * nS  # NMDA conductance of a synapse at its peak, were nothing blocked
    tau_r: Quantity = 3 * ms  # rise time of NMDA conductance
    tau_d: Quantity = 70 * ms  # decay time of NMDA conductance
    g_A: Quantity = 0.5 * nS  # AMPA conductance of a synapse at its peak
    tau_A: Quantity = 1 * ms  # decay time of AMPA conductance


LARKUM = GlutamateParameters()
# Hay and Segev (2015), ModelDB 156780: both conductances alike
HAY_SEGEV = GlutamateParameters(tau_r=2 * ms, tau_d=65 * ms, g_A=1 * nS, tau_A=3 * ms)
# human contacts, Eyal et al., Front Cell Neurosci 12:181 (2018), with the kinetics of Hay and Segev
EYAL_HUMAN = HAY_SEGEV._replace(g_N=1.31 * nS, g_A=0.88 * nS)

RECEPTORS = {"larkum": LARKUM, "hay-segev": HAY_SEGEV, "eyal-human": EYAL_HUMAN}

# The tiny constants change nothing but keep decaying variables from turning into slow subnormal numbers.
GLUTAMATE = f"""
I_syn = (G_A + G_N*B)*(E_e - V) : amp
G_A = g_A*x_A : siemens  # of AMPA receptors
G_N = g_N*(x_d - x_r) : siemens  # of NMDA receptors, were nothing blocked
dx_A/dt = (1e-27 - x_A)/tau_A : 1
dx_d/dt = (1e-27 - x_d)/tau_d : 1
dx_r/dt = (1e-27 - x_r)/tau_r : 1
{MAGNESIUM_BLOCK}"""


def nmda_scale(glutamate: GlutamateParameters) -> float:
    """What a synapse adds to x_d and x_r, so that their difference is 1 at its peak."""
    rise, decay = glutamate.tau_r, glutamate.tau_d
    ratio, power = float(rise / decay), float(decay / (decay - rise))
    return float(1 / (ratio ** (power - 1) - ratio**power))


SYNAPSE = """
weight : 1 (constant)  # conductance of this synapse, of the mean
"""

# `rise` is nmda_scale of this synapse
ON_SPIKE = """
x_A_post += weight
rise = weight/((tau_r/tau_d)**(tau_r/(tau_d - tau_r)) - (tau_r/tau_d)**(tau_d/(tau_d - tau_r)))
x_d_post += rise
x_r_post += rise
"""


def volley(copies: Copies, copy: int) -> SpikeTrains:
    """A spike of each of the first `active` cells at `onset`, or anywhere within the `window` that begins there, on the
    grid of time steps.
    """
    stimulus, seconds = copies.of(copy, "stimulus"), copies.seconds
    active, window = round(stimulus.active), getattr(stimulus, "window", 0.0)
    end = stimulus.onset + window
    if copies.step < seconds <= end:  # a network that is built to be counted lasts one step
        raise ValueError(f"{seconds:g} s end before the last spike at up to {end:g} s; simulate longer or fire earlier")
    times = stimulus.onset + window * copies.chance(copy, "times").random(active)
    return SpikeTrains(stimulus.synapses, np.arange(active), np.rint(times / copies.step) * copies.step)


def membrane(*currents: str) -> str:
    """Equation of the potential of a compartment with leak and synapses, and what else flows in, such as "I_axial"."""
    return f"dV/dt = ({' + '.join(['g_L*(E_L - V)', 'I_syn', *currents])})/C_m : volt\n"


SEGMENT = membrane() + GLUTAMATE


SHORTEST_SPIKE = 10 * ms  # above V_spike; AMPA receptors alone bring it there for a few ms


def time_above(voltage: NDArray, level: ArrayLike, time: NDArray) -> NDArray[np.float64]:
    """How long a recorded potential is above a level, along its last axis; in the unit of `time`.

    voltage: (..., time); level: of shape (...,) or (..., 1) that fits. Between records it runs along a straight line.
    """
    above = voltage - level
    low, high = np.minimum(above[..., :-1], above[..., 1:]), np.maximum(above[..., :-1], above[..., 1:])
    crossing = np.divide(high, high - low, out=np.zeros_like(high), where=high > low)
    share = np.where(low >= 0, 1.0, np.where(high <= 0, 0.0, crossing))
    return (share * np.diff(time)).sum(axis=-1)


def nmda_spikes(voltage: NDArray, time: NDArray) -> NDArray[np.bool_]:
    """Whether recorded potentials (..., time) in mV, at times in s, are above V_spike for SHORTEST_SPIKE in all."""
    return time_above(voltage, float(SegmentParameters().V_spike / mV), time) >= float(SHORTEST_SPIKE / second)


def fastest_rate(leak: Any, capacitance: Any, glutamate: Mapping[str, Any], synapses: Any) -> float:
    """Largest rate (1/s) of a compartment while `synapses` of its synapses are open, for the largest step."""
    open_membrane = (leak + synapses * (glutamate["g_A"] + glutamate["g_N"])) / capacitance
    return largest(open_membrane, 1 / glutamate["tau_A"], 1 / glutamate["tau_r"])


def check_glutamate(values: Values) -> None:
    """NMDA conductance must rise faster than it decays. ValueError in one sentence."""
    rise, decay = values["synapse"]["tau_r"], values["synapse"]["tau_d"]
    if np.any(rise >= decay):
        raise ValueError(
            f"synapse.tau_r={written(np.max(rise))} is no rise before a decay of {written(np.min(decay))}; "
            "use a shorter one"
        )
