"""A parameter study: a ready-made network at every point of a grid, kept as the points finish.

Points are simulated many at once, as copies of one vectorised network (biophys/simulation/copies.py), in chunks that
run side by side in processes of joblib: those of this machine, or those of a dask cluster. Each finished chunk is a
file in the folder `OUT.parts` beside the result, with the plan of the whole; the same command goes on from there
however it was stopped, and ends with the same file.
"""

import itertools
import json
import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
import xarray as xr
from tqdm import tqdm

from astromorph.files.whole_files import whole
from biophys.ready_networks import ready
from biophys.simulation.network import (
    Point,
    ReadyNetwork,
    check_times,
    check_values,
    chosen,
    code,
    merged,
    simulate,
    size,
)
from biophys.simulation.parameters import parameter
from biophys.simulation.quantities import magnitudes, unit_text, written
from biophys.simulation.recording import load, save
from biophys.simulation.simulate import choose_target, compiled_mark

# seconds, measured on two cores: of a step however small the network, and of a step of one cell or synapse
STEP = {"numpy": 4e-4, "cython": 1e-4, "cpp_standalone": 2e-6}
CELL_STEP = {"numpy": 3e-8, "cython": 9e-9, "cpp_standalone": 6e-9}
COMPILING = {"numpy": 0.0, "cython": 50.0, "cpp_standalone": 10.0}
WORTH_KEEPING = 20.0  # seconds of work a chunk should hold at least
WORTH_A_PROCESS = 4.0  # seconds that a further process must save
LARGEST_CHUNK = 5e8  # bytes of records
LARGEST_RESULT = 8e9
ANSWERS_WITHIN = 5.0  # seconds, a dask scheduler


class Plan(NamedTuple):
    """How a grid is cut into chunks, and why."""

    target: str
    chunks: list[list[int]]  # numbers of points
    told: str


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


def sweep(
    grid: Grid,
    out: Path,
    *,
    target: str = "auto",
    jobs: int = -1,
    scheduler: str | None = None,
    provenance: Mapping[str, str] = {},  # noqa: B006 - read only
) -> xr.Dataset:
    """Simulates what is not yet simulated of `grid` and returns the whole, with a dimension for each axis.

    Args:
        out: the file that the caller will write; finished chunks are kept in a folder of this name with `.parts`
            behind, which the caller removes with `forget` once the file is written.
        target: Brian2 code target: numpy, cython, cpp_standalone or auto.
        jobs: processes; -1 for one a core.
        scheduler: address of a dask cluster to run on instead, such as tcp://host:8786.
        provenance: text stored in the dataset; of the command that began the sweep if this one goes on with it.

    Raises ValueError in one sentence for bad input; what finished is kept.
    """
    network = ready(grid.network)
    points = grid.points()
    if not points:
        raise ValueError("this sweep has no points; give at least one value on each axis")
    folder = parts_folder(out)
    begun = opened(folder, grid)
    if begun is None:
        check_values(network, merged(network.sections, points), grid.step)
        check_times(grid.seconds, grid.step, grid.every)
        plan = planned(network, grid, points, target, joblib.effective_n_jobs(jobs))
        begun = {"grid": grid.described(), "plan": plan._asdict(), "provenance": dict(provenance)}
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.nc"):  # of a sweep that was killed while it removed what it no longer needed
            old.unlink()
        with whole(folder / "plan.json") as part:
            part.write_text(json.dumps(begun, indent=1))
    plan = Plan(**begun["plan"])
    print(plan.told, flush=True)
    files = [folder / f"{number:05}.nc" for number in range(len(plan.chunks))]
    waiting = [number for number, file in enumerate(files) if not file.is_file()]
    tasks = [
        joblib.delayed(finish_chunk)(grid, [points[point] for point in plan.chunks[number]], plan.target, files[number])
        for number in waiting
    ]
    done = len(points) - sum(len(plan.chunks[number]) for number in waiting)
    try:
        with tqdm(total=len(points), initial=done, unit="point", disable=None) as bar:
            for finished in run_all(tasks, jobs if len(tasks) > 1 else 1, scheduler):
                bar.update(finished)
                done += finished
    except KeyboardInterrupt as interruption:
        kept = sum(len(chunk) for chunk, file in zip(plan.chunks, files, strict=True) if file.is_file())
        raise KeyboardInterrupt(
            f"{kept} of {len(points)} points are kept in {folder}; the same command goes on"
        ) from interruption
    return assembled(grid, [kept_chunk(file) for file in files], plan, begun["provenance"])


def finish_chunk(grid: Grid, points: Sequence[Point], target: str, file: Path) -> int:
    """Simulates some points and writes them; how many they were."""
    network = ready(grid.network)
    dataset = simulate(
        network,
        points,
        seconds=grid.seconds,
        step=grid.step,
        every=grid.every,
        record=grid.record,
        varying=grid.axes,
        target=target,
    )
    save(dataset, file)
    return len(points)


def kept_chunk(file: Path) -> xr.Dataset:
    try:
        return load(file)
    except ValueError as error:
        raise ValueError(f"{file} is damaged; remove it and repeat the command") from error


def run_all(tasks: Sequence[Any], jobs: int, scheduler: str | None) -> Iterator[int]:
    """The tasks' results as they come, from processes of this machine or from a dask cluster."""
    with workers(scheduler):
        if scheduler is None:
            yield from joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)(tasks)
        else:
            yield from joblib.Parallel(batch_size=1)(tasks)


@contextmanager
def workers(scheduler: str | None) -> Iterator[None]:
    """joblib's own processes, or those of the dask cluster at this address."""
    if scheduler is None:
        with joblib.parallel_config("loky"):
            yield
        return
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise ValueError("--scheduler needs dask; install it with pip install 'astromorph[cluster]'") from error
    try:
        client = Client(scheduler, timeout=ANSWERS_WITHIN)
    except (OSError, TimeoutError, ValueError) as error:
        raise ValueError(f"no dask scheduler answers at {scheduler}; start one with `dask scheduler`") from error
    with client, joblib.parallel_config("dask"):
        yield


def planned(network: ReadyNetwork, grid: Grid, points: Sequence[Point], target: str, jobs: int) -> Plan:
    """Chunks of points that share their shape: large enough that the cost of a step is shared, small enough that
    little is lost when the run is killed, and at least one a process if that saves time."""
    chosen(network, grid.record)
    steps, records = round(grid.seconds / grid.step), round(grid.seconds / grid.every)
    shapes: dict[tuple[Any, ...], list[int]] = {}
    whole_numbers = [path for path in grid.axes if isinstance(parameter(network.sections, path).value, int)]
    for number, point in enumerate(points):
        shapes.setdefault(tuple(point.values[path] for path in whole_numbers), []).append(number)
    times = {"seconds": grid.seconds, "step": grid.step}
    costs = [size(network, points[alike[0]], **times, record=grid.record) for alike in shapes.values()]
    recorded = 8 * records * sum(cost.recorded * len(alike) for cost, alike in zip(costs, shapes.values(), strict=True))
    if recorded > LARGEST_RESULT:
        raise ValueError(
            f"this sweep would record {recorded / 1e9:.0f} GB; record fewer variables (--record) or less often "
            "(--every)"
        )
    work = steps * sum(cost.stepped * len(alike) for cost, alike in zip(costs, shapes.values(), strict=True))
    compiled = compiled_mark(*code(network, grid.record, grid.axes)).is_file()
    target = quickest(target, steps * len(shapes), work, len(shapes), compiled)
    chunks: list[list[int]] = []
    for cost, alike in zip(costs, shapes.values(), strict=True):
        own = max(steps * cost.stepped * CELL_STEP[target], 1e-9)  # seconds of one point more
        shared = steps * STEP[target] + COMPILING[target]
        most = max(1, math.ceil(max(shared, WORTH_KEEPING) / own))
        if own * len(alike) * (1 - 1 / jobs) > WORTH_A_PROCESS:
            most = min(most, math.ceil(len(alike) / jobs))
        most = max(1, min(most, int(LARGEST_CHUNK / max(8 * records * cost.recorded, 1))))
        pieces = math.ceil(len(alike) / most)
        chunks += [list(map(int, piece)) for piece in np.array_split(alike, pieces)]
    told = f"{len(points)} points in {len(chunks)} vectorised network{'s' * (len(chunks) > 1)}, code target {target}"
    return Plan(target, chunks, told)


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


def parts_folder(out: Path) -> Path:
    return out.with_name(f"{out.name}.parts")


def begun(out: Path) -> bool:
    """Whether a sweep that will write `out` was begun and not ended."""
    return (parts_folder(out) / "plan.json").is_file()


def opened(folder: Path, grid: Grid) -> dict[str, Any] | None:
    """What an earlier call began in `folder`; None if nothing. ValueError if that was another sweep."""
    file = folder / "plan.json"
    if not file.is_file():
        return None
    try:
        begun = json.loads(file.read_text(encoding="utf-8"))
        same = begun["grid"] == json.loads(json.dumps(grid.described()))
        planned = sorted(itertools.chain(*Plan(**begun["plan"]).chunks))
        if same and planned != list(range(len(grid.points()))):
            raise ValueError("it does not hold every point once")
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise ValueError(f"{file} is damaged; remove {folder} and repeat the command") from error
    if not same:
        raise ValueError(
            f"{folder} keeps the points of another sweep; repeat its command to go on with it, remove it, or name "
            "another --out"
        )
    return begun


def forget(out: Path) -> None:
    """Removes the chunks of a sweep whose file is written."""
    shutil.rmtree(parts_folder(out), ignore_errors=True)


def assembled(grid: Grid, chunks: Sequence[xr.Dataset], plan: Plan, provenance: Mapping[str, str]) -> xr.Dataset:
    """One dataset with a dimension for each axis (and seed, if there are several), then those of the network."""
    network = ready(grid.network)
    together = xr.concat(chunks, "point", join="outer", combine_attrs="drop_conflicts")
    order = np.argsort(np.concatenate(plan.chunks), kind="stable")
    together = together.isel(point=order)
    axes: dict[str, xr.Variable] = {}
    for path, values in grid.axes.items():
        default = parameter(network.sections, path)
        plain = [float(magnitudes(value, default.value)) for value in values]
        axes[path] = xr.Variable(path, plain, {"units": unit_text(default.value), "long_name": default.meaning})
    if len(grid.seeds) > 1:
        axes["seed"] = xr.Variable("seed", list(grid.seeds), {"units": "1", "long_name": "seed of chance events"})
    shape = [len(values) for values in axes.values()]
    arrays = {}
    for name, array in together.data_vars.items():
        own = {str(dim): array[dim].variable for dim in array.dims[1:]}
        folded = array.values.reshape(*shape, *array.shape[1:])
        arrays[name] = xr.DataArray(folded, axes | own, [*axes, *own], attrs=array.attrs)
    attributes = {key: value for key, value in together.attrs.items() if key not in grid.axes}
    attributes |= {
        "study": "sweep",
        "axes": " ".join(grid.axes),
        "seeds": f"{grid.seeds[0]} to {grid.seeds[-1]}",
        **{f"provenance_{key}": value for key, value in provenance.items()},
    }
    return xr.Dataset(arrays, attrs=attributes)
