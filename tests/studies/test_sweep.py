"""Sweeps: every point is what it would be alone; killed at any moment, the same command ends with the same file."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import xarray as xr
from brian2 import umolar

from biophys.ready_networks import ready
from biophys.simulation.network import Point, simulate
from biophys.simulation.recording import load, save
from studies import sweep
from studies.command_line import main
from studies.report import sweep_figure

AXES = {"stimulus.I": [0.2 * umolar, 0.5 * umolar, 0.7 * umolar], "astrocyte.K_P": [0.051 * umolar, 0.1 * umolar]}
TIMES = {"seconds": 2.0, "step": 0.01, "every": 0.1}
GRID = sweep.Grid("li-rinzel", AXES, {"astrocyte.rho_A": 0.18}, range(2), **TIMES, record=["calcium"])
COMMAND = "sweep li-rinzel --axis stimulus.I=0.2,0.5,0.7*umolar --axis astrocyte.K_P=0.051,0.1*umolar --seconds 2"


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(sweep, "LARGEST_CHUNK", 8 * 20 * 3)  # three points


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


def test_killed_from_outside_the_same_command_finishes(tmp_path):
    script = (
        "import sys; from studies import sweep; sweep.LARGEST_CHUNK = 1; from studies.command_line import main; main()"
    )
    killed, whole = tmp_path / "killed.nc", tmp_path / "whole.nc"
    words = [*COMMAND.split(), "--jobs", "1"]
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words, "--out", str(killed)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    parts, until = sweep.parts_folder(killed), time.monotonic() + 120
    while not (parts / "00000.nc").is_file() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (parts / "00000.nc").is_file() and not (parts / "00005.nc").is_file() and not killed.exists()
    for out in (killed, whole):  # goes on with six chunks of a point each; begins anew with one
        assert main([*words, "--out", str(out)]) == 0
    assert not parts.exists()
    xr.testing.assert_equal(load(killed), load(whole))


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
    monkeypatch.setattr(sweep, "LARGEST_CHUNK", 1)  # a point each
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


def test_whole_numbers_may_be_axes_too():
    plan = sweep.planned(ready("li-rinzel"), GRID, GRID.points(), "numpy", 2)
    assert sorted(point for chunk in plan.chunks for point in chunk) == list(range(12))


@pytest.mark.parametrize(
    ("steps", "work", "target"), [(2_000, 40_000, "numpy"), (1_000_000, 64_000_000, "cpp_standalone")]
)
def test_the_target_follows_the_work(steps, work, target, monkeypatch):
    monkeypatch.setattr(sweep.shutil, "which", lambda name: "/usr/bin/g++")
    assert sweep.quickest("auto", steps, work, 1, False) == target
    assert sweep.quickest("auto", 10_000, 400_000, 1, True) == "cython"
    monkeypatch.setattr(sweep.shutil, "which", lambda name: None)
    assert sweep.quickest("auto", steps, work, 1, True) == "numpy"


def test_another_sweep_is_not_mixed_in(tmp_path, small_chunks, monkeypatch):
    monkeypatch.setattr(sweep, "run_all", lambda *_: iter(()))
    with pytest.raises(FileNotFoundError):
        sweep.sweep(GRID, tmp_path / "out.nc", jobs=1)
    with pytest.raises(ValueError, match="out.nc.parts keeps the points of another sweep; repeat its command"):
        sweep.sweep(GRID._replace(seconds=3.0), tmp_path / "out.nc", jobs=1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "sweep needs an axis; give one such as --axis astrocyte.C_T=2*umolar, or --seeds above 1"),
        ("--axis stimulus.I=", "'stimulus.I=' sets nothing"),
        ("--axis stimulus.I=1,2", "stimulus.I=1,2 has no unit; write it in umolar, such as stimulus.I=0.5*umolar"),
        ("--axis stimulus.J=1,2", "there is no parameter 'stimulus.J'"),
        ("--axis stimulus.I=1,2*umolar --axis stimulus.I=3*umolar", "an axis is given twice"),
        ("--axis stimulus.I=1,2*umolar --set stimulus.I=3*umolar", "stimulus.I is both an axis and set; leave one out"),
        ("--axis stimulus.I=1,2*umolar --seeds 0", "seeds 0 leave nothing to simulate; use at least 1"),
        ("--axis stimulus.I=1,2*umolar --record IP3", "li-rinzel has no variable 'IP3' to record"),
        ("--axis stimulus.I=1,2*umolar --step 1", "step 1 s is too large"),
        ("--axis stimulus.I=1,2*umolar --every 0.1 --seconds 1e13", "would record"),
        (
            "--axis stimulus.I=1,2*umolar --scheduler tcp://127.0.0.1:9",
            "no dask scheduler answers at tcp://127.0.0.1:9",
        ),
    ],
)
def test_bad_input_is_one_sentence(words, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweep, "ANSWERS_WITHIN", 0.5)
    assert main(["sweep", "li-rinzel", *words.split()]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


def test_figures_of_one_and_two_axes(tmp_path):
    dataset = sweep.sweep(GRID, tmp_path / "out.nc", jobs=1)
    panel = sweep_figure.draw(dataset).axes[0]
    assert panel.get_xlabel() == "stimulus.I (umolar)" and panel.get_ylabel() == "calcium (umolar)"
    assert [text.get_text() for text in panel.figure.legends[0].get_texts()] == ["0.051", "0.1"]
    only = GRID._replace(axes={"stimulus.I": AXES["stimulus.I"]})
    panel = sweep_figure.draw(sweep.sweep(only, tmp_path / "only.nc", jobs=1)).axes[0]
    drawn = panel.lines[0].get_ydata()
    expected = sweep.sweep(only, tmp_path / "only.nc", jobs=1).calcium.sel(time=slice(1.0, None)).mean(["time", "seed"])
    np.testing.assert_allclose(drawn, expected.squeeze("astrocyte").values)


def test_a_network_that_plans_its_spikes_over_the_whole_time_can_be_swept(tmp_path):
    out = tmp_path / "out.nc"
    words = ["spike-timing", "--axis", "plasticity.A_plus=0.005,0.01", "--set", "plasticity.mu=0"]
    assert (
        main(["sweep", *words, "--set", "stimulus.lag=10*ms", "--set", "stimulus.spacing=0*ms", "--out", str(out)]) == 0
    )
    gained = load(out).weight.isel(time=-1).mean("synapse") - 0.5
    assert float(gained[1] / gained[0]) == pytest.approx(2, rel=0.2)  # potentiation alone, but for neighbouring pairs
