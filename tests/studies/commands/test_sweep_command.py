"""`astromorph sweep`: killed at any moment, the same command ends with the same file; bad input is one sentence."""

import os
import signal
import subprocess
import sys
import time

import pytest
import xarray as xr

from biophys.simulation import sweep
from biophys.simulation.lists import LISTS
from biophys.simulation.recording import load
from studies.command_line import main
from studies.commands import patterns
from studies.commands.sweep import page

COMMAND = "sweep li-rinzel --axis stimulus.I=0.2,0.5,0.7*umolar --axis astrocyte.K_P=0.051,0.1*umolar --seconds 2"


def test_killed_from_outside_the_same_command_finishes(tmp_path):
    script = (
        "from biophys.simulation import chunks; chunks.LARGEST_CHUNK = 1; from studies.command_line import main; main()"
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


def test_lists_are_explained_as_for_patterns():
    assert LISTS in patterns.HELP and LISTS in page({"chi": "calcium"})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "sweep needs an axis; give one such as --axis astrocyte.C_T=2*umolar, or --seeds above 1"),
        ("--axis stimulus.I=", "'stimulus.I=' sets nothing"),
        ("--axis stimulus.I=1,2", "stimulus.I=1,2 has no unit; write it in umolar, such as stimulus.I=0.5*umolar"),
        ("--axis stimulus.J=1,2", "there is no parameter 'stimulus.J'"),
        ("--axis stimulus.I=1,2*umolar --axis stimulus.I=3*umolar", "stimulus.I is given twice; give it once"),
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


def test_a_network_that_plans_its_spikes_over_the_whole_time_can_be_swept(tmp_path):
    out = tmp_path / "out.nc"
    words = ["spike-timing", "--axis", "plasticity.A_plus=0.005,0.01", "--set", "plasticity.mu=0"]
    assert (
        main(["sweep", *words, "--set", "stimulus.lag=10*ms", "--set", "stimulus.spacing=0*ms", "--out", str(out)]) == 0
    )
    gained = load(out).weight.isel(time=-1).mean("synapse") - 0.5
    assert float(gained[1] / gained[0]) == pytest.approx(2, rel=0.2)  # potentiation alone, but for neighbouring pairs
