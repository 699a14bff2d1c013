"""Calcium and IP3 of one astrocyte in constant glutamate: the G-ChI model (De Pitta et al. 2009).

The ChI model whose IP3 is made by receptors at equilibrium with their glutamate. The default set modulates amplitude;
K_P = 0.051 umolar, O_beta = 0.5 and O_delta = 0.05 umolar/second and Omega_5P = 0.05/second modulate frequency.
"""

from typing import NamedTuple

from brian2 import Network, Quantity, umolar

from biophys.astrocyte import CALCIUM, DE_PITTA_AMPLITUDE, INOSITOL_TRISPHOSPHATE
from biophys.calcium.receptors import DE_PITTA_RECEPTORS, FAST_RECEPTORS
from biophys.ready_networks import chi
from biophys.ready_networks.li_rinzel import alone
from biophys.simulation.copies import Copies
from biophys.simulation.network import Recordable
from biophys.simulation.parameters import ranges, section


@ranges()
class Stimulus(NamedTuple):
    """What is held fixed."""

    Y_S: Quantity = 1 * umolar  # glutamate at the receptors


EQUATIONS = CALCIUM + INOSITOL_TRISPHOSPHATE + FAST_RECEPTORS


def build(copies: Copies) -> Network:
    sections = ["astrocyte", "receptors", "stimulus"]
    return alone(copies, copies.neurons(1, EQUATIONS, sections, method="rk4", name="astrocyte"))


NETWORK = chi.NETWORK._replace(
    name="g-chi",
    sections={
        "astrocyte": section(DE_PITTA_AMPLITUDE, used_in=EQUATIONS),
        "receptors": section(DE_PITTA_RECEPTORS),
        "stimulus": section(Stimulus()) | section(chi.Stimulus(), "C_0", "h_0", "I_0"),
    },
    records={
        **chi.NETWORK.records,
        "receptors_active": Recordable("astrocyte", "gamma_A", "1", "share of receptors active"),
    },
    build=build,
)
