"""One synapse, its astrocyte and the gliotransmission between them: the loop cut, driven from outside, or closed.

Examples 3 and 4 of Stimberg, Goodman, Brette & De Pitta (2018), after De Pitta et al., PLoS Comput Biol 7:e1002293
(2011). Each of many equal units is a presynaptic cell, its release site and an astrocyte of its own; the rate of the
Poisson spikes grows from stage to stage. LOOPS says which parameters make the three cases: a synapse without
receptors; an astrocyte that is deaf to its synapse and driven by IP3 from outside (I_bias = 1 umolar); both joined. As
published, the closed loop leaves I_bias at 0, so that IP3 drains above I_Theta = 0.3 umolar. That keeps a cell quiet
whose own rest state (C = 0.435 umolar) is near the threshold of release.
"""

from typing import Any, NamedTuple

import numpy as np
from brian2 import Hz, Network, Quantity, second, umolar
from numpy.typing import NDArray

from biophys.astrocyte import CALCIUM, STIMBERG_EXAMPLE_4, inositol_trisphosphate
from biophys.calcium.exogenous_drive import EXOGENOUS_DRIVE, ExogenousDriveParameters
from biophys.gliotransmission import GliotransmissionParameters
from biophys.simulation.checks import largest
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork
from biophys.simulation.parameters import Values, ranges, section
from biophys.simulation.stimulus import SpikeTrains, modulated_trains
from biophys.synapse import SynapseParameters
from biophys.tripartite import RECORDS, closed_loop, fastest

CELL = CALCIUM + inositol_trisphosphate("O_beta*gamma_A", "J_ex") + EXOGENOUS_DRIVE
START = {"C": 0 * umolar, "h": 0.9, "I": 0 * umolar}

# parameters of the three cases
LOOPS: Values = {
    "none": {"gliotransmission.O_G": 0 / umolar / second},
    "open": {"astrocyte.O_N": 0 / umolar / second, "astrocyte.I_bias": 1 * umolar},
    "closed": {},
}


@ranges(above_zero="stage")
class Stimulus(NamedTuple):
    """Poisson spikes whose rate grows in stages."""

    rate: Quantity = 0.011 * Hz  # of each presynaptic cell in the first stage
    growth: float = 10.0  # factor of the rate from each stage to the next
    stages: int = 4  # number of stages; the last one lasts to the end
    stage: Quantity = 5 * second  # time of a stage
    astrocytes: int = 50  # equal units: a presynaptic cell, its release site and an astrocyte


def build(copies: Copies) -> Network:
    def trains(copy: int) -> SpikeTrains:
        stimulus = copies.of(copy, "stimulus")

        def rate(times: NDArray) -> NDArray:
            return stimulus.rate * stimulus.growth ** np.minimum(times // stimulus.stage, stimulus.stages - 1)

        highest = np.full(stimulus.astrocytes, highest_rate(stimulus.rate, stimulus.growth, stimulus.stages))
        return modulated_trains(rate, highest, copies.seconds, copies.step, copies.chance(copy, "stimulus"))

    return closed_loop(copies, trains, 1, cell=CELL, start=START)


def highest_rate(first: Any, growth: Any, stages: int) -> Any:
    """Of all stages; in the unit of `first`."""
    return first * np.maximum(growth, 1.0) ** (stages - 1)


def fastest_process(values: Values) -> float:
    """Rate (1/s), as `fastest` of the closed loop, with the last stage and the drive of IP3."""
    stimulus, cell = values["stimulus"], values["astrocyte"]
    spikes = highest_rate(stimulus["rate"], stimulus["growth"], stimulus["stages"])
    drive = cell["F_ex"] / (2 * cell["omega_I"])
    return largest(fastest(values), spikes, drive)


NETWORK = ReadyNetwork(
    name="gliotransmission",
    sections={
        "stimulus": section(Stimulus()),
        "synapse": section(SynapseParameters(rho_c=0.005)),
        "astrocyte": section(STIMBERG_EXAMPLE_4) | section(ExogenousDriveParameters(I_bias=0 * umolar)),
        "gliotransmission": section(GliotransmissionParameters()),
    },
    records=RECORDS,
    shown=("calcium", "released_transmitter", "presynaptic_receptors_bound"),
    build=build,
    seconds=20.0,
    step=0.001,
    every=0.01,
    fastest=fastest_process,
)
