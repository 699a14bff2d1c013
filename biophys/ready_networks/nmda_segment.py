"""One NMDA segment, and synapses of which some fire within a short window (mechanism in biophys/dendrite.py).

With the default block 11 synapses stay below threshold and 12 make a plateau. With that of Jahr and Stevens (1990),
`--set magnesium.K_Mg=3.57*mmolar --set magnesium.gamma=0.062/mV`, the answer grows smoothly with their number.

Chance: the times of the spikes, if `window` is above 0, and the conductances of the synapses, if `spread` is.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from brian2 import Network, Quantity, ms, second
from numpy.typing import NDArray

from biophys.dendrite import (
    ON_SPIKE,
    SEGMENT,
    SYNAPSE,
    GlutamateParameters,
    SegmentParameters,
    check_glutamate,
    check_positive,
    fastest_rate,
)
from biophys.magnesium_block import MagnesiumParameters
from biophys.neuron import SCHEDULE
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork, Recordable
from biophys.simulation.parameters import section
from biophys.simulation.quantities import written
from biophys.simulation.stimulus import SpikeTrains


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
        pairs=(np.arange(synapses), np.zeros(synapses, int)),
    )  # fmt: skip
    contacts.weight = np.concatenate([weights(copies, copy) for copy in range(copies.count)])
    network = Network(presynaptic, segment, contacts)
    network.schedule = SCHEDULE
    return network


def volley(copies: Copies, copy: int) -> SpikeTrains:
    """A spike of each of the first `active` cells, on the grid of time steps."""
    active, onset, window = (float(copies.each("stimulus", name)[copy]) for name in ("active", "onset", "window"))
    times = onset + window * copies.chance(copy, "times").random(round(active))
    step, seconds = float(copies.clock.dt / second), float(copies.seconds / second)
    if step < seconds <= onset + window:  # a network that is built to be counted lasts one step
        raise ValueError(
            f"{seconds:g} s end before the last spike at up to {onset + window:g} s; simulate longer or fire earlier"
        )
    cells = np.arange(round(active))
    return SpikeTrains(copies.values["stimulus"]["synapses"], cells, np.rint(times / step) * step)


def weights(copies: Copies, copy: int) -> NDArray:
    """Conductance of each synapse, of the mean."""
    synapses, spread = copies.values["stimulus"]["synapses"], float(copies.each("stimulus", "spread")[copy])
    if spread == 0:
        return np.ones(synapses)
    return copies.chance(copy, "conductances").gamma(spread**-2, spread**2, synapses)


def fastest(values: Mapping[str, Mapping[str, Any]]) -> Any:
    segment = values["segment"]
    return fastest_rate(segment["g_L"], segment["C_m"], values["synapse"], values["stimulus"]["active"])


def check(values: Mapping[str, Mapping[str, Any]]) -> None:
    """ValueError in one sentence for a segment that cannot be."""
    stimulus = values["stimulus"]
    for active in np.atleast_1d(stimulus["active"]):
        if active != np.rint(active) or not 0 <= active <= stimulus["synapses"]:
            raise ValueError(
                f"stimulus.active={active:g} is no count of the {stimulus['synapses']} synapses; "
                "use a whole number from 0 to that"
            )
    for name in ("onset", "window", "spread"):
        if np.min(stimulus[name]) < 0:
            raise ValueError(f"stimulus.{name}={written(np.min(stimulus[name]) * 1)} is negative; use 0 or more")
    check_positive("segment", values["segment"], "E_L", "E_e", "V_0", "V_spike")
    check_positive("magnesium", values["magnesium"], "Mg")
    check_glutamate(values["synapse"])


NETWORK = ReadyNetwork(
    name="nmda-segment",
    sections={
        "stimulus": section(Stimulus()),
        "segment": section(SegmentParameters()),
        "synapse": section(GlutamateParameters()),
        "magnesium": section(MagnesiumParameters()),
    },
    records={
        "voltage": Recordable("segment", "V", "mV", "potential of the segment"),
        "nmda_conductance": Recordable("segment", "G_N", "nS", "NMDA conductance, were nothing blocked"),
        "ampa_conductance": Recordable("segment", "G_A", "nS", "AMPA conductance"),
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
