"""Presynaptic plasticity through astrocytic calcium, in rate form, and the scaling of synapses by it.

Every hidden neuron drives an astrocyte process. The process stores the activity h it has seen (g; Mia, Bal and
Sengupta, IEEE TCDS 2025, Eq. 13), a messenger z such as IP3 follows the store, and calcium answers the messenger by a
saturating law: a power (their Eq. 14, alpha = 0.25) or a Hill function,

    c = g_1 rho(z/g_1),    rho(x) = rho_0 + rho_1 x^alpha / (1 + (x/K)^alpha),

where 1/K = 0 is the power law. With g_1 = 1 this is their (sum_t h_t)^alpha; with g_1 the number of tokens, rho acts
on the mean activity. The Hill function a x^n/(half^n + x^n) has alpha = n, K = half, rho_1 = a/half^n. If the store
leaks (Omega_g > 0), it settles at h/(tau_g Omega_g), and the steady state of calcium is the law of the input rate.

While the network is read, the astrocyte sums the calcium of the processes that the query activates, C = (1/m) sum_i
h_i c_i (Eq. 15), and scales all synapses by P = 1/C (Eq. 16; synaptic scaling by TNF-alpha). As in the paper only
calcium that is not zero is inverted. The 1/m, the one of the Hebbian weights, makes the read-out a weighted mean.
Nobody has published time constants of this rate form; those here are our choice.
"""

from typing import NamedTuple

from brian2 import Quantity, second

from biophys.simulation.parameters import ranges


@ranges(above_zero="tau_z g_1")
class PresynapticParameters(NamedTuple):
    """The law of Mia, Bal and Sengupta (2025), Eq. 14; time constants are our choice."""

    Omega_g: Quantity = 0 / second  # rate at which the store leaks
    tau_z: Quantity = 0.5 * second  # lifetime of the messenger
    g_1: float = 1.0  # store that counts as activity 1
    rho_0: float = 0.0  # response without activity
    rho_1: float = 1.0  # response to activity 1 beyond rho_0, without saturation
    alpha: float = 0.25  # exponent (Eq. 14)
    inverse_K: float = 0.0  # 1 over the activity of half saturation; 0: a power law


# of one astrocyte process; h, writing and tau_g (a token's duration) are those of its hidden neuron
PROCESS = """
dg/dt = writing*h/tau_g - Omega_g*g : 1  # activity stored
dz/dt = (g - z)/tau_z : 1                # messenger
x_z = z/g_1 : 1
c = g_1*(rho_0 + rho_1*x_z**alpha/(1 + (x_z*inverse_K)**alpha)) : 1 (constant over dt)  # calcium, for read-outs
"""

# of the astrocyte; C sums over its processes
SCALING = """
C : 1  # calcium that a query calls up
P = reading*int(C > 0)/(C + int(C <= 0)) : 1  # scaling of all synapses
"""
