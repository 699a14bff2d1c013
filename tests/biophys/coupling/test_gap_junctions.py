"""Gap junctions: graphs, the closed form of two cells, SciPy on a ring, and the wave of the published example."""

import numpy as np
import pytest
from brian2 import second, umolar
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from biophys.coupling.gap_junctions import adjacent, graph, grid, ring
from biophys.ready_networks.astrocyte_network import NETWORK
from biophys.simulation.network import Point, simulate

# first crossings of 0.5 umolar by the fed cell and its neighbours, SciPy (DOP853)
ARRIVALS = (7.427, 25.098, 40.158, 55.797, 71.442, 86.973)


def joined(pairs):
    return sorted(zip(*(cells.tolist() for cells in pairs), strict=True))


def test_ring_joins_each_cell_to_two_others():
    assert joined(ring(4)) == [(0, 1), (0, 3), (1, 0), (1, 2), (2, 1), (2, 3), (3, 0), (3, 2)]
    assert joined(ring(2)) == [(0, 1), (1, 0)]  # one junction, not two
    assert joined(ring(1)) == []


def test_grid_joins_beside_above_and_below():
    # 0 1 2
    # 3 4 5
    forward = [(0, 1), (0, 3), (1, 2), (1, 4), (2, 5), (3, 4), (4, 5)]
    assert joined(grid(2, 3)) == sorted(forward + [(j, i) for i, j in forward])


def test_every_cell_of_a_torus_has_four_neighbours():
    source, target = grid(3, 5, periodic=True)
    assert np.all(np.bincount(source) == 4) and np.all(np.bincount(target) == 4)
    assert np.array_equal(np.bincount(grid(2, 5, periodic=True)[0]), np.full(10, 3))  # two rows are joined once


def test_a_graph_is_its_edges_or_its_matrix():
    edges = [(0, 2), (2, 0), (1, 3), (2, 3)]
    matrix = np.zeros((4, 4))
    for i, j in edges:
        matrix[i, j] = matrix[j, i] = 0.5
    assert joined(graph(4, edges)) == [(0, 2), (1, 3), (2, 0), (2, 3), (3, 1), (3, 2)]
    assert joined(adjacent(matrix)) == joined(graph(4, edges))
    assert joined(graph(3, [])) == []


def test_graphs_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="junction 1-3 ends outside the network; use cells from 0 to 2"):
        graph(3, [(0, 1), (1, 3)])
    with pytest.raises(ValueError, match="junction 2-2 joins a cell to itself"):
        graph(3, [(2, 2)])
    with pytest.raises(ValueError, match="symmetric matrix"):
        adjacent([[0, 1], [0, 0]])


ALONE = {  # IP3 neither made nor broken: it only passes between cells
    "stimulus.F_ex": 0 * umolar / second,
    "astrocyte.O_delta": 0 * umolar / second,
    "astrocyte.O_3K": 0 * umolar / second,
    "astrocyte.Omega_5P": 0 / second,
}


def test_two_cells_even_out_as_in_closed_form():
    """With u = (I_1 - I_2 - I_Theta)/omega_I, u - exp(-2u)/2 falls evenly, by 2 F/omega_I a second."""
    shape = {"topology.columns": 2, "stimulus.cell": 0.0, "stimulus.I_start": 2 * umolar}
    dataset = simulate(
        NETWORK, [Point(ALONE | shape, seed=seed) for seed in range(4)], seconds=8, record=["inositol_trisphosphate"]
    )
    IP3 = dataset.inositol_trisphosphate.values  # (point, cell, time)
    assert IP3.sum(axis=1) == pytest.approx(np.broadcast_to(IP3[:, :, :1].sum(axis=1), IP3[:, 0].shape), rel=1e-12)
    difference = np.abs(IP3[:, 0] - IP3[:, 1])
    assert difference[:, 0].max() > 0.8 and difference[:, 0].min() < 0.3  # flow on both sides of the threshold
    for measured in difference:
        start = (measured[0] - 0.3) / 0.05

        def level(u):
            return u - np.exp(-2 * u) / 2

        goals = level(start) - 2 * 0.09 / 0.05 * dataset.time.values
        expected = [0.3 + 0.05 * brentq(lambda u, g=goal: level(u) - g, -30, 30, xtol=1e-14) for goal in goals]
        assert measured == pytest.approx(expected, rel=1e-7)


def scipy_ring(times, state, production, F, theta):
    """ChI cells of the default set on a ring, written once more: (C, h, I) of all cells at `times`, in umolar and s.

    Cell 1 is fed until 20 s.
    """
    before, after = ring(state.size // 3)

    def flux(difference, most, theta):
        return -most / 2 * (1 + np.tanh((np.abs(difference) - theta) / 0.05)) * np.sign(difference)

    def slopes(t, y, outside):
        C, h, I = y.reshape(3, -1)  # noqa: E741
        m = I / (I + 0.13) * C / (C + 0.08)
        Q = 1.05 * (I + 0.13) / (I + 0.9434)
        dC = (6 * (m * h) ** 3 + 0.1) * (2 - 1.18 * C) - 0.9 * C**2 / (C**2 + 0.05**2)
        dI = 0.6 / (1 + I / 1.5) * C**2 / (C**2 + 0.01) - 4.5 * C**4 / (C**4 + 0.7**4) * I / (I + 1) - 0.05 * I
        dI = dI + production + flux(I - outside, 0.09, theta)
        np.add.at(dI, after, flux(I[after] - I[before], F, theta))
        return np.concatenate([dC, 0.2 * (Q - (Q + C) * h), dI])

    fed = np.zeros(state.size // 3)
    fed[1] = 1
    rules = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-13}
    on, off = times[times <= 20], times[times >= 20]
    first = solve_ivp(slopes, (0, 20), state, t_eval=on, args=(fed,), **rules).y
    second = solve_ivp(slopes, (20, off[-1]), first[:, -1], t_eval=off, args=(0 * fed,), **rules).y
    return np.concatenate([first, second[:, 1:]], axis=1)


def test_ring_follows_scipy_at_the_default_step():
    """The published ring, and cells of unlike production with other junctions, as two copies of one simulation."""
    cells = 4
    # no two neighbours alike and no cell at 0: there fluxes jump (by 1e-5 of F), and SciPy crawls at this tolerance
    shape = {"topology.columns": cells, "stimulus.cell": 1.0, "stimulus.I_start": 0.3 * umolar}
    unlike = {
        "gap_junction.F": 0.2 * umolar / second,
        "gap_junction.I_Theta": 0.25 * umolar,
        "stimulus.J_beta": 0.05 * umolar / second,
        "stimulus.spread": 0.3,
        "stimulus.I_start": 1 * umolar,
    }
    points = [Point(shape), Point(shape | unlike, seed=3)]
    dataset = simulate(NETWORK, points, seconds=27.25, every=0.25, record=list(NETWORK.records))
    states = ("calcium", "channels_not_inactivated", "inositol_trisphosphate")
    simulated = np.stack([dataset[name].values for name in states], axis=1)  # (point, state, cell, time)
    made = 0.05 * (1 + 0.3 * np.random.default_rng([3, *b"production"]).standard_normal(cells))
    for result, parameters in zip(simulated, [(0.0, 0.09, 0.3), (made, 0.2, 0.25)], strict=True):
        expected = scipy_ring(dataset.time.values, result[:, :, 0].ravel(), *parameters).reshape(result.shape)
        assert result == pytest.approx(expected, rel=1e-6, abs=1e-9)
    assert simulated[0, 0, 2].max() > 0.5  # the wave has reached a neighbour


def arrivals(calcium):
    """When each cell first crosses 0.5 umolar, NaN if it does not; a parabola through three records."""
    times = []
    for trace in calcium.values:
        after = int(np.argmax(trace > 0.5))
        if after == 0:
            times.append(np.nan)
            continue
        near = slice(after - 1, after + 2)
        times.append(np.polyval(np.polyfit(trace[near] - 0.5, calcium.time.values[near], 2), 0))
    return np.array(times)


@pytest.mark.slow
def test_wave_passes_a_cell_every_fifteen_seconds():
    calcium = simulate(NETWORK, [Point({})], seconds=42, step=0.02, every=0.04, record=["calcium"]).calcium[0]
    measured = arrivals(calcium)
    assert measured[25:28] == pytest.approx(ARRIVALS[:3], abs=2e-3)
    assert measured[[24, 23]] == pytest.approx(measured[[26, 27]], abs=1e-9)  # the same to both sides
    assert np.isnan(np.delete(measured, range(23, 28))).all()


@pytest.mark.slow
def test_wave_of_the_published_ring():
    calcium = simulate(NETWORK, [Point({})], seconds=90, every=0.02, record=["calcium"]).calcium[0]
    assert arrivals(calcium)[25:31] == pytest.approx(ARRIVALS, abs=1e-3)
    calcium = simulate(NETWORK, [Point({})], seconds=310, step=0.02, every=0.04, record=["calcium"]).calcium[0]
    assert np.diff(arrivals(calcium)[37:45]) == pytest.approx(15.53, abs=2e-3)  # away from the rhythm of the fed cell


def test_unlike_grids_share_a_simulation():
    """A point of an open row beside one of a ring gives what each gives alone."""
    row = {"topology.columns": 3, "topology.periodic": 0.0, "stimulus.cell": 0.0}
    ring_of_three = row | {"topology.periodic": 1.0}
    both = simulate(NETWORK, [Point(row), Point(ring_of_three)], seconds=5, step=0.02)
    alone = simulate(NETWORK, [Point(ring_of_three)], seconds=5, step=0.02)
    assert np.array_equal(both.inositol_trisphosphate[1], alone.inositol_trisphosphate[0])
    assert not np.array_equal(both.inositol_trisphosphate[0], alone.inositol_trisphosphate[0])


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"topology.periodic": 0.5}, "topology.periodic=0.5 is neither yes nor no; use 1 or 0"),
        ({"stimulus.cell": 50.0}, "whole number from 0 to 49"),
        ({"stimulus.fed": 40}, "whole number from 0 to 10, or fewer fed cells"),
        ({"stimulus.t_on": 0 * second, "stimulus.t_off": 0 * second}, "make no cycle"),
        ({"stimulus.t_on": 20.003 * second}, "stimulus.t_on=.* is no multiple of the step"),
        ({"stimulus.spread": -0.1}, "spread=-0.1 is negative; use 0 or more"),
    ],
)
def test_values_that_make_no_sense_are_refused(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        simulate(NETWORK, [Point(values)], seconds=1)
