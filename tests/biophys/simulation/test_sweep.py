"""Sweeps: every point is what it would be alone; stopped at any moment, the same call ends with the same dataset."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from brian2 import umolar

from biophys.ready_networks import ready
from biophys.simulation import chunks, sweep
from biophys.simulation.grid import Grid, make_grid
from biophys.simulation.network import Point, simulate
from biophys.simulation.recording import save

AXES = {"stimulus.I": [0.2 * umolar, 0.5 * umolar, 0.7 * umolar], "astrocyte.K_P": [0.051 * umolar, 0.1 * umolar]}
TIMES = {"seconds": 2.0, "step": 0.01, "every": 0.1}
GRID = Grid("li-rinzel", AXES, {"astrocyte.rho_A": 0.18}, range(2), **TIMES, record=["calcium"])


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "LARGEST_CHUNK", 8 * 20 * 3)  # three points


def test_every_point_is_what_it_would_be_alone(tmp_path, small_chunks):
    dataset = sweep.sweep(GRID, tmp_path / "out.nc", jobs=1)
    assert dataset.calcium.dims == ("stimulus.I", "astrocyte.K_P", "seed", "astrocyte", "time")
    assert dataset["stimulus.I"].attrs == {"units": "umolar", "long_name": "IP3 in the cell"}
    assert dataset.attrs["astrocyte.rho_A"] == "0.18" and "stimulus.I" not in dataset.attrs
    for i, concentration in enumerate(AXES["stimulus.I"]):
        for k, affinity in enumerate(AXES["astrocyte.K_P"]):
            values = {"stimulus.I": concentration, "astrocyte.K_P": affinity, "astrocyte.rho_A": 0.18}
            alone = simulate(ready("li-rinzel"), [Point(values)], **TIMES, record=["calcium"], target="numpy")
            for seed in range(2):
                np.testing.assert_allclose(dataset.calcium[i, k, seed], alone.calcium[0], rtol=1e-12)


def test_whole_numbers_may_be_axes(tmp_path):
    """They shape the network: what a smaller one lacks is filled up with NaN."""
    times = {"seconds": 1.0, "step": 0.005, "every": 0.1}
    record = ["calcium", "release"]
    grid = make_grid("tripartite", {"stimulus.synapses": "3:4", "synapse.U_0": [0.2, 0.6]}, {}, **times, record=record)
    dataset = sweep.sweep(grid, tmp_path / "out.nc", target="numpy", jobs=1)
    assert dataset["stimulus.synapses"].values.tolist() == [3, 4] and dataset.sizes["synapse"] == 4
    for count in (3, 4):
        point = Point({"stimulus.synapses": count, "synapse.U_0": 0.6})
        alone = simulate(ready("tripartite"), [point], **times, record=record, target="numpy").isel(point=0)
        there = dataset.sel({"stimulus.synapses": count, "synapse.U_0": 0.6})
        np.testing.assert_allclose(there.calcium, alone.calcium, rtol=1e-12)
        np.testing.assert_allclose(there.release[:count], alone.release, rtol=1e-12)
        assert np.isnan(there.release[count:]).all()


def test_stopped_and_gone_on_ends_with_the_same_file(tmp_path, small_chunks, monkeypatch):
    whole, stopped = tmp_path / "whole.nc", tmp_path / "stopped.nc"
    save(sweep.sweep(GRID, whole, jobs=1, provenance={"command": "first"}), whole)
    finish = sweep.finish_chunk

    def interrupted(grid, points, target, file):
        if file.name == "00002.nc":
            raise KeyboardInterrupt
        return finish(grid, points, target, file)

    monkeypatch.setattr(sweep, "finish_chunk", interrupted)
    with pytest.raises(
        KeyboardInterrupt, match="6 of 12 points are kept in .*stopped.nc.parts; the same command goes on"
    ):
        sweep.sweep(GRID, stopped, jobs=1, provenance={"command": "first"})
    done = []
    monkeypatch.setattr(sweep, "finish_chunk", lambda *words: done.append(words[3].name) or finish(*words))
    save(sweep.sweep(GRID, stopped, jobs=1, provenance={"command": "second"}), stopped)
    assert done == ["00002.nc", "00003.nc"]
    assert stopped.read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_a_dask_cluster_of_two_workers_gives_the_same(tmp_path, small_chunks):
    distributed = pytest.importorskip("dask.distributed")
    here = sweep.sweep(GRID, tmp_path / "here.nc", jobs=1)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        there = sweep.sweep(GRID, tmp_path / "there.nc", scheduler=cluster.scheduler_address)
    xr.testing.assert_identical(here, there)


@pytest.mark.slow
def test_a_dask_cluster_that_loses_one_of_two_workers_ends_with_the_same(tmp_path, monkeypatch):
    distributed = pytest.importorskip("dask.distributed")
    monkeypatch.setattr(chunks, "LARGEST_CHUNK", 1)  # a point each
    here, out = sweep.sweep(GRID, tmp_path / "here.nc", jobs=1), tmp_path / "there.nc"
    work = "from distributed.cli.dask_worker import main; main()"
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        words = [cluster.scheduler_address, "--no-nanny", "--nthreads", "1", "--no-dashboard"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        workers = [subprocess.Popen([sys.executable, "-c", work, *words], env=environment) for _ in range(2)]

        def kill_one() -> None:
            while not list(sweep.parts_folder(out).glob("*.nc")):
                time.sleep(0.01)
            workers[0].send_signal(signal.SIGKILL)

        killer = threading.Thread(target=kill_one, daemon=True)
        try:
            with distributed.Client(cluster) as client:
                client.wait_for_workers(2, timeout=120)
            killer.start()
            there = sweep.sweep(GRID, out, scheduler=cluster.scheduler_address)
            killer.join(60)
        finally:
            for worker in workers:
                worker.kill()
    assert workers[0].wait() == -signal.SIGKILL
    xr.testing.assert_identical(here, there)


def test_another_sweep_is_not_mixed_in(tmp_path, small_chunks, monkeypatch):
    monkeypatch.setattr(sweep, "run_all", lambda *_: iter(()))
    with pytest.raises(FileNotFoundError):
        sweep.sweep(GRID, tmp_path / "out.nc", jobs=1)
    with pytest.raises(ValueError, match="out.nc.parts keeps the points of another sweep; repeat its command"):
        sweep.sweep(GRID._replace(seeds=(5,)), tmp_path / "out.nc", jobs=1)
    with pytest.raises(ValueError, match=r"another sweep \(--every 0.1 there and 0.02 here\); repeat its command"):
        sweep.sweep(GRID._replace(every=0.02), tmp_path / "out.nc", jobs=1)


def test_a_sweep_begun_by_version_0_4_0_goes_on(tmp_path, monkeypatch):
    """Its folder holds the plan and the first of six chunks."""
    old = Path(__file__).parents[2] / "reference_data" / "sweep-0.4.0.nc.parts"
    shutil.copytree(old, tmp_path / "out.nc.parts")
    finish, done, messages = sweep.finish_chunk, [], []
    monkeypatch.setattr(sweep, "finish_chunk", lambda *words: done.append(words[3].name) or finish(*words))
    dataset = sweep.sweep(GRID, tmp_path / "out.nc", jobs=1, report=messages.append)
    assert done == [f"{number:05}.nc" for number in range(1, 6)]
    assert messages == ["12 points in 6 vectorised networks, code target numpy"]
    assert dataset.attrs["provenance_command"] == "astromorph sweep li-rinzel"
    xr.testing.assert_allclose(dataset, sweep.sweep(GRID, tmp_path / "new.nc", target="numpy", jobs=1), rtol=1e-12)


@pytest.mark.parametrize("plan", ["", "{}", "[]", '{"grid": 1, "plan": {"target": "numpy", "chunks": 3}}'])
def test_a_damaged_plan_is_one_sentence(plan, tmp_path):
    folder = tmp_path / "out.nc.parts"
    folder.mkdir()
    (folder / "plan.json").write_text(plan, encoding="utf-8")
    with pytest.raises(ValueError, match="plan.json is damaged; remove .*out.nc.parts and repeat the command"):
        sweep.sweep(GRID, tmp_path / "out.nc", jobs=1)
