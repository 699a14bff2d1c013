"""Calcium of one astrocyte at a fixed IP3 concentration (Li and Rinzel, J Theor Biol 166:461, 1994).

Shows the oscillation regimes of De Pitta et al. (2009): with the default K_P = 0.1 umolar the amplitude grows with
IP3, with K_P = 0.051 umolar the frequency does.
"""

from typing import NamedTuple

from brian2 import Network, NeuronGroup, Quantity, umolar

from biophys.astrocyte import CALCIUM, DE_PITTA_AMPLITUDE, fastest_rate
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork
from biophys.simulation.parameters import ranges, section
from biophys.tripartite import records_of


@ranges(shares="h_0")
class Stimulus(NamedTuple):
    """What is held fixed, and where the cell starts."""

    I: Quantity = 0.5 * umolar  # IP3 in the cell  # noqa: E741
    C_0: Quantity = 0.1 * umolar  # calcium at the start
    h_0: float = 0.8  # share of channels not inactivated at the start


def build(copies: Copies) -> Network:
    return alone(copies, copies.neurons(1, CALCIUM, ["astrocyte", "stimulus"], method="rk4", name="astrocyte"))


def alone(copies: Copies, cell: NeuronGroup) -> Network:
    """A cell by itself, whose states C, h and so on start at C_0, h_0 and so on of the stimulus."""
    starts = [name for name in copies.values["stimulus"] if name.endswith("_0")]
    cell.set_states({name.removesuffix("_0"): copies.each("stimulus", name) for name in starts})
    return Network(cell)


NETWORK = ReadyNetwork(
    name="li-rinzel",
    sections={"astrocyte": section(DE_PITTA_AMPLITUDE, used_in=CALCIUM), "stimulus": section(Stimulus())},
    records=records_of("calcium channels_not_inactivated"),
    shown=("calcium", "channels_not_inactivated"),
    build=build,
    seconds=60.0,
    step=0.01,
    every=0.1,
    fastest=lambda values: fastest_rate(values["astrocyte"]),
)
