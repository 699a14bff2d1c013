"""The three code targets of Brian2 give the same network: deterministic states within rounding, spikes exactly."""

import numpy as np
import pytest

from biophys.ready_networks import NETWORKS, ready
from biophys.simulation.network import Point, simulate

SECONDS = {
    "li-rinzel": 10.0,
    "chi": 10.0,
    "g-chi": 10.0,
    "hebbian": 11.5,
    "neuron-glia-network": 0.3,
    "delay-learning": 5.0,  # learns from 3 s on
}
SMALL = {
    "spiking-network": {"network.excitatory": 80, "network.inhibitory": 20},
    "neuron-glia-network": {"network.excitatory": 80, "network.inhibitory": 20, "network.astrocytes": 80},
}
NOISY = ("li-rinzel-noise",)  # draws from Brian2's own generator, which differs between targets


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in NOISY])
def test_compiled_networks_equal_those_of_numpy(name, target):
    network = ready(name)
    records = list(network.records)
    seconds = SECONDS.get(name, min(2.0, network.seconds))
    point = Point(SMALL.get(name, {}), 3)
    try:
        expected, compiled = (
            simulate(network, [point], seconds=seconds, record=records, target=kind) for kind in ("numpy", target)
        )
    except NotImplementedError as refusal:
        pytest.fail(f"{name} does not run on {target}: {refusal}")
    for variable in records:
        scale = np.nanmax(np.abs(expected[variable].values), initial=1e-30)
        np.testing.assert_allclose(
            compiled[variable].values, expected[variable].values, rtol=1e-6, atol=1e-9 * scale, err_msg=variable
        )
