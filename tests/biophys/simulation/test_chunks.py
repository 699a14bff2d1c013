"""A grid is cut into chunks of one shape, and the code target follows the work."""

import pytest
from brian2 import umolar

from biophys.simulation import chunks
from biophys.simulation.grid import make_grid


def planned(network, axes, seeds=1):
    """The plan of a short sweep, two processes."""
    grid = make_grid(network, axes, {}, seeds, seconds=1, step=0.005, every=0.1)
    return chunks.cut(grid, grid.points(), "numpy", 2)


def test_every_point_is_in_one_chunk():
    plan = planned("li-rinzel", {"stimulus.I": [0.2, 0.5, 0.7] * umolar, "astrocyte.K_P": [0.051, 0.1] * umolar}, 2)
    assert sorted(point for chunk in plan.chunks for point in chunk) == list(range(12))
    assert str(plan) == "12 points in 1 vectorised network, code target numpy"


def test_whole_numbers_that_differ_are_networks_of_their_own():
    plan = planned("tripartite", {"synapse.U_0": [0.1, 0.6], "stimulus.synapses": "3:4"})
    assert plan.chunks == [[0, 2], [1, 3]]
    assert str(plan) == "4 points in 2 vectorised networks, code target numpy"


def test_a_chunk_holds_no_more_records_than_allowed(monkeypatch):
    monkeypatch.setattr(chunks, "LARGEST_CHUNK", 8 * 10 * 2 * 2)  # two points of two variables
    assert list(map(len, planned("li-rinzel", {"stimulus.I": "0.2:0.7:5*umolar"}).chunks)) == [2, 2, 1]


@pytest.mark.parametrize(
    ("steps", "work", "target"), [(2_000, 40_000, "numpy"), (1_000_000, 64_000_000, "cpp_standalone")]
)
def test_the_target_follows_the_work(steps, work, target, monkeypatch):
    monkeypatch.setattr(chunks.shutil, "which", lambda name: "/usr/bin/g++")
    assert chunks.quickest("auto", steps, work, 1, False) == target
    assert chunks.quickest("auto", 10_000, 400_000, 1, True) == "cython"
    monkeypatch.setattr(chunks.shutil, "which", lambda name: None)
    assert chunks.quickest("auto", steps, work, 1, True) == "numpy"
