"""Excitatory and inhibitory neurons, sparsely connected by depressing synapses: Stimberg, Goodman, Brette & De Pitta
(2018), "Modeling neuron-glia interactions with the Brian 2 simulator", example 1; the network is that of Brunel
(J Comput Neurosci 8:183, 2000) with synapses of Tsodyks, Pawelzik & Markram (Neural Comput 10:821, 1998).

A current above threshold makes every neuron fire alone at 37 Hz; inhibition holds the network at 4 Hz, irregular and
slightly synchronous. Cells 0 .. excitatory-1 are excitatory. Every pair of cells is connected by chance, a cell to
itself included.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from brian2 import Network, NeuronGroup, Quantity, Synapses, nS

from biophys.coupling.gap_junctions import Pairs
from biophys.neuron import CONDUCTANCE_BASED, SPIKING, ConductanceParameters, NeuronParameters, spikes_first
from biophys.simulation.checks import check_each, largest
from biophys.simulation.copies import Copies
from biophys.simulation.network import ReadyNetwork, Recordable
from biophys.simulation.parameters import Values, ranges, section
from biophys.simulation.quantities import written
from biophys.synapse import AT_REST, RELEASE, RELEASE_SITE, SynapseParameters


@ranges(signed="p_e p_i")  # check tells what to do instead
class Size(NamedTuple):
    """Cells, and how many of them are connected."""

    excitatory: int = 3200  # excitatory neurons
    inhibitory: int = 800  # inhibitory neurons
    p_e: float = 0.05  # chance that an excitatory neuron has a synapse on any one neuron
    p_i: float = 0.2  # chance that an inhibitory neuron has one


@ranges()
class Weights(NamedTuple):
    """Conductance that a whole vesicle pool would open."""

    w_e: Quantity = 0.05 * nS  # excitatory
    w_i: Quantity = 1 * nS  # inhibitory


OPENED = {"excitatory": "g_e_post += w_e*r_S\n", "inhibitory": "g_i_post += w_i*r_S\n"}


def build(copies: Copies) -> Network:
    neuron = neurons(copies, CONDUCTANCE_BASED, ["neuron"])
    return spikes_first(
        neuron,
        *(
            synapses(copies, neuron, ["synapse"], kind, contacts(copies, kind), AT_REST + RELEASE + opened)
            for kind, opened in OPENED.items()
        ),
    )


def neurons(copies: Copies, equations: str, sections: Sequence[str]) -> NeuronGroup:
    """Group "neuron": the excitatory and then the inhibitory cells of each copy, from random potentials."""
    size = copies.values["network"]
    cells = size["excitatory"] + size["inhibitory"]
    group = copies.neurons(cells, equations, sections, method="rk4", name="neuron", **SPIKING)
    share = np.array([copies.chance(copy, "start").random((3, cells)) for copy in range(copies.count)])
    leak, threshold = (copies.each("neuron", name)[:, None] for name in ("E_l", "V_th"))
    w_e, w_i = (copies.each("synapse", name)[:, None] for name in ("w_e", "w_i"))
    group.v = (leak + share[:, 0] * (threshold - leak)).flatten()
    group.g_e, group.g_i = (share[:, 1] * w_e).flatten(), (share[:, 2] * w_i).flatten()
    return group


def contacts(copies: Copies, kind: str) -> list[Pairs]:
    """Source and target cell of each excitatory or inhibitory synapse of each copy."""
    size = copies.values["network"]
    first, sources = (0, size["excitatory"]) if kind == "excitatory" else (size["excitatory"], size["inhibitory"])
    chances, cells = copies.each("network", f"p_{kind[0]}"), size["excitatory"] + size["inhibitory"]
    made = []
    for copy, chance in enumerate(chances):
        i, j = chance_pairs(copies.chance(copy, kind), sources, cells, float(chance))
        made.append((i + first, j))
    return made


def chance_pairs(chance: np.random.Generator, sources: int, targets: int, probability: float) -> Pairs:
    """Each pair of a source and a target with the given probability, above 0, independently of the others; sorted.

    The number of pairs passed over before the next one made is geometric, so none that is not made costs anything.
    """
    expected = sources * targets * probability
    gaps = chance.geometric(probability, int(expected + 8 * np.sqrt(expected) + 30))
    made = gaps.cumsum() - 1
    i, j = np.divmod(made[made < sources * targets], targets)
    return i, j


def synapses(
    copies: Copies,
    neuron: NeuronGroup,
    sections: Sequence[str],
    kind: str,
    pairs: Sequence[Pairs],
    on_spike: str,
    equations: str = RELEASE_SITE,
    **options: Any,
) -> Synapses:
    """Synapses among the neurons, all vesicles available; `kind` is their name. on_spike: what a spike does."""
    options |= {"on_pre": on_spike, "method": "exact"}
    group = copies.synapses(neuron, neuron, equations, sections, pairs=pairs.__getitem__, name=kind, **options)
    group.x_S = 1
    return group


def check(values: Values) -> None:
    """ValueError if no cells would be connected, or reset neurons would be above threshold."""
    for kind in ("e", "i"):
        rule = f"makes no network; use a probability above 0, or to silence the synapses synapse.w_{kind}=0*nS"
        check_each(values, f"network.p_{kind}", lambda chance: 0 < chance <= 1, rule)
    reset, threshold = values["neuron"]["V_r"], values["neuron"]["V_th"]
    if np.any(reset >= threshold):
        raise ValueError(
            f"neuron.V_r={written(np.max(reset))} is not below neuron.V_th={written(np.min(threshold))}, so that "
            "neurons would never stop firing; lower it"
        )


def fastest(values: Values) -> float:
    """Rate (1/s) of the fastest of membrane and synaptic conductances."""
    neuron = values["neuron"]
    return largest(neuron["g_l"] / neuron["C_m"], 1 / neuron["tau_e"], 1 / neuron["tau_i"])


NEURON_RECORDS = {
    "spikes": Recordable("neuron", "spikes", "s", "times of spikes"),
    "membrane_potential": Recordable("neuron", "v", "mV", "membrane potential", fades="neuron.C_m/neuron.g_l"),
    "excitatory_conductance": Recordable(
        "neuron", "g_e", "nS", "excitatory synaptic conductance", fades="neuron.tau_e"
    ),
    "inhibitory_conductance": Recordable(
        "neuron", "g_i", "nS", "inhibitory synaptic conductance", fades="neuron.tau_i"
    ),
}

NETWORK = ReadyNetwork(
    name="spiking-network",
    sections={
        "network": section(Size()),
        "neuron": section(NeuronParameters()) | section(ConductanceParameters()),
        "synapse": section(SynapseParameters(), "Omega_d", "Omega_f", "U_0") | section(Weights()),
    },
    records=NEURON_RECORDS,
    shown=("spikes",),
    build=build,
    seconds=1.0,
    step=1e-4,
    every=1e-3,
    fastest=fastest,
    check=check,
)
