"""Release of neurotransmitter with short-term plasticity: Tsodyks, Pawelzik & Markram, Neural Comput 10:821
(1998).

Two variables describe a release site between spikes: u_S, the share of available vesicles that calcium
makes ready (decays at Omega_f), and x_S, the share of vesicles that is available (recovers at Omega_d). A
spike first readies vesicles (u), then releases r = u x, then empties the pool (x), and the transmitter
reaches the cleft (Y_S): in this order, as in Stimberg, Goodman, Brette & De Pitta (2018), where U_0 = 0.6
lies above Omega_d/(Omega_d+Omega_f) = 0.375, so that the site depresses and release per second saturates at
Omega_d.

The cleft concentration Y_S is linear with one decay rate Omega_c for all sites, so only its mean over the
sites of an astrocyte is kept, as a variable of the astrocyte (exact, and far cheaper than one variable a
synapse).
"""

from typing import NamedTuple

from brian2 import Quantity, mmolar, second

from biophys.simulation.parameters import ranges


@ranges(above_zero="Omega_c", shares="U_0")
class SynapseParameters(NamedTuple):
    """Values of Stimberg et al. (2018), example 2; the other examples differ only in rho_c = 0.005."""

    Omega_d: Quantity = 2 / second  # recovery rate of vesicles
    Omega_f: Quantity = 3.33 / second  # decay rate of release-readying calcium
    U_0: float = 0.6  # resting release probability
    Y_T: Quantity = 500 * mmolar  # transmitter concentration in a vesicle
    rho_c: float = 0.001  # vesicle volume over the mixing volume of the cleft
    Omega_c: Quantity = 40 / second  # clearance rate of transmitter from the cleft


RELEASE_SITE = """
du_S/dt = -Omega_f*u_S      : 1 (event-driven)  # ready share
dx_S/dt = Omega_d*(1 - x_S) : 1 (event-driven)  # available share
"""

LAST_RELEASE = """
r_S : 1  # share released by the last spike
"""

# at a spike, in this order. The efficacy U_S is U_0, or what receptors make of it (biophys/gliotransmission.py)
AT_REST = "U_S = U_0\n"

RELEASE = """
u_S += U_S*(1 - u_S)
r_S = u_S*x_S
x_S -= r_S
"""

# the astrocyte holds means over its N_incoming sites: of concentration, and of all release so far
INTO_CLEFT = """
Y_S_post += rho_c*Y_T*r_S/N_incoming
R_S_post += r_S/N_incoming
"""

ON_SPIKE = AT_REST + RELEASE + INTO_CLEFT

# the floor, 1e-27 mmolar, changes nothing but keeps Y_S from decaying into slow subnormal numbers
CLEFT = """
dY_S/dt = -Omega_c*(Y_S - Y_floor) : mmolar  # mean transmitter concentration in the clefts
R_S : 1  # vesicle pools released so far, mean over the sites
"""
