"""The G-ChI astrocyte: glutamate receptors, IP3 and calcium (De Pitta et al., J Biol Phys 35:383, 2009).

Transmitter Y_S binds astrocytic receptors (bound share gamma_A), which make IP3 (I). IP3 and calcium open
channels of the endoplasmic reticulum (Li & Rinzel, J Theor Biol 166:461, 1994): C is free calcium and h the
share of channels not inactivated by it. Calcium in turn speeds up both making (PLC delta, O_delta) and
breaking (3-kinase, O_3K) of IP3 and, through protein kinase C, silences the receptor (zeta). Equations and
symbols as in Stimberg, Goodman, Brette & De Pitta (2018), "Modeling neuron-glia interactions with the Brian
2 simulator", example 2; other receptors are in biophys/calcium/receptors.py, noise of the channels in
biophys/calcium/channel_noise.py, IP3 from outside in biophys/calcium/exogenous_drive.py.

Rest and oscillation: with K_P = 0.1 umolar calcium answers rising IP3 by oscillations of growing
*amplitude* from I = 0.35 umolar on, with K_P = 0.05 by oscillations of constant amplitude and growing
*frequency* from 0.51 umolar on; above a second Hopf point (0.64 and 0.86 umolar) both settle on a steady
raised level.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from brian2 import Quantity, mmolar, second, umolar

from biophys.simulation.checks import largest
from biophys.simulation.parameters import ranges


@ranges(above_zero="C_T d_1 d_2 d_3 d_5 K_P kappa_delta K_delta K_D K_3K K_KC")
class AstrocyteParameters(NamedTuple):
    """Default values: Stimberg et al. (2018), example 2."""

    C_T: Quantity = 2 * umolar  # total cell calcium per cytosol volume
    rho_A: float = 0.18  # reticulum volume over cytosol volume
    d_1: Quantity = 0.13 * umolar  # IP3 binding affinity
    d_2: Quantity = 1.05 * umolar  # inactivation dissociation constant
    d_3: Quantity = 0.9434 * umolar  # IP3 dissociation constant
    d_5: Quantity = 0.08 * umolar  # calcium activation affinity
    O_2: Quantity = 0.2 / umolar / second  # inactivation binding rate (the chapter prints umolar/second)
    Omega_C: Quantity = 6 / second  # maximal release rate through the channels
    Omega_L: Quantity = 0.1 / second  # leak rate out of the reticulum
    O_P: Quantity = 0.9 * umolar / second  # maximal pump (SERCA) rate into the reticulum
    K_P: Quantity = 0.1 * umolar  # pump affinity
    O_beta: Quantity = 5 * umolar / second  # maximal IP3 production by PLC beta, that is by the receptors
    O_delta: Quantity = 0.2 * umolar / second  # maximal IP3 production by PLC delta
    kappa_delta: Quantity = 1.5 * umolar  # inhibition of PLC delta by IP3
    K_delta: Quantity = 0.3 * umolar  # calcium affinity of PLC delta
    O_3K: Quantity = 4.5 * umolar / second  # maximal degradation by IP3 3-kinase
    K_D: Quantity = 0.5 * umolar  # calcium affinity of the 3-kinase
    K_3K: Quantity = 1 * umolar  # IP3 affinity of the 3-kinase
    Omega_5P: Quantity = 0.1 / second  # degradation rate by IP 5-phosphatase
    O_N: Quantity = 0.3 / umolar / second  # transmitter binding rate of the receptors
    Omega_N: Quantity = 0.5 / second  # unbinding rate of the receptors
    zeta: float = 10.0  # most by which protein kinase C speeds up unbinding
    K_KC: Quantity = 0.5 * umolar  # calcium affinity of protein kinase C


STIMBERG_EXAMPLE_2 = AstrocyteParameters()

# the chapter's default, also of its examples 3 and 5 (which have no receptors); at rest C is 0.435 umolar
STIMBERG_EXAMPLE_4 = STIMBERG_EXAMPLE_2._replace(
    K_P=0.05 * umolar,
    O_beta=3.2 * umolar / second,
    O_delta=0.6 * umolar / second,
    K_delta=0.1 * umolar,
    K_D=0.7 * umolar,
    Omega_5P=0.05 / second,
)

# its network of 3200 astrocytes; at rest C is 0.508 umolar, above the threshold of release
STIMBERG_EXAMPLE_6 = STIMBERG_EXAMPLE_4._replace(O_beta=0.5 * umolar / second, O_delta=1.2 * umolar / second)

# De Pitta et al. (2009), calcium and IP3 of the amplitude-modulated ChI model; calcium as in De Pitta et al. (2008,
# arXiv 0806.2373). The receptors of 2009 are those of biophys/calcium/receptors.py (half saturation 1.3 to 11.3
# umolar); with the kinetics below it is 1.7 to 18.3 umolar.
DE_PITTA_AMPLITUDE = AstrocyteParameters(
    rho_A=0.185,
    d_2=1.049 * umolar,
    d_5=0.08234 * umolar,
    Omega_L=0.11 / second,
    O_beta=0.2 * umolar / second,
    O_delta=0.02 * umolar / second,
    K_delta=0.1 * umolar,
    O_3K=2 * umolar / second,
    K_D=0.7 * umolar,
    Omega_5P=0.04 / second,
)

# The frequency-modulated set of the same paper
DE_PITTA_FREQUENCY = DE_PITTA_AMPLITUDE._replace(
    K_P=0.051 * umolar,
    O_beta=0.5 * umolar / second,
    O_delta=0.05 * umolar / second,
    Omega_5P=0.05 / second,
)

# De Pitta, Ben-Jacob & Berry in "Computational Glioscience" (2019), chapter 5: defaults of its published code, in
# which neither 5-phosphatase nor protein kinase C acts
BOOK_CHAPTER_5 = AstrocyteParameters(
    C_T=4 * umolar,
    rho_A=0.4,
    d_1=0.1 * umolar,
    d_2=2.1 * umolar,
    d_3=0.9967 * umolar,
    d_5=0.2 * umolar,
    O_2=0.4 / umolar / second,
    Omega_C=7 / second,
    Omega_L=0.05 / second,
    O_beta=3 * umolar / second,
    O_delta=0.5 * umolar / second,
    kappa_delta=1 * umolar,
    K_delta=0.5 * umolar,
    O_3K=2 * umolar / second,
    K_D=0.5 * umolar,
    Omega_5P=0 / second,
    O_N=0.3 / umolar / second,
    Omega_N=1.8 / second,
    zeta=0.0,
)

# cells that rest at low calcium and answer transmitter
PARAMETER_SETS = {
    "stimberg-example-2": STIMBERG_EXAMPLE_2,
    "de-pitta-amplitude": DE_PITTA_AMPLITUDE,
    "de-pitta-frequency": DE_PITTA_FREQUENCY,
}

PUBLISHED_SETS = {
    **PARAMETER_SETS,
    "stimberg-example-4": STIMBERG_EXAMPLE_4,
    "stimberg-example-6": STIMBERG_EXAMPLE_6,
    "book-chapter-5": BOOK_CHAPTER_5,
}

# calcium alone is the model of Li and Rinzel
CALCIUM = """
dC/dt = (Omega_C*m_inf**3*h**3 + Omega_L)*(C_T - (1 + rho_A)*C) - O_P*C**2/(C**2 + K_P**2) : mmolar
dh/dt = O_2*(Q_2 - (Q_2 + C)*h) : 1
m_inf = I/(I + d_1)*C/(C + d_5) : 1
Q_2 = d_2*(I + d_1)/(I + d_3) : mmolar
"""


def inositol_trisphosphate(*sources: str) -> str:
    """Equations of IP3 that is made by the named fluxes, and turned over by the enzymes calcium controls.

    sources: expressions or names in mmolar/second, such as "O_beta*gamma_A", "J_ex" or a constant "J_beta".
    """
    return f"""
dI/dt = {" + ".join(sources)} + J_delta - J_3K - Omega_5P*I : mmolar
J_delta = O_delta/(1 + I/kappa_delta)*C**2/(C**2 + K_delta**2) : mmolar/second
J_3K = O_3K*C**4/(C**4 + K_D**4)*I/(I + K_3K) : mmolar/second
"""


INOSITOL_TRISPHOSPHATE = inositol_trisphosphate("O_beta*gamma_A")

RECEPTORS = """
dgamma_A/dt = O_N*Y_S*(1 - gamma_A) - Omega_N*(1 + zeta*C/(C + K_KC))*gamma_A : 1
"""

# a resting cell: C and I near the rest state of all three sets, channels at their equilibrium, receptors free
INITIAL = {"C": 0.06 * umolar, "h": 0.79, "I": 0.1 * umolar, "gamma_A": 0.0}

FLOOR = 1e-27 * mmolar  # of transmitter in the cleft (see biophys/synapse.py)
STEEPEST_PUMP = 3 * 3**0.5 / 8  # largest slope of x**2/(x**2 + 1)


def parameter_set(name: str, known: Mapping[str, AstrocyteParameters] = PARAMETER_SETS) -> AstrocyteParameters:
    """The named set of those known. Raises ValueError that lists their names."""
    if name not in known:
        raise ValueError(f"parameter set {name!r} is not known; use one of {', '.join(known)}")
    return known[name]


def settling_time(cell: AstrocyteParameters) -> Quantity:
    """Three lifetimes of IP3, the slowest variable: what is left of the start is then at most 5 %."""
    return 3 / cell.Omega_5P


# of the channels, at its fastest: calcium rises and falls with them (see `Recordable.fades`)
INACTIVATION = "astrocyte.O_2*astrocyte.C_T"


def fastest_rate(cell: Mapping[str, Any]) -> float:
    """Largest rate (1/s) at which release, pump or (where given) IP3 turnover relax; for the largest step.

    cell: parameters by name, scalars or arrays.
    """
    rates = [cell["Omega_C"] * (1 + cell["rho_A"]), STEEPEST_PUMP * cell["O_P"] / cell["K_P"]]
    if "O_3K" in cell:
        rates.append(cell["O_3K"] / cell["K_3K"] + cell["Omega_5P"])
    return largest(*rates)
