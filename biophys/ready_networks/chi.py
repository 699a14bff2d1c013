"""Calcium and IP3 of one astrocyte at a constant production of IP3: the ChI model (De Pitta et al. 2009).

Calcium speeds up both making and breaking of IP3, so both oscillate together. The default set modulates amplitude;
K_P = 0.051 umolar, O_delta = 0.05 umolar/second and Omega_5P = 0.05/second modulate frequency.
"""

from typing import NamedTuple

from brian2 import Network, Quantity, second, umolar

from biophys.astrocyte import CALCIUM, DE_PITTA_AMPLITUDE, inositol_trisphosphate
from biophys.ready_networks.li_rinzel import NETWORK as LI_RINZEL
from biophys.ready_networks.li_rinzel import alone
from biophys.simulation.copies import Copies
from biophys.simulation.parameters import ranges, section
from biophys.tripartite import records_of


@ranges(shares="h_0")
class Stimulus(NamedTuple):
    """What is held fixed, and where the cell starts."""

    J_beta: Quantity = 0.02 * umolar / second  # production of IP3
    C_0: Quantity = 0.1 * umolar  # calcium at the start
    h_0: float = 0.8  # share of channels not inactivated at the start
    I_0: Quantity = 0.2 * umolar  # IP3 at the start


EQUATIONS = CALCIUM + inositol_trisphosphate("J_beta")


def build(copies: Copies) -> Network:
    return alone(copies, copies.neurons(1, EQUATIONS, ["astrocyte", "stimulus"], method="rk4", name="astrocyte"))


NETWORK = LI_RINZEL._replace(
    name="chi",
    sections={"astrocyte": section(DE_PITTA_AMPLITUDE, used_in=EQUATIONS), "stimulus": section(Stimulus())},
    records=records_of("calcium channels_not_inactivated inositol_trisphosphate"),
    shown=("calcium", "inositol_trisphosphate"),
    build=build,
    step=0.005,  # spikes of frequency modulation rise so fast that 0.01 s errs by 1e-6 there
)
