"""The points of a sweep: a ready-made network and the values of its parameters along axes."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import xarray as xr

from biophys.ready_networks import ready
from biophys.simulation.network import Point, check_whole
from biophys.simulation.parameters import parameter, read_axes, read_values
from biophys.simulation.quantities import magnitudes, unit_text, written
from biophys.simulation.seeds import check_seed

MOST_POINTS = 1_000_000


class Grid(NamedTuple):
    """A network and the values of its parameters along axes; `fixed` holds for all points."""

    network: str
    axes: Mapping[str, Sequence[Any]]  # by path
    fixed: Mapping[str, Any]
    seeds: Sequence[int]
    seconds: float
    step: float
    every: float
    record: Sequence[str]

    def points(self) -> list[Point]:
        """All points, the last axis fastest, then the seeds."""
        return [
            Point({**self.fixed, **dict(zip(self.axes, values, strict=True))}, seed)
            for *values, seed in itertools.product(*self.axes.values(), self.seeds)
        ]

    def described(self) -> dict[str, Any]:
        """The grid as plain text and numbers."""
        return {
            **self._asdict(),
            "axes": {path: [written(value) for value in values] for path, values in self.axes.items()},
            "fixed": {path: written(value) for path, value in self.fixed.items()},
            "seeds": list(self.seeds),
            "record": list(self.record),
        }

    @property
    def options(self) -> dict[str, Any]:
        """What the simulation of points needs besides them and the code target."""
        times = {"seconds": self.seconds, "step": self.step, "every": self.every}
        return {**times, "record": self.record, "varying": self.axes}

    def coordinates(self) -> dict[str, xr.Variable]:
        """The values along each axis, in the unit of the parameter; seeds too, if there are several."""
        sections = ready(self.network).sections
        axes: dict[str, xr.Variable] = {}
        for path, values in self.axes.items():
            default = parameter(sections, path)
            plain = [float(magnitudes(value, default.value)) for value in values]
            axes[path] = xr.Variable(path, plain, {"units": unit_text(default.value), "long_name": default.meaning})
        if len(self.seeds) > 1:
            axes["seed"] = xr.Variable("seed", list(self.seeds), {"units": "1", "long_name": "seed of chance events"})
        return axes


def make_grid(
    name: str,
    axes: Mapping[str, Any],
    fixed: Mapping[str, Any],
    seeds: int | Sequence[int] = 1,
    *,
    seconds: float | None = None,
    step: float | None = None,
    every: float | None = None,
    record: Sequence[str] = (),
) -> Grid:
    """A grid as a user gives it, see `biophys.sweep`. ValueError in one sentence for bad input."""
    network = ready(name)
    read = read_axes(network.sections, axes)
    for path in read.keys() & fixed.keys():
        raise ValueError(f"{path} is both an axis and set; leave one out")
    numbers = range(seeds) if isinstance(seeds, int) else seeds
    if not numbers:
        raise ValueError(f"seeds {seeds} leave nothing to simulate; use at least 1")
    points = math.prod(map(len, read.values())) * (seeds if isinstance(seeds, int) else len(numbers))
    if points > MOST_POINTS:
        raise ValueError(f"this sweep would have {points:,} points; use at most {MOST_POINTS:,}")
    numbers = list(numbers)
    seconds, step, every = network.times(seconds, step, every)
    check_whole(seconds, step)
    for seed in numbers[-1:] if isinstance(numbers, range) else numbers:
        check_seed(seed)
    record = [record] if isinstance(record, str) else list(record)
    return Grid(name, read, read_values(network.sections, fixed), numbers, seconds, step, every, record)
