"""Astrocytic glutamate receptors at equilibrium with their transmitter (De Pitta et al., J Biol Phys 35:383, 2009).

Binding is taken as fast, so that the active share gamma_A is a function of the transmitter Y_S in the cleft: a Hill
curve with the exponent 0.7 that was measured for IP3 production. Calcium silences the receptors through protein kinase
C: it raises the concentration of half activation from K_R to at most K_R + K_p. The block takes the place of
RECEPTORS in biophys/astrocyte.py, where binding has kinetics of its own.
"""

from typing import NamedTuple

from brian2 import Quantity, umolar

from biophys.simulation.parameters import ranges


@ranges(above_zero="K_R K_pi")
class FastReceptorParameters(NamedTuple):
    """Values of De Pitta et al. (2009), the same for amplitude and frequency modulation."""

    K_R: Quantity = 1.3 * umolar  # transmitter of half activation without calcium
    K_p: Quantity = 10 * umolar  # most by which protein kinase C raises it
    K_pi: Quantity = 0.6 * umolar  # calcium affinity of protein kinase C


DE_PITTA_RECEPTORS = FastReceptorParameters()

FAST_RECEPTORS = """
gamma_A = occupation/(1 + occupation) : 1
occupation = (Y_S/(K_R + K_p*C/(C + K_pi)))**0.7 : 1
"""
