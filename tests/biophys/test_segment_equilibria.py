"""NMDA segment at rest: its magnesium block, and equilibria and folds against independent searches."""

import numpy as np
import pytest
from brian2 import mmolar, ms, mV, nS, second
from scipy.optimize import brentq, minimize_scalar

from biophys.dendrite import SegmentParameters
from biophys.magnesium_block import JAHR_STEVENS, LARKUM, POLSKY, unblocked
from biophys.ready_networks import nmda_segment
from biophys.segment_equilibria import balancing_conductance, bistability, equilibria
from biophys.simulation.network import Point, simulate

REST, REVERSAL = -70.0, 0.0


def voltages(*points, **options):
    """(points, time) in mV and times in s of single segments."""
    run = simulate(nmda_segment.NETWORK, [Point(point) for point in points], record=["voltage"], **options)
    return run.voltage.values[:, 0], run.time.values


# The block


def test_block_of_jahr_and_stevens_has_its_published_values():
    values = {-80: 0.0244246530277, -70: 0.0444707203214, -60: 0.0796263687952, -40: 0.230155318343}
    values |= {-20: 0.508140679516, 0: 0.781181619256, 20: 0.925018033552}
    found = unblocked(np.array(list(values)) * mV, JAHR_STEVENS)
    assert np.asarray(found) == pytest.approx(list(values.values()), rel=1e-11)


def test_steeper_blocks_are_those_of_the_model_files():
    v = np.linspace(-90, 40, 27)
    assert np.asarray(unblocked(v * mV, LARKUM)) == pytest.approx(1 / (1 + 0.3 * np.exp(-0.08 * v)), rel=1e-13)
    assert np.asarray(unblocked(v * mV, POLSKY)) == pytest.approx(1 / (1 + 0.25 * np.exp(-0.08 * v)), rel=1e-13)
    doubled = LARKUM._replace(Mg=2 * mmolar)
    assert np.asarray(unblocked(v * mV, doubled)) == pytest.approx(1 / (1 + 0.6 * np.exp(-0.08 * v)), rel=1e-13)


# Equilibria


@pytest.mark.parametrize(
    ("rest", "block", "folds"),
    [
        (-70.0, LARKUM, (5.727, 7.002)),
        (-70.0, POLSKY, (5.008, 5.891)),
        (-80.0, JAHR_STEVENS, (4.325, 4.331)),
        (-80.0, JAHR_STEVENS._replace(Mg=2 * mmolar), (7.592, 8.162)),
        (-70.0, JAHR_STEVENS, None),
    ],
)
def test_bistable_ranges_are_the_known_ones(rest, block, folds):
    found = bistability(rest, REVERSAL, block)
    if folds is None:
        assert found is None
    else:
        assert (found.fall.conductance, found.rise.conductance) == pytest.approx(folds, abs=6e-4)


def test_folds_are_the_extremes_of_the_balancing_conductance():
    found = bistability(REST, REVERSAL, LARKUM)
    assert (found.rise.potential, found.fall.potential) == pytest.approx((-52.5, -28.2), abs=0.06)

    def ratio(v):
        return (v + 70) / (-v) * (1 + 0.3 * np.exp(-0.08 * v))

    options = {"method": "bounded", "options": {"xatol": 1e-9}}
    up = minimize_scalar(lambda v: -ratio(v), bounds=(-65, -40), **options)
    down = minimize_scalar(ratio, bounds=(-40, -10), **options)
    assert found.rise.conductance == pytest.approx(-up.fun, rel=1e-12)
    assert found.fall.conductance == pytest.approx(down.fun, rel=1e-12)


@pytest.mark.parametrize(("conductance", "count"), [(3.0, 1), (5.7, 1), (5.75, 3), (6.4, 3), (6.98, 3), (7.05, 1)])
def test_equilibria_are_those_of_an_independent_search(conductance, count):
    def current(v):
        return (-70 - v) + conductance / (1 + 0.3 * np.exp(-0.08 * v)) * (0 - v)

    grid = np.linspace(-69.9, -0.1, 7001)
    signs = np.flatnonzero(np.diff(np.sign(current(grid))))
    expected = [brentq(current, grid[i], grid[i + 1], xtol=1e-12) for i in signs]
    found = equilibria(conductance, REST, REVERSAL, LARKUM)
    assert len(found) == count
    assert found == pytest.approx(expected, abs=1e-9)
    assert balancing_conductance(found, REST, REVERSAL, LARKUM) == pytest.approx(conductance, rel=1e-10)


def test_block_of_jahr_and_stevens_has_one_equilibrium_at_rest_of_70_whatever_the_conductance():
    for conductance in np.linspace(0, 20, 81):
        assert len(equilibria(conductance, REST, REVERSAL, JAHR_STEVENS)) == 1
    v = np.linspace(-69.9, -0.1, 2000)
    assert np.all(np.diff(balancing_conductance(v, REST, REVERSAL, JAHR_STEVENS)) > 0)


def test_no_block_with_a_small_product_of_steepness_and_driving_force_has_folds():
    """gamma (E_e - E_L) below 4 cannot make a spike, whatever the magnesium."""
    for level in (0.1, 1, 10, 100, 1000):
        assert bistability(REST, REVERSAL, LARKUM._replace(gamma=3.99 / 70 / mV, Mg=level * mmolar)) is None
    assert bistability(REST, REVERSAL, LARKUM._replace(gamma=4.5 / 70 / mV, Mg=100 * mmolar)) is not None


def test_simulated_segment_jumps_at_the_folds():
    """A constant conductance, from rest and from 0 mV, 1 % inside and outside of the bistable range."""
    leak = SegmentParameters().g_L
    held = {"stimulus.synapses": 1, "stimulus.active": 1.0, "stimulus.onset": 0 * ms, "synapse.g_A": 0 * nS}
    held |= {"synapse.tau_r": 0.5 * ms, "synapse.tau_d": 1e6 * second}
    ratios = np.array([0.99 * 5.7267, 1.01 * 5.7267, 0.99 * 7.0020, 1.01 * 7.0020])
    starts = [-70 * mV, 0 * mV]
    points = [{**held, "segment.V_0": start, "synapse.g_N": r * leak} for start in starts for r in ratios]
    final = voltages(*points, seconds=1.0, step=2.5e-4, every=0.1)[0][:, -1].reshape(2, 4)
    expected = [[found[0] for found in map(settled, ratios)], [found[-1] for found in map(settled, ratios)]]
    assert final == pytest.approx(np.array(expected), abs=0.02)
    assert np.array_equal(final > -40, [[False, False, False, True], [False, True, True, True]])


def settled(ratio):
    return equilibria(ratio, REST, REVERSAL, LARKUM)


def test_equilibria_refuse_a_leak_above_the_synapses():
    with pytest.raises(ValueError, match="the leak's 10 mV is not below the synapses' 0 mV; use a lower one"):
        bistability(10.0, 0.0, LARKUM)
