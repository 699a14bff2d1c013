"""Every synapse with a cleft and receptors of its own: the general form of what biophys/tripartite.py lumps.

Transmitter Y_S of a synapse decays at one rate, and the bound share Gamma_S of its presynaptic receptors follows the
gliotransmitter of one astrocyte. If the rates are the same for all synapses of an astrocyte, their mean Y_S and their
common Gamma_S obey the same equations as each, and can be variables of the astrocyte: exact, and six to nine times
faster. Use this form where synapses of an astrocyte differ, in clearance or in binding. Equations of Stimberg, Goodman,
Brette & De Pitta (2018), with G_A in closed form inside the step (biophys/gliotransmission.py); the sum of Y_S is held
over a step, an error of first order, 2e-3 of a pulse at 0.1 ms.
"""

from brian2 import NeuronGroup, Synapses

from biophys.synapse import RELEASE, RELEASE_SITE

SEPARATE_SITE = (
    RELEASE_SITE
    + """
dY_own/dt = -Omega_c*(Y_own - Y_floor) : mmolar (clock-driven)  # transmitter in this cleft
dGamma_own/dt = O_G*G_0_post*exp(-Omega_e*(t - t_A_post))*(1 - Gamma_own) - Omega_G*Gamma_own : 1 (clock-driven)
Y_S_post = Y_own/N_incoming : mmolar (summed)
"""
)
ON_SPIKE = (
    "U_S = (1 - Gamma_own)*U_0 + alpha*Gamma_own\n"
    + RELEASE
    + """
Y_own += rho_c*Y_T*r_S
R_S_post += r_S/N_incoming
"""
)
# on the astrocyte, in place of CLEFT and PRESYNAPTIC_RECEPTORS
HELD_CLEFT = """
Y_S : mmolar
R_S : 1
"""


def separate_synapses(
    source: object, astrocyte: NeuronGroup, namespace: dict[str, object], *, extra: str = "", name: str = "release"
) -> Synapses:
    """Release sites onto `astrocyte`, which has the variables Y_S and R_S of HELD_CLEFT, and G_0 and t_A.

    namespace: all parameters of synapse and gliotransmission; extra: what else a spike does.
    """
    return Synapses(
        source, astrocyte, SEPARATE_SITE, on_pre=ON_SPIKE + extra, namespace=namespace, method="rk4", name=name
    )
