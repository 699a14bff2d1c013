"""How the points of a sweep are cut into chunks, each a vectorised network of its own, and with which code target."""

import math
import shutil
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from biophys.ready_networks import ready
from biophys.simulation.grid import Grid
from biophys.simulation.network import Point, ReadyNetwork, Size, chosen, code, size
from biophys.simulation.parameters import parameter
from biophys.simulation.simulate import choose_target, compiled_mark

# seconds, measured on two cores: of a step however small the network, and of a step of one cell or synapse
STEP = {"numpy": 4e-4, "cython": 1e-4, "cpp_standalone": 2e-6}
CELL_STEP = {"numpy": 3e-8, "cython": 9e-9, "cpp_standalone": 6e-9}
COMPILING = {"numpy": 0.0, "cython": 50.0, "cpp_standalone": 10.0}
WORTH_KEEPING = 20.0  # seconds of work a chunk should hold at least
WORTH_A_PROCESS = 4.0  # seconds that a further process must save
LARGEST_CHUNK = 5e8  # bytes of records
LARGEST_RESULT = 8e9


class Plan(NamedTuple):
    """The code target, and the numbers of the points of each chunk."""

    target: str
    chunks: list[list[int]]

    @property
    def points(self) -> int:
        return sum(map(len, self.chunks))

    def __str__(self) -> str:
        networks = f"{len(self.chunks)} vectorised network{'s' * (len(self.chunks) > 1)}"
        return f"{self.points} points in {networks}, code target {self.target}"


def cut(grid: Grid, points: Sequence[Point], target: str, jobs: int) -> Plan:
    """Chunks of points that share their shape: large enough that the cost of a step is shared, small enough that
    little is lost when the run is killed, and at least one a process if that saves time.

    jobs: processes. ValueError in one sentence for what is not known or too large.
    """
    network = ready(grid.network)
    chosen(network, grid.record)
    steps, records = round(grid.seconds / grid.step), round(grid.seconds / grid.every)
    alike = shapes(network, points, grid.axes)
    times = {"seconds": grid.seconds, "step": grid.step}
    costs = [size(network, points[shape[0]], **times, record=grid.record) for shape in alike]
    recorded = 8 * records * sum(cost.recorded * len(shape) for cost, shape in zip(costs, alike, strict=True))
    if recorded > LARGEST_RESULT:
        raise ValueError(
            f"this sweep would record {recorded / 1e9:.0f} GB; record fewer variables (--record) or less often "
            "(--every)"
        )
    work = steps * sum(cost.stepped * len(shape) for cost, shape in zip(costs, alike, strict=True))
    compiled = compiled_mark(*code(network, grid.record, grid.axes)).is_file()
    target = quickest(target, steps * len(alike), work, len(alike), compiled)
    chunks: list[list[int]] = []
    for cost, shape in zip(costs, alike, strict=True):
        pieces = math.ceil(len(shape) / largest(len(shape), cost, steps, records, target, jobs))
        chunks += [list(map(int, piece)) for piece in np.array_split(shape, pieces)]
    return Plan(target, chunks)


def shapes(network: ReadyNetwork, points: Sequence[Point], varying: Collection[str]) -> list[list[int]]:
    """Numbers of the points that agree in the whole numbers, which shape the network."""
    alike: dict[tuple[Any, ...], list[int]] = {}
    whole_numbers = [path for path in varying if isinstance(parameter(network.sections, path).value, int)]
    for number, point in enumerate(points):
        alike.setdefault(tuple(point.values[path] for path in whole_numbers), []).append(number)
    return list(alike.values())


def largest(points: int, cost: Size, steps: int, records: int, target: str, jobs: int) -> int:
    """How many of so many points of one shape a chunk holds at most."""
    further = max(steps * cost.stepped * CELL_STEP[target], 1e-9)  # seconds of one point more
    shared = steps * STEP[target] + COMPILING[target]
    most = max(1, math.ceil(max(shared, WORTH_KEEPING) / further))
    if further * points * (1 - 1 / jobs) > WORTH_A_PROCESS:
        most = min(most, math.ceil(points / jobs))
    return max(1, min(most, int(LARGEST_CHUNK / max(8 * records * cost.recorded, 1))))


def quickest(target: str, steps: int, work: int, networks: int, compiled: bool) -> str:
    """The named target, or for "auto" the one that is expected to end first. ValueError for an unknown name.

    steps and work (steps times cells) of `networks` networks; compiled: Cython has compiled this before.
    """
    if target != "auto":
        return choose_target(target, steps)
    if shutil.which("g++") is None:
        return "numpy"
    candidates = ["numpy", "cpp_standalone", *(["cython"] if compiled else [])]
    building = COMPILING | {"cython": 0.5}
    seconds = {name: steps * STEP[name] + work * CELL_STEP[name] + networks * building[name] for name in candidates}
    return min(seconds, key=seconds.__getitem__)
