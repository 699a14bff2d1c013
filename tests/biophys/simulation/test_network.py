"""Ready-made networks at many points at once: a copy is what it would be alone."""

from typing import NamedTuple

import numpy as np
import pytest
import xarray as xr
from brian2 import Hz, Network, Quantity, ms, mV, second, umolar

from biophys.ready_networks import tripartite
from biophys.simulation.copies import Copies, unit_expression
from biophys.simulation.network import Point, ReadyNetwork, Recordable, events, merged, simulate, size
from biophys.simulation.parameters import section
from biophys.simulation.stimulus import poisson_trains


class Stimulus(NamedTuple):
    """Drive of the test network."""

    rate: Quantity = 20 * Hz  # of each presynaptic cell
    cells: int = 3  # presynaptic cells


class Cell(NamedTuple):
    """A leaky cell that fires."""

    tau: Quantity = 10 * ms  # lifetime of the voltage
    jump: Quantity = 4 * mV  # of the voltage with each spike
    threshold: Quantity = 10 * mV  # at which it fires


def build(copies: Copies) -> Network:
    rates, cells = copies.each("stimulus", "rate"), copies.values["stimulus"]["cells"]
    source = copies.spikes(
        lambda copy: poisson_trains(np.full(cells, rates[copy] / Hz), copies.seconds, copies.step, copies.seeds[copy]),
        name="source",
    )
    cell = copies.neurons(
        1, "dv/dt = -v/tau : volt", ["cell"], threshold="v > threshold", reset="v = 0*mV", method="exact", name="cell"
    )
    synapse = copies.synapses(
        source, cell, "weight : 1", ["cell"], on_pre="v_post += weight*jump",
        pairs=(np.arange(cells), np.zeros(cells, int)), name="synapse",
    )  # fmt: skip
    synapse.weight = np.tile(np.arange(cells) + 1.0, copies.count)
    return Network(source, cell, synapse)


NETWORK = ReadyNetwork(
    name="leaky",
    sections={"stimulus": section(Stimulus()), "cell": section(Cell())},
    records={
        "voltage": Recordable("cell", "v", "mV", "voltage", "neuron"),
        "spikes": Recordable("cell", "spikes", "s", "times of spikes", "neuron"),
    },
    shown=("voltage",),
    build=build,
    seconds=1.0,
    step=0.001,
    every=0.01,
    fastest=lambda values: 1 / values["cell"]["tau"],
)
POINTS = [
    Point({"stimulus.rate": rate * Hz, "cell.tau": tau * ms}, seed)
    for rate in (10, 40)
    for tau in (5, 20)
    for seed in (0, 1)
]


def test_copies_side_by_side_equal_each_alone():
    both = ["voltage", "spikes"]
    together = simulate(NETWORK, POINTS, record=both, target="numpy")
    assert together.voltage.dims == ("point", "neuron", "time") and together.sizes["point"] == 8
    assert np.isfinite(together.spikes).sum() > 20
    for number, point in enumerate(POINTS):
        alone = simulate(NETWORK, [point], record=both, target="numpy")
        xr.testing.assert_equal(alone.voltage.isel(point=0), together.voltage.isel(point=number))
        mine = together.spikes.isel(point=number).values
        np.testing.assert_array_equal(
            alone.spikes.values[0][np.isfinite(alone.spikes.values[0])], mine[np.isfinite(mine)]
        )


def test_the_seed_decides_the_spikes():
    first, again, other = (simulate(NETWORK, [Point({}, seed)], target="numpy").voltage for seed in (0, 0, 1))
    xr.testing.assert_equal(first, again)
    assert not np.array_equal(first, other)


def test_parameters_that_agree_stay_shared_and_others_become_arrays():
    values = merged(NETWORK.sections, POINTS)
    assert values["cell"]["jump"] == 4 * mV
    assert values["cell"]["tau"].shape == (8,) and values["cell"]["tau"][0] == 5 * ms
    with pytest.raises(ValueError, match="stimulus.cells shapes the network"):
        merged(NETWORK.sections, [Point({"stimulus.cells": 2}), Point({})])


def test_size_counts_cells_and_synapses():
    assert size(NETWORK, Point({}), seconds=1.0, step=0.001, record=["voltage"]) == (3 + 1 + 3, 1)


def test_units_as_equations_read_them():
    assert unit_expression(1 * umolar / second) == "metre**-3*second**-1*mole**1"
    assert unit_expression(0.5) == "1"


def test_units_of_what_is_recorded_are_text():
    units = {"umolar/second": 1 * umolar / second, "s": 1 * second, "%": 1, "1": 1}
    for text, unit in units.items():
        assert Recordable("cell", "v", text, "").unit == unit


def test_events_are_padded_rows():
    rows = events(np.array([2, 0, 2]), np.array([0.3, 0.1, 0.2]), 3)
    np.testing.assert_array_equal(rows, [[0.1, np.nan], [np.nan, np.nan], [0.2, 0.3]])
    assert events(np.array([], int), np.array([]), 2).shape == (2, 0)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"step": 0.01},
            "step 0.01 s is too large for these parameters, whose fastest process takes 0.01 s; use --step",
        ),
        ({"seconds": 0}, "seconds 0 is not a time; use a number of seconds above 0"),
        ({"seconds": float("nan")}, "seconds nan is not a time"),
        ({"every": 0.0015}, "every 0.0015 s is no multiple of the step 0.001 s; use 0.002"),
        ({"record": ["calcium"]}, "leaky has no variable 'calcium' to record; use some of voltage, spikes"),
        ({"target": "fortran"}, "code target 'fortran' is not known"),
    ],
)
def test_bad_settings_are_refused_in_one_sentence(options, told):
    with pytest.raises(ValueError) as refused:
        simulate(NETWORK, [Point({})], **options)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"stimulus.cells": 0}, "stimulus.cells=0 builds no network; use at least 1"),
        ({"stimulus.rate": -3 * Hz}, "stimulus.rate=-3 1/second is negative; use 0 or more"),
    ],
)
def test_bad_values_are_refused_in_one_sentence(values, told):
    with pytest.raises(ValueError) as refused:
        simulate(NETWORK, [Point(values)], target="numpy")
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("step", "every"), [(0.0025, 0.025), (0.005, 0.025), (0.01, 0.02), (0.004, 0.024), (0.03, 0.03)]
)
def test_records_of_the_network_itself_fall_on_steps(step, every):
    assert tripartite.NETWORK.times(None, step, None) == (60.0, step, pytest.approx(every, rel=1e-12))
    assert tripartite.NETWORK.times(None, step, 0.1) == (60.0, step, 0.1)
