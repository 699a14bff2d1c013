"""The ready-made networks, one a file, imported when asked for."""

import importlib
from difflib import get_close_matches
from typing import Any

NETWORKS = {
    "tripartite": "an astrocyte and its synapses: release, calcium, gliotransmission",
    "gliotransmission": "a synapse modulated by its astrocyte: loop cut, open or closed",
    "li-rinzel": "calcium of one astrocyte at a fixed IP3 concentration",
    "li-rinzel-noise": "calcium of one astrocyte with noisy channels at a fixed IP3 concentration",
    "chi": "calcium and IP3 of one astrocyte at a constant production of IP3",
    "g-chi": "calcium and IP3 of one astrocyte in constant glutamate",
    "astrocyte-network": "calcium waves of astrocytes joined by gap junctions",
    "astrocyte-process": "IP3 diffusing along a process, and calcium in each compartment",
    "spiking-network": "4000 excitatory and inhibitory neurons with depressing synapses",
    "neuron-glia-network": "4000 neurons and 3200 astrocytes that modulate their synapses, in a pulse",
    "self-repair": "a neuron that loses synapses recovers through an astrocyte that its neighbour keeps awake",
    "nmda-segment": "a dendritic segment whose NMDA receptors answer enough synapses with a plateau",
    "nmda-branch": "dendritic branches as cables: synapses clustered in one compartment or scattered",
    "spike-timing": "weights of synapses whose two cells fire at fixed lags (pair-based STDP)",
    "delay-learning": "delays that move towards coincidence, until a neuron knows a pattern of spikes in noise",
    "hebbian": "the attention circuit: tokens written into Hebbian weights and read with astrocytic scaling",
    "retention": "short- and long-term processes of an astrocyte at nine synapses under cycles of activity (RMAAT)",
}


def networks() -> dict[str, str]:
    """The ready-made networks, and a sentence about each."""
    return dict(NETWORKS)


def ready(name: str) -> Any:
    """The ReadyNetwork of this name; printed, it lists its parameters and what can be recorded.

    ValueError with the known names, and the nearest one.
    """
    if name not in NETWORKS:
        close = get_close_matches(name, NETWORKS, n=1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        raise ValueError(f"there is no network {name!r}{meant}; use one of {', '.join(NETWORKS)}")
    return importlib.import_module(f"biophys.ready_networks.{name.replace('-', '_')}").NETWORK
