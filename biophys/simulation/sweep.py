"""A parameter study: a ready-made network at every point of a grid, each finished part kept in a file.

Points are simulated many at once, as copies of one vectorised network (copies.py), in chunks (chunks.py) that run side
by side in processes of joblib: those of this machine, or those of a dask cluster. Each finished chunk is a file in the
folder `OUT.parts` beside the result, with the plan of the whole; the same call goes on from there however it was
stopped, and ends with the same dataset.
"""

import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import xarray as xr

from biophys.ready_networks import ready
from biophys.simulation.chunks import Plan, cut, shapes
from biophys.simulation.grid import Grid
from biophys.simulation.network import Point, check_times, check_values, merged, simulate
from biophys.simulation.progress import progress
from biophys.simulation.recording import load, save
from biophys.simulation.simulate import temporary_files_in
from biophys.simulation.undersampling import undersampled, warn_undersampled
from biophys.simulation.whole_files import whole
from biophys.simulation.workers import ending_with_this

ANSWERS_WITHIN = 5.0  # seconds, a dask scheduler


def sweep(
    grid: Grid,
    out: Path,
    *,
    target: str = "auto",
    jobs: int = -1,
    scheduler: str | None = None,
    provenance: Mapping[str, str] = {},  # noqa: B006 - read only
    report: Callable[[str], Any] = lambda message: None,
) -> xr.Dataset:
    """Simulates what is not yet simulated of `grid` and returns the whole, with a dimension for each axis.

    Args:
        out: the file that the caller will write; finished chunks are kept in a folder of this name with `.parts`
            behind, which the caller removes with `forget` once the file is written.
        target: Brian2 code target: numpy, cython, cpp_standalone or auto.
        jobs: processes; -1 for one a core.
        scheduler: address of a dask cluster to run on instead, such as tcp://host:8786.
        provenance: text stored in the dataset; of the call that began the sweep if this one goes on with it.
        report: called with a sentence about the plan.

    Raises ValueError in one sentence for bad input; what finished is kept.
    """
    points = grid.points()
    if not points:
        raise ValueError("this sweep has no points; give at least one value on each axis")
    folder, missed = parts_folder(out), warn_undersampled(undersampled_anywhere(grid, points))
    plan, provenance = opened(folder, grid) or begin(folder, grid, points, target, jobs, provenance)
    report(str(plan))
    files = [folder / f"{number:05}.nc" for number in range(len(plan.chunks))]
    waiting = [number for number, file in enumerate(files) if not file.is_file()]
    done = len(points) - sum(len(plan.chunks[number]) for number in waiting)
    try:
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch,
            progress(total=len(points), initial=done, unit="point") as bar,
        ):
            chunks = {number: [points[point] for point in plan.chunks[number]] for number in waiting}
            tasks = [
                joblib.delayed(within)(scratch, finish_chunk, grid, chunks[number], plan.target, files[number])
                for number in waiting
            ]
            for finished in run_all(tasks, jobs if len(tasks) > 1 else 1, scheduler):
                bar.update(finished)
    except (KeyboardInterrupt, BrokenProcessPool) as end:
        raise stopped(end, folder, plan, files) from end
    return assembled(grid, [read_chunk(file) for file in files], plan, provenance).assign_attrs(missed)


def undersampled_anywhere(grid: Grid, points: Sequence[Point]) -> str:
    """What is said of the first points of a shape that are recorded too rarely."""
    network = ready(grid.network)
    for alike in shapes(network, points, grid.axes):
        values = merged(network.sections, [points[number] for number in alike])
        if sentence := undersampled(network, values, grid.step, grid.every, grid.record):
            return sentence
    return ""


def begin(
    folder: Path, grid: Grid, points: Sequence[Point], target: str, jobs: int, provenance: Mapping[str, str]
) -> tuple[Plan, Mapping[str, str]]:
    """Checks a new sweep, plans it, and writes the plan into `folder`."""
    network = ready(grid.network)
    for alike in shapes(network, points, grid.axes):
        check_values(network, merged(network.sections, [points[number] for number in alike]), grid.step)
    check_times(grid.seconds, grid.step, grid.every)
    plan = cut(grid, points, target, joblib.effective_n_jobs(jobs))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.nc"):  # of a sweep that was killed while it removed what it no longer needed
        old.unlink()
    begun = {"grid": grid.described(), "plan": plan._asdict(), "provenance": dict(provenance)}
    with whole(folder / "plan.json") as part:
        part.write_text(json.dumps(begun, indent=1), encoding="utf-8")
    return plan, provenance


def opened(folder: Path, grid: Grid) -> tuple[Plan, Mapping[str, str]] | None:
    """Plan and provenance of what an earlier call began in `folder`; None if nothing. ValueError if another sweep."""
    file = folder / "plan.json"
    if not file.is_file():
        return None
    try:
        begun = json.loads(file.read_text(encoding="utf-8"))
        now = json.loads(json.dumps(grid.described()))
        same = begun["grid"] == now
        plan = Plan(begun["plan"]["target"], begun["plan"]["chunks"])
        provenance = dict(begun["provenance"])
        if same and sorted(itertools.chain(*plan.chunks)) != list(range(len(grid.points()))):
            raise ValueError("it does not hold every point once")
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise ValueError(f"{file} is damaged; remove {folder} and repeat the command") from error
    if not same:
        raise ValueError(
            f"{folder} keeps the points of another sweep{_difference(begun['grid'], now)}; repeat its command to go on "
            "with it, remove it, or name another --out"
        )
    return plan, provenance


def _difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Times that differ between two grids, such as a default of an earlier version; empty if others do too."""
    names = [name for name in {**there, **here} if there.get(name) != here.get(name)]
    if not names or not set(names) <= {"seconds", "step", "every"}:
        return ""
    return f" ({', '.join(f'--{name} {there.get(name)} there and {here.get(name)} here' for name in names)})"


def stopped(end: BaseException, folder: Path, plan: Plan, files: Sequence[Path]) -> BaseException:
    """The same end, or that of a process that was killed, with what is left."""
    done = sum(len(chunk) for chunk, file in zip(plan.chunks, files, strict=True) if file.is_file())
    left = f"{done} of {plan.points} points are kept in {folder}; the same command goes on"
    if isinstance(end, KeyboardInterrupt):
        return KeyboardInterrupt(left)
    return ChildProcessError(f"a process that simulates was killed, perhaps for want of memory; {left}")


def within(scratch: str, work: Callable[..., int], *words: Any) -> int:
    """`work(*words)` with its temporary files in a folder of the caller, who removes it also if this process dies."""
    if not Path(scratch).is_dir():  # on another machine
        return work(*words)
    with temporary_files_in(scratch):
        return work(*words)


def finish_chunk(grid: Grid, points: Sequence[Point], target: str, file: Path) -> int:
    """Simulates points and writes them; how many they were."""
    save(simulate(ready(grid.network), points, **grid.options, target=target), file)
    return len(points)


def read_chunk(file: Path) -> xr.Dataset:
    try:
        return load(file)
    except ValueError as error:
        raise ValueError(f"{file} is damaged; remove it and repeat the command") from error


def run_all(tasks: Sequence[Any], jobs: int, scheduler: str | None) -> Iterator[int]:
    """The tasks' results as they come, from processes of this machine or from the dask cluster at this address."""
    if scheduler is None:
        with joblib.parallel_config("loky"):
            run = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
            yield from run(ending_with_this(tasks))
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
        yield from joblib.Parallel(batch_size=1)(tasks)


def parts_folder(out: Path) -> Path:
    return out.with_name(f"{out.name}.parts")


def forget(out: Path) -> None:
    """Removes the chunks of a sweep whose file is written."""
    shutil.rmtree(parts_folder(out), ignore_errors=True)


def assembled(grid: Grid, parts: Sequence[xr.Dataset], plan: Plan, provenance: Mapping[str, str]) -> xr.Dataset:
    """One dataset with a dimension for each axis (and seed, if there are several), then those of the network."""
    together = xr.concat(parts, "point", join="outer", combine_attrs="drop_conflicts")
    together = together.isel(point=np.argsort(np.concatenate(plan.chunks), kind="stable"))
    axes = grid.coordinates()
    shape = [len(values) for values in axes.values()]
    arrays = {}
    for name, array in together.data_vars.items():
        inner = {str(dim): array[dim].variable for dim in array.dims[1:]}
        folded = array.values.reshape(*shape, *array.shape[1:])
        arrays[name] = xr.DataArray(folded, axes | inner, [*axes, *inner], attrs=array.attrs)
    attributes = {key: value for key, value in together.attrs.items() if key not in grid.axes}
    attributes |= {
        "study": "sweep",
        "axes": " ".join(grid.axes),
        "seeds": f"{grid.seeds[0]} to {grid.seeds[-1]}",
        **{f"provenance_{key}": value for key, value in provenance.items()},
    }
    return xr.Dataset(arrays, attrs=attributes)
