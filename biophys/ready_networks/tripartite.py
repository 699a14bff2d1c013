"""An astrocyte and the synapses that it listens to and modulates: the tripartite synapse, loop closed.

Poisson spikes release transmitter at depressing synapses; the astrocyte answers their mean concentration by IP3 and
calcium (De Pitta et al., J Biol Phys 35:383, 2009), releases gliotransmitter whenever calcium crosses a threshold, and
so lowers the release probability of all its synapses for minutes (De Pitta et al., PLoS Comput Biol 7:e1002293, 2011).
With the default values calcium oscillates up to 3 Hz, with a release every 5 s; from 5 Hz on it settles above the
threshold, where the astrocyte is refractory: the first release stays the only one, and the synapses recover from it.
"""

from typing import NamedTuple

import numpy as np
from brian2 import Hz, Network, Quantity

from biophys.astrocyte import AstrocyteParameters
from biophys.gliotransmission import GliotransmissionParameters
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork
from biophys.simulation.parameters import ranges, section
from biophys.simulation.stimulus import SpikeTrains, poisson_trains
from biophys.synapse import SynapseParameters
from biophys.tripartite import RECORDS, closed_loop, fastest


@ranges()
class Stimulus(NamedTuple):
    """Poisson spikes, independent from synapse to synapse."""

    rate: Quantity = 1 * Hz  # of each presynaptic cell
    synapses: int = 20  # presynaptic cells, one release site each


def build(copies: Copies) -> Network:
    def trains(copy: int) -> SpikeTrains:
        stimulus = copies.of(copy, "stimulus")
        rates = np.full(stimulus.synapses, stimulus.rate)
        return poisson_trains(rates, copies.seconds, copies.step, copies.chance(copy, "stimulus"))

    return closed_loop(copies, trains, copies.values["stimulus"]["synapses"])


NETWORK = ReadyNetwork(
    name="tripartite",
    sections={
        "stimulus": section(Stimulus()),
        "synapse": section(SynapseParameters()),
        "astrocyte": section(AstrocyteParameters()),
        "gliotransmission": section(GliotransmissionParameters()),
    },
    records=RECORDS,
    shown=("calcium", "inositol_trisphosphate", "released_transmitter", "presynaptic_receptors_bound"),
    build=build,
    seconds=60.0,
    step=0.0025,
    every=0.025,  # the lifetime of transmitter in the cleft
    fastest=fastest,
)
