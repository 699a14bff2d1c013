"""IP3 driven into an astrocyte from outside, towards a bias level (Stimberg, Goodman, Brette & De Pitta 2018).

The flux stands for IP3 of a neighbour or of photolysis: it flows towards I_bias, hardly at all while the difference is
below I_Theta, and at its full rate F_ex above. Use it as
`inositol_trisphosphate("O_beta*gamma_A", "J_ex") + EXOGENOUS_DRIVE`. In example 2 of the chapter I_bias is left at 0,
so that the same flux takes IP3 out of the cell wherever it exceeds I_Theta.
"""

from typing import NamedTuple

from brian2 import Quantity, second, umolar

from biophys.simulation.parameters import ranges


@ranges(above_zero="omega_I")
class ExogenousDriveParameters(NamedTuple):
    """Values of Stimberg et al. (2018), examples 3 and 4; examples 2 and 5 have F_ex = 0.09 umolar/second."""

    F_ex: Quantity = 2 * umolar / second  # largest flux
    I_bias: Quantity = 1 * umolar  # IP3 outside; example 3 compares 0.8 and 1.25 umolar
    I_Theta: Quantity = 0.3 * umolar  # difference from which on IP3 flows
    omega_I: Quantity = 0.05 * umolar  # width of that threshold


EXOGENOUS_DRIVE = """
J_ex = -F_ex/2*(1 + tanh((abs(I - I_bias) - I_Theta)/omega_I))*sign(I - I_bias) : mmolar/second
"""
