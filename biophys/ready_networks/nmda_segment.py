"""One NMDA segment, and synapses of which some fire within a short window (mechanism in biophys/dendrite.py).

With the default block 11 synapses stay below threshold and 12 make a plateau. With that of Jahr and Stevens (1990),
`--set magnesium.K_Mg=3.57*mmolar --set magnesium.gamma=0.062/mV`, the answer grows smoothly with their number.

Chance: the times of the spikes, if `window` is above 0, and the conductances of the synapses, if `spread` is.
"""

from typing import NamedTuple

import numpy as np
from brian2 import Network, Quantity, ms
from numpy.typing import NDArray

from biophys.dendrite import (
    ON_SPIKE,
    SEGMENT,
    SYNAPSE,
    GlutamateParameters,
    SegmentParameters,
    check_glutamate,
    fastest_rate,
    volley,
)
from biophys.magnesium_block import MagnesiumParameters
from biophys.neuron import spikes_first
from biophys.simulation.checks import check_each
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork, Recordable
from biophys.simulation.parameters import Values, ranges, section


@ranges()
class Stimulus(NamedTuple):
    """Which synapses fire, and when; once each."""

    synapses: int = 40  # of the segment
    active: float = 15.0  # of them that fire
    onset: Quantity = 20 * ms  # time of the first spikes
    window: Quantity = 0 * ms  # they fall anywhere within this time
    spread: float = 0.0  # coefficient of variation of the synapses' conductances (gamma-distributed)


def build(copies: Copies) -> Network:
    synapses = copies.values["stimulus"]["synapses"]
    presynaptic = copies.spikes(lambda copy: volley(copies, copy), name="presynaptic")
    segment = copies.neurons(
        1, SEGMENT, ["segment", "synapse", "magnesium"], name="segment", method="rk4",
        threshold="V > V_spike", refractory="V > V_spike",
    )  # fmt: skip
    segment.V = copies.each("segment", "V_0")
    contacts = copies.synapses(
        presynaptic, segment, SYNAPSE, ["synapse"], name="synapse", on_pre=ON_SPIKE,
        pairs=(np.arange(synapses), 0),
    )  # fmt: skip
    contacts.weight = np.concatenate([weights(copies, copy) for copy in range(copies.count)])
    return spikes_first(presynaptic, segment, contacts)


def weights(copies: Copies, copy: int) -> NDArray:
    """Conductance of each synapse, of the mean."""
    stimulus = copies.of(copy, "stimulus")
    if stimulus.spread == 0:
        return np.ones(stimulus.synapses)
    return copies.chance(copy, "conductances").gamma(stimulus.spread**-2, stimulus.spread**2, stimulus.synapses)


def fastest(values: Values) -> float:
    segment = values["segment"]
    return fastest_rate(segment["g_L"], segment["C_m"], values["synapse"], values["stimulus"]["active"])


def check(values: Values) -> None:
    """ValueError in one sentence for a segment that cannot be."""
    synapses = values["stimulus"]["synapses"]
    rule = f"is no count of the {synapses} synapses; use a whole number from 0 to that"
    check_each(values, "stimulus.active", range(synapses + 1).__contains__, rule)
    check_glutamate(values)


NETWORK = ReadyNetwork(
    name="nmda-segment",
    sections={
        "stimulus": section(Stimulus()),
        "segment": section(SegmentParameters()),
        "synapse": section(GlutamateParameters()),
        "magnesium": section(MagnesiumParameters()),
    },
    records={
        "voltage": Recordable("segment", "V", "mV", "potential of the segment", fades="segment.C_m/segment.g_L"),
        "nmda_conductance": Recordable(
            "segment", "G_N", "nS", "NMDA conductance, were nothing blocked", fades="synapse.tau_d"
        ),
        "ampa_conductance": Recordable("segment", "G_A", "nS", "AMPA conductance", fades="synapse.tau_A"),
        "unblocked": Recordable("segment", "B", "1", "share of NMDA channels that magnesium leaves free"),
        "nmda_spikes": Recordable("segment", "spikes", "s", "times at which V rises above V_spike"),
        "presynaptic_spikes": Recordable("presynaptic", "spikes", "s", "presynaptic spike times", "synapse"),
    },
    shown=("voltage", "nmda_conductance", "unblocked"),
    build=build,
    seconds=0.2,
    step=0.00005,
    every=0.0005,
    fastest=fastest,
    check=check,
)
