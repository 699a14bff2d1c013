"""Ready-made networks: what one is, and how it is simulated at one point or at many points of its parameters.

A file of biophys/ready_networks describes a network by its parameters, what can be recorded of it, and a function that
builds it as many copies at once. `simulate` sets parameters, records what is asked for and returns a labelled
dataset; the dimension `point` counts the points, and each point is a copy (see biophys/simulation/copies.py).
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from brian2 import BrianLogger, Network, Quantity, SpikeMonitor, StateMonitor, second
from brian2.core.variables import ArrayVariable
from brian2.groups.group import Group
from brian2.utils.logger import NameFilter

from biophys.ready_networks import NETWORKS, ready
from biophys.simulation.checks import check_each, check_not_negative, largest
from biophys.simulation.copies import Copies
from biophys.simulation.parameters import Parameter, Sections, Values, parameter, read_values, table
from biophys.simulation.quantities import evaluated, read_quantity, written
from biophys.simulation.recording import described
from biophys.simulation.seeds import check_seed
from biophys.simulation.simulate import choose_target, compiled_mark, run

MOST_STEPS = 2**53  # that a number with a fraction still counts
IN_STEP = 1e-4  # of a step, within which Brian2 takes two times as one
STABLE = 0.5  # largest step, in lifetimes of the fastest linear process
SPIKES = "spikes"


class Recordable(NamedTuple):
    """A state of a Brian2 object (or its spikes) and how it appears in a dataset.

    units as text, such as "umolar", "s", "%", or "1" for a pure number; cells names the dimension that counts the
    object's cells or synapses in one copy, which is called like the object if left out. fades: paths of the parameters
    that give its time constant or its rate of decay, such as "synapse.Omega_c" or "neuron.C_m/neuron.g_l".
    """

    group: str
    state: str
    units: str
    meaning: str
    cells: str = ""
    fades: str = ""

    @property
    def unit(self) -> Any:
        """What a value of 1 stands for."""
        return {"s": second, "%": 1}.get(self.units) or evaluated(self.units, "units")

    @property
    def attributes(self) -> dict[str, str]:
        """Of the variable in a dataset."""
        return {"units": self.units, "long_name": self.meaning}


class ReadyNetwork(NamedTuple):
    """A network that can be simulated by name.

    build: makes it as many copies; its objects are named as the recordables say.
    fastest: rate (1/s) of the fastest linear process for given parameter values, for the largest step; its argument
        maps sections to names to values, scalars or arrays.
    check: raises ValueError in one sentence for values that make no sense together.
    """

    name: str
    sections: Sections
    records: Mapping[str, Recordable]
    shown: Sequence[str]  # recorded if nothing else is asked for
    build: Callable[[Copies], Network]
    seconds: float  # simulated time
    step: float  # s
    every: float  # s between records
    fastest: Callable[[Values], Any] | None = None
    check: Callable[[Values], None] | None = None

    @property
    def meaning(self) -> str:
        """The sentence about it in the table of biophys/ready_networks."""
        return NETWORKS.get(self.name, "a network of one's own")

    def __str__(self) -> str:
        """Meaning, parameters and variables."""
        wide = max(map(len, self.records))
        records = "\n".join(
            f"  {name:<{wide}}  {recordable.units:<9} {recordable.meaning}{' *' if name in self.shown else ''}"
            for name, recordable in self.records.items()
        )
        meaning = f"{self.name}: {self.meaning}.\n\nparameters:\n{table(self.sections)}"
        return f"{meaning}\n\nvariables (* recorded if none is named):\n{records}"

    def times(self, seconds: float | None, step: float | None, every: float | None) -> tuple[float, float, float]:
        """Simulated time, time step and time between records in s: those given, or the network's own for None.

        Its own time between records is shortened to whole steps.
        """
        given = {"seconds": seconds, "step": step, "every": every}
        for name, value in given.items():
            if not isinstance(value, Real | None) or isinstance(value, bool):
                raise ValueError(f"{name} {value} is no plain number; give seconds, such as {getattr(self, name):g}")
        seconds, step, every = (getattr(self, name) if value is None else value for name, value in given.items())
        if (
            given["every"] is None
            and math.isfinite(step)
            and step > 0
            and abs(every / step - round(every / step)) > 1e-6
        ):
            every = step * max(1, math.floor(every / step))
        return seconds, step, every


class Point(NamedTuple):
    """Values that differ from the defaults, by path, and the seed of chance events."""

    values: Mapping[str, Any]
    seed: int = 0


def simulate(
    network: ReadyNetwork | str,
    points: Sequence[Point],
    *,
    seconds: float | None = None,
    step: float | None = None,
    every: float | None = None,
    record: Sequence[str] = (),
    varying: Collection[str] = (),
    target: str = "auto",
) -> xr.Dataset:
    """All points at once in one vectorised simulation.

    Args:
        points: they may differ in quantities and seeds, not in whole numbers, which shape the network.
        seconds, step, every: simulated time, time step and time between records in s; the network's own if None.
        record: names of network.records; network.shown if empty.
        varying: paths of parameters that other calls vary: they are treated as different at each point even if they
            are not, so that a point comes out bit for bit the same whatever points stand beside it.
        target: Brian2 code target: numpy, cython, cpp_standalone or auto.

    Returns a dataset with dims point, then that of the cells, then time (or event, for spikes). ValueError in one
    sentence for bad input, or if a state stops being a number.
    """
    network = ready(network) if isinstance(network, str) else network
    seconds, step, every = network.times(seconds, step, every)
    wanted, values = chosen(network, record), merged(network.sections, points, varying)
    check_values(network, values, step)
    steps = check_times(seconds, step, every)
    target = choose_target(target, steps)
    copies: list[Copies] = []

    def build() -> Network:
        copies.append(Copies(values, [point.seed for point in points], step=step * second, seconds=seconds * second))
        built = network.build(copies[0])
        built.add(*monitors(built, wanted, every * second))
        return built

    finished = lambda built: (read(built, wanted, len(points)), broken_state(built, network.records, len(points)))
    with looked_at_afterwards():
        arrays, broken = run(build, finished, seconds * second, target=target)
    if target == "cython":
        mark = compiled_mark(*code(network, record, varying))
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    check_finite(arrays, step, broken, [unusual(network, point) for point in points])
    settings = {"network": network.name, "seconds": simulated(seconds, steps, step), "step": step, "target": target}
    for name, fields in values.items():
        settings |= described(name, {field: value for field, value in fields.items() if not np.ndim(value)})
    return xr.Dataset(arrays, attrs=settings)


def code(network: ReadyNetwork, record: Sequence[str], varying: Collection[str]) -> tuple[object, ...]:
    """What the compiled code depends on: with the same, Cython need not compile again."""
    return network.name, sorted(chosen(network, record)), sorted(varying)


class Size(NamedTuple):
    """What a point costs: cells and synapses that are stepped, and numbers that are recorded at each record."""

    stepped: int
    recorded: int


def size(network: ReadyNetwork, point: Point, *, seconds: float, step: float, record: Sequence[str]) -> Size:
    """Builds one copy, as for a run of so many seconds, and counts."""
    wanted = chosen(network, record)
    values = merged(network.sections, [point])
    check_values(network, values, step)
    BrianLogger.suppress_name("unused_brian_object")  # it is built to be counted
    built = network.build(Copies(values, [point.seed], step=step * second, seconds=seconds * second))
    stepped = sum(len(part) for part in built.objects if isinstance(part, Group))
    return Size(stepped, sum(len(built[recordable.group]) for recordable in wanted.values()))


def chosen(network: ReadyNetwork, record: Sequence[str]) -> dict[str, Recordable]:
    """The recordables named. ValueError that lists the known ones."""
    for name in record:
        if name not in network.records:
            raise ValueError(
                f"{network.name} has no variable {name!r} to record; use some of {', '.join(network.records)}"
            )
    return {name: network.records[name] for name in record or network.shown}


def merged(sections: Sections, points: Sequence[Point], varying: Collection[str] = ()) -> dict[str, dict[str, Any]]:
    """Values by section and name: a scalar where all points agree, an array of one value a point where they do not
    or might not (`varying`)."""
    for point in points:
        check_seed(point.seed)
    values = {name: {field: given.value for field, given in fields.items()} for name, fields in sections.items()}
    for path in dict.fromkeys(path for point in points for path in point.values):
        default: Parameter = parameter(sections, path)
        name, _, field = path.partition(".")
        given = [point.values.get(path, default.value) for point in points]
        read = {key: read_quantity(value, default.value, path) for key, value in {id(v): v for v in given}.items()}
        each = [read[id(value)] for value in given]
        whole = isinstance(default.value, int)
        if all(value == each[0] for value in each) and (whole or path not in varying):
            values[name][field] = each[0]
        elif whole:
            raise ValueError(f"{path} shapes the network and cannot differ within one simulation; sweep it instead")
        else:
            plain = np.array([float(value) for value in each])  # in SI base units
            dimensions = default.value.dim if isinstance(default.value, Quantity) else None
            values[name][field] = plain if dimensions is None else Quantity(plain, dim=dimensions)
    return values


def monitors(network: Network, wanted: Mapping[str, Recordable], every: Quantity) -> list[Any]:
    """A state monitor for every object of which states are wanted, a spike monitor for every one of which spikes."""
    states: dict[str, list[str]] = {}
    for recordable in wanted.values():
        states.setdefault(recordable.group, []).append(recordable.state)
    made: list[Any] = []
    for group, names in states.items():
        if SPIKES in names:
            made.append(SpikeMonitor(network[group], name=f"{group}_spikes"))
        if plain := [name for name in dict.fromkeys(names) if name != SPIKES]:
            made.append(StateMonitor(network[group], plain, record=True, dt=every, name=f"{group}_states"))
    return made


def read(network: Network, wanted: Mapping[str, Recordable], points: int) -> dict[str, xr.DataArray]:
    """The recorded arrays, with dims (point, cells, time) or (point, cells, event)."""
    arrays = {}
    for name, recordable in wanted.items():
        if recordable.state == SPIKES:
            monitor = network[f"{recordable.group}_spikes"]
            values = events(np.array(monitor.i), np.array(monitor.t / second), len(network[recordable.group]))
            last = xr.Variable("event", np.arange(values.shape[-1]), {"units": "1", "long_name": "number of the spike"})
        else:
            monitor = network[f"{recordable.group}_states"]
            values = np.array(getattr(monitor, recordable.state) / recordable.unit, float)
            last = xr.Variable("time", np.array(monitor.t / second), {"units": "s", "long_name": "simulated time"})
        values = values.reshape(points, len(values) // points, values.shape[-1])
        cells = recordable.cells or recordable.group
        number = xr.Variable(cells, np.arange(values.shape[1]), {"units": "1", "long_name": "number"})
        coordinates = {cells: number, last.dims[0]: last}
        arrays[name] = xr.DataArray(values, coordinates, ["point", *coordinates], attrs=recordable.attributes)
    return arrays


def events(cells: np.ndarray, times: np.ndarray, count: int) -> np.ndarray:
    """Spike times as one row a cell, filled up with NaN: (count, most spikes of a cell)."""
    order = np.lexsort((times, cells))
    spikes = np.bincount(cells, minlength=count)
    rows = np.full((count, int(spikes.max(initial=0))), np.nan)
    place = np.arange(len(cells)) - np.repeat(np.cumsum(spikes) - spikes, spikes)
    rows[cells[order], place] = times[order]
    return rows


def check_times(seconds: float, step: float, every: float) -> int:
    """How many steps are simulated. ValueError in one sentence for what is no time, no step, or too many."""
    for name, value in {"seconds": seconds, "step": step, "every": every}.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} {value:g} is not a time; use a number of seconds above 0")
    if seconds / step > MOST_STEPS:
        raise ValueError(
            f"{seconds:g} seconds are {seconds / step:.2g} steps of {step:g} s, more than can be counted; simulate at "
            f"most {MOST_STEPS * step:g}"
        )
    if seconds / step < 1 - IN_STEP:
        raise ValueError(f"{seconds:g} seconds hold no step of {step:g} s; simulate at least {step:g}")
    _check_multiple("every", every, step)
    nearest = round(seconds / step)
    return nearest if abs(seconds / step - nearest) <= IN_STEP else math.ceil(seconds / step)


def check_whole(seconds: float, step: float) -> None:
    """ValueError if the simulated time ends between two steps; check_times says what else is wrong."""
    if 0 < step <= seconds <= MOST_STEPS * step:
        _check_multiple("seconds", seconds, step)


def _check_multiple(name: str, value: float, step: float) -> None:
    if abs(value / step - round(value / step)) > max(1e-6, 1e-12 * value / step) or round(value / step) < 1:
        fitting = step * max(1, round(value / step))
        raise ValueError(f"{name} {value:g} s is no multiple of the step {step:g} s; use {fitting:.12g}")


def simulated(seconds: float, steps: int, step: float) -> float:
    """The time that so many steps take: `seconds` unless it ends between two of them."""
    return seconds if abs(seconds / step - steps) <= IN_STEP else steps * step


def check_values(network: ReadyNetwork, values: Values, step: float) -> None:
    """Counts above 0, ranges, what the network checks itself, and a step that follows the fastest process."""
    for section, fields in network.sections.items():
        for field, given in fields.items():
            value = values[section][field]
            if isinstance(given.value, int) and value < 1:
                raise ValueError(f"{section}.{field}={value} builds no network; use at least 1")
            check_each(values, f"{section}.{field}", *given.range)
            if field.endswith("rate"):
                check_not_negative(values, f"{section}.{field}")
    if network.check is not None:
        network.check(values)
    if network.fastest is not None and (rate := largest(network.fastest(values))) > 0:
        lifetime = 1 / rate
        if step > STABLE * lifetime * (1 + 1e-9):
            raise ValueError(
                f"step {step:g} s is too large for these parameters, whose fastest process takes "
                f"{lifetime:.3g} s; use --step {STABLE * lifetime:.2g} or less"
            )


@contextmanager
def looked_at_afterwards() -> Iterator[None]:
    """NumPy and Brian2 say nothing of numbers that overflow: states are looked at when the run has ended."""
    console, silent = BrianLogger.console_handler, NameFilter("invalid_values")
    console.addFilter(silent)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        console.removeFilter(silent)


def unusual(network: ReadyNetwork, point: Point) -> str:
    """The quantities of a point that are farthest from their defaults, at most three, as they are set."""
    distances, values = {}, read_values(network.sections, point.values)
    for path, value in values.items():
        given, usual = (abs(float(each)) for each in (value, parameter(network.sections, path).value))
        distances[path] = abs(math.log(given / usual)) if given and usual else math.inf if given != usual else 0.0
    far = [path for path, distance in distances.items() if distance > 0 and not isinstance(values[path], int)]
    far.sort(key=lambda path: -distances[path])
    return ", ".join(f"{path}={written(values[path], digits=6)}" for path in far[:3])


def broken_state(network: Network, records: Mapping[str, Recordable], points: int) -> tuple[str, int]:
    """The first state of any cell or synapse that is no finite number now, by its name, and its point; else ""."""
    named = {(recordable.group, recordable.state): name for name, recordable in reversed(list(records.items()))}
    for group in network.objects:
        if not isinstance(group, Group):
            continue
        for state, variable in group.variables.items():
            changes = isinstance(variable, ArrayVariable) and not (variable.constant or variable.read_only)
            if changes and getattr(variable.owner, "name", "") == group.name and np.dtype(variable.dtype).kind == "f":
                bad = ~np.isfinite(np.atleast_1d(variable.get_value()))
                if bad.any():  # copies stand one behind the other
                    return named.get((group.name, state), f"{state} of {group.name}"), bad.argmax() * points // bad.size
    return "", 0


def check_finite(
    arrays: Mapping[str, xr.DataArray], step: float, broken: tuple[str, int], unusual: Sequence[str]
) -> None:
    """States must be numbers throughout, and those that are not recorded (`broken`) at the end; spike times are padded
    and exempt.

    unusual: of each point, the parameters that may be what is wrong.
    """
    cure = f"use a step below {step:g} s, or parameters nearer the defaults"
    for name, array in arrays.items():
        bad = ~np.isfinite(array.values) if "time" in array.dims else np.zeros(1, bool)
        if bad.any():
            place = np.argwhere(bad)
            first = place[place[:, -1].argmin()]
            here = f" with {unusual[first[0]]}" if unusual[first[0]] else ""
            raise ValueError(f"{name} is not a number from {float(array.time[first[-1]]):g} s on{here}; {cure}")
    state, point = broken
    if state:
        here = f" with {unusual[point]}" if unusual[point] else ""
        raise ValueError(f"{state} is not a number at the end{here}; {cure}")
