"""Magnesium blocks the channel of NMDA receptors, and depolarisation expels it.

At rest most open channels are plugged, so that glutamate alone moves little current; a depolarised dendrite frees them,
which depolarises it further. The share that is not blocked is a logistic function of the potential,
B = 1/(1 + [Mg]/K exp(-gamma V)) (Jahr and Stevens, J Neurosci 10:3178, 1990). How steep it is decides whether a
dendrite answers in an all-or-none way (biophys/segment_equilibria.py): models of dendritic spikes fitted to basal and
tuft dendrites (Polsky, Mel and Schiller, J Neurosci 29:11891, 2009; Larkum et al., Science 325:756, 2009) use a steeper
block than Jahr and Stevens measured on cultured neurons.
"""

from typing import NamedTuple

from brian2 import Quantity, exp, mmolar, mV

from biophys.simulation.parameters import ranges


@ranges(above_zero="K_Mg gamma")
class MagnesiumParameters(NamedTuple):
    """The steeper block of Larkum et al. (2009), ModelDB 124043: 0.3 per mM of magnesium, 0.08 per mV."""

    Mg: Quantity = 1 * mmolar  # magnesium outside the cell
    K_Mg: Quantity = 1 / 0.3 * mmolar  # magnesium that blocks half of the channels at 0 mV
    gamma: Quantity = 0.08 / mV  # steepness of the block


LARKUM = MagnesiumParameters()
POLSKY = MagnesiumParameters(K_Mg=4 * mmolar)  # default of the same file, 0.25 per mM
JAHR_STEVENS = MagnesiumParameters(K_Mg=3.57 * mmolar, gamma=0.062 / mV)

BLOCKS = {"larkum": LARKUM, "polsky": POLSKY, "jahr-stevens": JAHR_STEVENS}

MAGNESIUM_BLOCK = """
B = 1/(1 + Mg/K_Mg*exp(-gamma*V)) : 1  # share of the open channels that are not blocked
"""


def unblocked(potential: Quantity, block: MagnesiumParameters) -> Quantity:
    """B at a potential, any shape; for potentials around -70 to 0 mV from a few percent to three quarters."""
    return 1 / (1 + block.Mg / block.K_Mg * exp(-block.gamma * potential))
