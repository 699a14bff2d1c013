"""IP3 along a process of an astrocyte, and the calcium it releases in each compartment.

IP3 enters the first compartment, diffuses and is degraded, so that it falls off with the length constant sqrt(D/k).
Calcium of each compartment follows the IP3 there (Li and Rinzel, J Theor Biol 166:461, 1994) and does not diffuse: it
oscillates as far along the process as IP3 lies between the two Hopf points.
"""

from typing import NamedTuple

from brian2 import Network, Quantity, second, umolar

from biophys.astrocyte import CALCIUM, INACTIVATION, INITIAL, STIMBERG_EXAMPLE_4, fastest_rate
from biophys.coupling.exchange import exchange_synapses, exchanging_neurons
from biophys.coupling.gap_junctions import FLUX
from biophys.coupling.process import DIFFUSION, MESSENGER, ProcessParameters, chain
from biophys.simulation.checks import largest
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork, Recordable
from biophys.simulation.parameters import Values, ranges, section


@ranges()
class Shape(NamedTuple):
    """The process."""

    compartments: int = 40  # of length process.dx each


@ranges()
class Stimulus(NamedTuple):
    """What enters the process."""

    J_in: Quantity = 1 * umolar / second  # IP3 made in the first compartment


def build(copies: Copies) -> Network:
    compartments = copies.values["shape"]["compartments"]
    sections = ["process", "astrocyte"]
    process = exchanging_neurons(copies, compartments, CALCIUM + MESSENGER, sections, fluxes=[FLUX], name="process")
    process.C, process.h = INITIAL["C"], INITIAL["h"]
    process.J_source[::compartments] = copies.each("stimulus", "J_in")
    diffusion = exchange_synapses(copies, process, DIFFUSION, ["process"], pairs=chain(compartments), name="diffusion")
    return Network(process, diffusion)


def fastest(values: Values) -> float:
    process = values["process"]
    return largest(fastest_rate(values["astrocyte"]), 4 * process["D_I"] / process["dx"] ** 2 + process["k_I"])


NETWORK = ReadyNetwork(
    name="astrocyte-process",
    sections={
        "process": section(ProcessParameters()),
        "shape": section(Shape()),
        "astrocyte": section(STIMBERG_EXAMPLE_4, used_in=CALCIUM),
        "stimulus": section(Stimulus()),
    },
    records={
        "calcium": Recordable("process", "C", "umolar", "free calcium in the compartment", "compartment", INACTIVATION),
        "inositol_trisphosphate": Recordable(
            "process", "I", "umolar", "IP3 in the compartment", "compartment", "process.k_I"
        ),
        "channels_not_inactivated": Recordable(
            "process", "h", "1", "share of IP3 receptor channels not inactivated", "compartment", INACTIVATION
        ),
    },
    shown=("calcium", "inositol_trisphosphate"),
    build=build,
    seconds=60.0,
    step=0.005,
    every=0.1,
    fastest=fastest,
)
