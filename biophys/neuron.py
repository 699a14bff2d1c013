"""Spiking and rate neurons.

A leaky integrate-and-fire neuron (Lapicque, J Physiol Pathol Gen 9:620, 1907) sums its input on a leaky membrane and,
at threshold, fires, is reset and stays there for the refractory time. A presynaptic spike adds to a synaptic variable
that decays exponentially: a current (I_e, I_i), or a conductance (g_e, g_i) that drives the membrane towards a reversal
potential and so also makes it leakier. Parameters of Stimberg, Goodman, Brette & De Pitta (2018), examples 1 and 6.

A rate neuron (Wilson & Cowan, Biophys J 12:1, 1972) follows a transfer function f of its input s with one time
constant: tau_x dx/dt = -x + f(s).

Integration. The current-based neuron and the rate neuron at a held input are linear: method "exact" leaves no error but
that of time on a grid. The conductance-based one is not: method "rk4" errs by 2e-9 of a potential at 0.1 ms, where the
Euler method of the published examples errs by 8e-3.
"""

from typing import Any, NamedTuple

from brian2 import Network, Quantity, ms, mV, nS, pA, pF

from biophys.simulation.parameters import ranges


@ranges(above_zero="C_m", signed="E_l V_th V_r I_ex")
class NeuronParameters(NamedTuple):
    """Membrane and spikes; I_ex is that of example 1 (example 6: 100 pA, which is threshold)."""

    C_m: Quantity = 198 * pF  # membrane capacitance
    g_l: Quantity = 9.99 * nS  # leak conductance
    E_l: Quantity = -60 * mV  # leak reversal potential
    V_th: Quantity = -50 * mV  # firing threshold
    V_r: Quantity = -60 * mV  # potential after a spike
    tau_r: Quantity = 5 * ms  # refractory time
    I_ex: Quantity = 150 * pA  # current from outside


@ranges(above_zero="tau_e tau_i", signed="E_e E_i")
class ConductanceParameters(NamedTuple):
    """Postsynaptic conductances."""

    E_e: Quantity = 0 * mV  # excitatory reversal potential
    E_i: Quantity = -80 * mV  # inhibitory reversal potential
    tau_e: Quantity = 5 * ms  # decay time of excitatory conductance
    tau_i: Quantity = 10 * ms  # decay time of inhibitory conductance


@ranges(above_zero="tau_e tau_i")
class CurrentParameters(NamedTuple):
    """Postsynaptic currents; neither time may equal the membrane's C_m/g_l, where "exact" divides by zero."""

    tau_e: Quantity = 5 * ms  # decay time of excitatory current
    tau_i: Quantity = 10 * ms  # decay time of inhibitory current


@ranges(above_zero="tau_x", signed="gain theta")
class RateParameters(NamedTuple):
    """Rate neuron and its transfer function."""

    tau_x: Quantity = 10 * ms  # time constant
    gain: float = 1.0  # steepness of the transfer function
    theta: float = 0.0  # input at half of the logistic function, or at the foot of the rectified one


# The tiny constants change nothing but keep decaying variables from turning into slow subnormal numbers.
CONDUCTANCE_BASED = """
dv/dt = (g_l*(E_l - v) + g_e*(E_e - v) + g_i*(E_i - v) + I_ex)/C_m : volt (unless refractory)
dg_e/dt = (1e-27*nS - g_e)/tau_e : siemens
dg_i/dt = (1e-27*nS - g_i)/tau_i : siemens
"""

# an inhibitory spike adds a negative current to I_i
CURRENT_BASED = """
dv/dt = (g_l*(E_l - v) + I_e + I_i + I_ex)/C_m : volt (unless refractory)
dI_e/dt = (1e-27*pA - I_e)/tau_e : amp
dI_i/dt = (-1e-27*pA - I_i)/tau_i : amp
"""

# options of a group of spiking neurons
SPIKING = {"threshold": "v > V_th", "reset": "v = V_r", "refractory": "tau_r"}

# Order inside a step: a spike at t acts at t, and the refractory time begins at t. In Brian2's own order, integration
# first, the refractory time is a step too short.
SCHEDULE = ["start", "thresholds", "resets", "synapses", "groups", "end"]


def spikes_first(*objects: Any) -> Network:
    """A network of these objects with that order."""
    network = Network(*objects)
    network.schedule = SCHEDULE
    return network


# complete with LOGISTIC or RECTIFIED and with the input s: a parameter, a sum over synapses, a function of time
RATE = """
dx/dt = (f - x)/tau_x : 1
"""

LOGISTIC = """
f = 1/(1 + exp(-gain*(s - theta))) : 1
"""

RECTIFIED = """
f = gain*clip(s - theta, 0, inf) : 1
"""
