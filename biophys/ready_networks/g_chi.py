"""Calcium and IP3 of one astrocyte in constant glutamate: the G-ChI model (De Pitta et al. 2009).

The ChI model whose IP3 is made by receptors at equilibrium with their glutamate. The default set modulates amplitude;
K_P = 0.051 umolar, O_beta = 0.5 and O_delta = 0.05 umolar/second and Omega_5P = 0.05/second modulate frequency.
"""

from typing import NamedTuple

from brian2 import Network, Quantity, umolar

from biophys.astrocyte import (
    CALCIUM,
    CALCIUM_PARAMETERS,
    DE_PITTA_AMPLITUDE,
    INOSITOL_TRISPHOSPHATE,
    INOSITOL_TRISPHOSPHATE_PARAMETERS,
)
from biophys.calcium.receptors import DE_PITTA_RECEPTORS, FAST_RECEPTORS
from biophys.ready_networks.chi import NETWORK as CHI
from biophys.simulation.copies import Copies
from biophys.simulation.network import Recordable
from biophys.simulation.parameters import section


class Stimulus(NamedTuple):
    """What is held fixed, and where the cell starts."""

    Y_S: Quantity = 1 * umolar  # glutamate at the receptors
    C_0: Quantity = 0.1 * umolar  # calcium at the start
    h_0: float = 0.8  # share of channels not inactivated at the start
    I_0: Quantity = 0.2 * umolar  # IP3 at the start


def build(copies: Copies) -> Network:
    equations = CALCIUM + INOSITOL_TRISPHOSPHATE + FAST_RECEPTORS
    cell = copies.neurons(1, equations, ["astrocyte", "receptors", "stimulus"], method="rk4", name="astrocyte")
    for state in ("C", "h", "I"):
        setattr(cell, state, copies.each("stimulus", f"{state}_0"))
    return Network(cell)


NETWORK = CHI._replace(
    name="g-chi",
    sections={
        "astrocyte": section(DE_PITTA_AMPLITUDE, *CALCIUM_PARAMETERS, *INOSITOL_TRISPHOSPHATE_PARAMETERS),
        "receptors": section(DE_PITTA_RECEPTORS),
        "stimulus": section(Stimulus()),
    },
    records={
        **CHI.records,
        "receptors_active": Recordable("astrocyte", "gamma_A", "1", "share of receptors active"),
    },
    build=build,
)
