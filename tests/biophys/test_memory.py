"""What outlives a network is in memory of its own: from Brian2 2.10 on, `synapses.w[:]` is a view of freed memory.

Such a view has no base and does not own its data. Nothing here reads what is freed.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from brian2 import kHz, second

from biophys.astrocyte import STIMBERG_EXAMPLE_2
from biophys.circuits.attention_circuit import Layer, Stimulus, attend
from biophys.circuits.delayed_layer import Layer as DelayedLayer
from biophys.circuits.delayed_layers import layers_of, network, respond
from biophys.circuits.process_calcium import CurveCalcium, FittedCalcium
from biophys.circuits.rate_circuit import RateNeurons
from biophys.circuits.spiking_circuit import SpikingNeurons
from biophys.ready_networks import ready
from biophys.simulation.cochlea import CochleaParameters, cochlea
from biophys.simulation.network import Point, simulate
from biophys.simulation.simulate import run
from biophys.simulation.stimulus import spike_trains
from biophys.synapse import SynapseParameters
from biophys.tripartite import build_units, recorded

DELAYED = [DelayedLayer(np.full((2, 2), 0.6), np.array([[0, 2], [1, 0]]), np.zeros(2), 0.5)] * 2
COUNTS = np.ones((1, 4, 2), int)


def safe(array: np.ndarray) -> bool:
    """Whether the memory of an array is its own, or that of something that it keeps alive."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array.flags.owndata or array.base is not None


def arrays(result: Any) -> Iterator[np.ndarray]:
    """All arrays in nested tuples, lists, dicts and datasets."""
    match result:
        case np.ndarray():
            yield result
        case xr.DataArray():
            yield from arrays([result.values, *(coordinate.values for coordinate in result.coords.values())])
        case xr.Dataset():
            yield from arrays([variable.values for variable in result.variables.values()])
        case dict():
            yield from arrays(list(result.values()))
        case list() | tuple():
            for part in result:
                yield from arrays(part)


def attended(neurons: Any, calcium: Any) -> Any:
    draw = np.random.default_rng(0)
    layer = Layer(*(draw.standard_normal((3, 1, 2)) for _ in range(3)))
    return attend(layer, [Stimulus(draw.standard_normal((2, 3)), draw.random((2, 1, 2)))], neurons, calcium)


def one_unit() -> Any:
    trains = spike_trains("poisson", np.full(3, 9.0), 0.5, 0.01, seed=0)
    parts = {"synapse": SynapseParameters(), "astrocyte": STIMBERG_EXAMPLE_2}
    build = lambda: build_units(trains, 1, **parts, step=0.01 * second)
    return run(build, lambda built: recorded(built, {"synapse": xr.Variable("synapse", np.arange(3))}), 0.5 * second)


RESULTS = {
    "attention of rates": lambda: attended(RateNeurons(), FittedCalcium()),
    "attention of spikes": lambda: attended(
        SpikingNeurons(), CurveCalcium(np.array([0.1, 1.0, 10.0]), np.array([0.1, 0.5, 0.9]))
    ),
    "delayed layers": lambda: respond(DELAYED, COUNTS),
    "delayed layers read back": lambda: layers_of(network(DELAYED, COUNTS, 0.001 * second), 2),
    "states": lambda: simulate(ready("li-rinzel"), [Point({})], seconds=0.5, target="numpy"),
    "states of synapses": lambda: simulate(ready("spike-timing"), [Point({})], seconds=1.0, target="numpy"),
    "spikes": lambda: simulate(ready("self-repair"), [Point({})], seconds=0.5, record=["spikes"], target="numpy"),
    "states of a unit": one_unit,
    "cochlea": lambda: cochlea([np.sin(np.arange(200.0))], 8 * kHz, CochleaParameters(channels=4)),
}


@pytest.mark.parametrize("result", RESULTS)
def test_results_do_not_lie_in_memory_that_is_freed_with_the_network(result):
    found = list(arrays(RESULTS[result]()))
    assert found and not [array.shape for array in found if not safe(array)]


def test_the_check_knows_whose_memory_it_is():
    freed = SimpleNamespace(base=None, flags=SimpleNamespace(owndata=False))  # as Brian2 2.10 gives it
    assert not safe(freed)
    assert safe(np.zeros((3, 4))[1:].T) and safe(np.frombuffer(b"12345678"))
