"""Ready-made networks by their names: simulated at one point of their parameters, or at every point of a grid."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import xarray as xr

from biophys.ready_networks import ready
from biophys.simulation import network as ready_network
from biophys.simulation import sweep as sweeps
from biophys.simulation.grid import make_grid
from biophys.simulation.network import Point, check_whole, merged
from biophys.simulation.parameters import read_values
from biophys.simulation.recording import save
from biophys.simulation.undersampling import undersampled, warn_undersampled


def simulate(
    network: str,
    values: Mapping[str, Any] | None = None,
    *,
    record: Sequence[str] = (),
    seconds: float | None = None,
    step: float | None = None,
    every: float | None = None,
    seed: int = 0,
    target: str = "auto",
) -> xr.Dataset:
    """A ready-made network at one point of its parameters, as `astromorph simulate` runs it.

    >>> from brian2 import Hz
    >>> dataset = biophys.simulate("tripartite", {"stimulus.rate": 5 * Hz}, record=["calcium"], seconds=20)
    >>> dataset.calcium.squeeze("astrocyte").plot()

    Args:
        network: one of `biophys.networks()`.
        values: of the parameters that differ from their defaults, by path ("section.parameter"): a quantity of Brian2,
            a number where the parameter has no unit, or a text such as "5*Hz".
        record: names of variables; those the network shows by itself if empty.
        seconds: simulated time in s; like `step` and `every` the network's own if None.
        step: time step in s.
        every: time between records in s, a multiple of the step. Where it is longer than the time constant of what is
            recorded, a warning says so, and the attribute `undersampled` keeps it.
        seed: of all chance events.
        target: Brian2 code target: numpy, cython, cpp_standalone or auto.

    Returns a dataset with dimensions for the cells and `time` in s (`event` for spikes); each variable has `units` and
    `long_name`, and the attributes hold every parameter with its unit. ValueError in one sentence for what is not
    known, has the wrong unit, or stops being a number.
    """
    built = ready(network)
    point = Point(read_values(built.sections, values or {}), seed)
    times = built.times(seconds, step, every)
    check_whole(*times[:2])
    options: dict[str, Any] = {"seconds": seconds, "step": step, "every": every, "target": target}
    record = [record] if isinstance(record, str) else record
    dataset = ready_network.simulate(built, [point], record=record, **options).isel(point=0)
    values = merged(built.sections, [point])
    missed = warn_undersampled(undersampled(built, values, times[1], times[2], record))
    return dataset.assign_attrs(study="traces", seed=seed, **missed)


def sweep(
    network: str,
    axes: Mapping[str, Any],
    fixed: Mapping[str, Any] | None = None,
    *,
    seeds: int | Sequence[int] = 1,
    record: Sequence[str] = (),
    seconds: float | None = None,
    step: float | None = None,
    every: float | None = None,
    out: str | os.PathLike | None = None,
    target: str = "auto",
    jobs: int = -1,
    scheduler: str | None = None,
) -> xr.Dataset:
    """A ready-made network at every point of a grid of its parameters, as `astromorph sweep` runs it.

    >>> axes = {"stimulus.rate": [1, 2, 5] * Hz, "synapse.U_0": "0.1:0.9:9"}
    >>> dataset = biophys.sweep("tripartite", axes, seeds=5, record=["calcium"], out="sweep.nc")
    >>> dataset.calcium.mean(["time", "seed"])

    Args:
        network: one of `biophys.networks()`.
        axes: values along each axis, by path: a list of quantities or numbers, or a text such as "1,2,5*Hz".
        fixed: values that hold at all points, by path.
        seeds: how many (0, 1, ...), or which; a dimension of their own if there are several.
        out: file of the result. What has finished is kept in the folder `OUT.parts` until the file is written: stopped
            at any moment, the same call goes on from there. A file that is there is replaced.
        jobs: processes; -1 for one a core.
        scheduler: address of a dask cluster to run on instead, such as tcp://host:8786.

    The other arguments are those of `biophys.simulate`. Returns a dataset with a dimension for each axis, then those of
    a single simulation. ValueError in one sentence for bad input.
    """
    grid = make_grid(network, axes, fixed or {}, seeds, seconds=seconds, step=step, every=every, record=record)
    options: dict[str, Any] = {"target": target, "jobs": jobs, "scheduler": scheduler}
    if out is None:
        with TemporaryDirectory() as folder:
            return sweeps.sweep(grid, Path(folder) / "sweep.nc", **options)
    dataset = sweeps.sweep(grid, Path(out), **options)
    save(dataset, out)
    sweeps.forget(Path(out))
    return dataset
