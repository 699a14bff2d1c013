"""Every parameter of every ready network at the ends of its range: what comes out are numbers, or a sentence that names
the parameter; never a warning of a library.
"""

import warnings

import numpy as np
import pytest
from brian2 import Quantity, molar, second

from biophys.ready_networks import NETWORKS, ready
from biophys.simulation.network import Point, check_values, merged, simulate
from biophys.simulation.quantities import written

SMALL = {
    "spiking-network": {"network.excitatory": 32, "network.inhibitory": 8},
    "neuron-glia-network": {"network.excitatory": 32, "network.inhibitory": 8, "network.astrocytes": 8},
    "astrocyte-network": {"topology.columns": 3, "topology.rows": 2, "stimulus.cell": 0},
    "gliotransmission": {"stimulus.astrocytes": 1},
}
STEPS = 6
QUICK = ["li-rinzel"]
TIMED = {"nmda-segment", "nmda-branch", "spike-timing", "delay-learning", "retention"}  # whose events need seconds
EACH = [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in NETWORKS if name not in TIMED]


def ends(network):
    """Path, value as it is written, and a point that differs in this parameter: 0, tiny or huge."""
    for section, fields in network.sections.items():
        for name, parameter in fields.items():
            if isinstance(parameter.value, int):
                continue
            for scale in (0.0, 1e-12, 1e6):
                plain, path = float(parameter.value) * scale, f"{section}.{name}"
                value = Quantity(plain, dim=parameter.value.dim) if isinstance(parameter.value, Quantity) else plain
                yield f"{path}={written(value, digits=6)}", Point({**SMALL.get(network.name, {}), path: value})


@pytest.mark.parametrize("name", EACH)
def test_ends_of_ranges_give_numbers_or_a_sentence_that_names_the_parameter(name):
    network, running = ready(name), {}
    for text, point in ends(network):
        try:
            check_values(network, merged(network.sections, [point]), network.step)
            running[text] = point
        except ValueError as refused:
            assert ";" in str(refused) and "\n" not in str(refused)  # value, rule and cure
    paths = {text.split("=")[0] for text in running}
    options = {"step": network.step, "seconds": STEPS * network.step, "every": network.step}
    options |= {"varying": paths, "record": [*network.records], "target": "numpy"}
    while running:  # all side by side, as copies of one network; those that are refused are left out, one by one
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)
                dataset = simulate(network, [*running.values()], **options)
        except ValueError as refused:
            sentence = str(refused)
            wrong = [text for text in running if text in sentence]
            assert wrong and "\n" not in sentence, sentence
            for text in wrong:
                del running[text]
        else:
            break
    assert len(running) > len(paths)
    for array in dataset.values():
        assert "time" not in array.dims or np.isfinite(array.values).all()


def test_what_overflows_is_named_and_no_library_speaks(capfd):
    values = {"astrocyte.C_T": 2 * molar, "astrocyte.Omega_L": 0.2 / second}
    with warnings.catch_warnings(), pytest.raises(ValueError) as refused:
        warnings.simplefilter("error", RuntimeWarning)
        simulate("li-rinzel", [Point({}), Point(values)], seconds=0.1, target="numpy")
    assert str(refused.value) == (
        "calcium is not a number at the end with astrocyte.C_T=2e+06 umolar, astrocyte.Omega_L=0.2 1/second; use a "
        "step below 0.01 s, or parameters nearer the defaults"
    )
    assert "NaN" not in capfd.readouterr().err
