"""Release of gliotransmitter by calcium, and presynaptic receptors that it binds: De Pitta, Volman, Berry & Ben-Jacob,
PLoS Comput Biol 7:e1002293 (2011).

When calcium of an astrocyte rises through C_Theta, a share U_A of its available gliotransmitter vesicles (x_A) is
released, once for each crossing: until calcium has fallen below C_Theta again the cell is refractory. The
gliotransmitter (G_A) is cleared within tens of milliseconds but binds receptors of the presynaptic terminal (bound
share Gamma_S), which let go over minutes. They move the release probability of the synapse from U_0 at rest towards
alpha: below U_0 gliotransmission decreases release, above it increases release. If U_0 > Omega_d/(Omega_d+Omega_f) >
alpha, a depressing synapse becomes a facilitating one (biophys/release_theory.py). Equations and values of Stimberg,
Goodman, Brette & De Pitta (2018), examples 3 and 4.

Gamma_S depends on its astrocyte alone, so it is a variable of the astrocyte, shared by all its synapses. It answers
G_A within milliseconds, which would force small steps. But G_A has one decay rate, and therefore
f_S = (1 - Gamma_S) exp(-O_G/Omega_e G_A), the share of receptors that will be left free by the gliotransmitter now in
the cleft, is slow: the binding cancels in df_S/dt exactly, and only unbinding remains. G_A itself is written in closed
form. So nothing is held over a step (as published, which costs 1 %): after a release Gamma_S is right to 2e-9 at a step
of 10 ms. Where clearance is so slow that this share would be too small a number, it is that of the receptors left free
once G_A has fallen to G_ref, what it was at the last step; G_ref is 0 otherwise.
"""

from typing import Any, NamedTuple

from brian2 import Quantity, mmolar, rk4, second, umolar

from biophys.simulation.parameters import ranges


@ranges(above_zero="Omega_e", shares="U_A alpha")
class GliotransmissionParameters(NamedTuple):
    """Values of Stimberg et al. (2018), examples 3 and 4: release-decreasing gliotransmission."""

    C_Theta: Quantity = 0.5 * umolar  # calcium threshold of release
    Omega_A: Quantity = 0.6 / second  # recovery rate of gliotransmitter vesicles
    U_A: float = 0.6  # share of the available vesicles that is released at a time
    G_T: Quantity = 200 * mmolar  # gliotransmitter concentration in a vesicle
    rho_e: float = 6.5e-4  # vesicle volume over the mixing volume outside the cell
    Omega_e: Quantity = 60 / second  # clearance rate of gliotransmitter
    O_G: Quantity = 1.5 / umolar / second  # binding rate of the presynaptic receptors; 0 for a synapse without them
    Omega_G: Quantity = 0.5 / (60 * second)  # unbinding rate of the presynaptic receptors
    alpha: float = 0.0  # release probability of a synapse whose receptors are all bound


RELEASE_DECREASING = GliotransmissionParameters()
RELEASE_INCREASING = RELEASE_DECREASING._replace(alpha=1.0)

LARGEST_EXPONENT = 100  # of the share of receptors; numbers end at 745

GLIOTRANSMITTER = """
dx_A/dt = Omega_A*(1 - x_A) : 1  # available share of vesicles
G_A = G_0*exp(-Omega_e*(t - t_A)) : mmolar
G_0 : mmolar  # G_A just after the last release
t_A : second  # time of the last release
G_ref : mmolar  # G_A at which the share f_S will be left free
"""

PRESYNAPTIC_RECEPTORS = """
df_S/dt = Omega_G*(exp(-O_G/Omega_e*(G_A - G_ref)) - f_S) : 1
Gamma_S = 1 - f_S*exp(O_G/Omega_e*(G_A - G_ref)) : 1
"""

# options of the group of astrocytes
RELEASING = {
    "threshold": "C > C_Theta",
    "refractory": "C > C_Theta",
    "reset": f"""
f_S *= exp(-O_G/Omega_e*rho_e*G_T*U_A*x_A*int(O_G/Omega_e*rho_e*G_T*U_A*x_A <= {LARGEST_EXPONENT}))
G_ref += rho_e*G_T*U_A*x_A*int(O_G/Omega_e*rho_e*G_T*U_A*x_A > {LARGEST_EXPONENT})
G_0 = G_A + rho_e*G_T*U_A*x_A
t_A = t
x_A -= U_A*x_A
""",
}

REFERRED = f"""
f_S = f_S*exp(O_G/Omega_e*(G_A*int(O_G/Omega_e*G_A > {LARGEST_EXPONENT}) - G_ref))
G_ref = G_A*int(O_G/Omega_e*G_A > {LARGEST_EXPONENT})
"""


def referred_rk4(*arguments: Any) -> str:
    """Brian2's Runge-Kutta method, at whose end presynaptic receptors are referred to gliotransmitter that is left."""
    return rk4(*arguments) + REFERRED


# vesicles full, receptors free
INITIAL = {"x_A": 1.0, "f_S": 1.0}

# the efficacy U_S of a spike (see biophys/synapse.py) of a synapse onto the astrocyte that modulates it
MODULATED = "U_S = (1 - Gamma_S_post)*U_0 + alpha*Gamma_S_post\n"
