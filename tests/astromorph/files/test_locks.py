"""Two processes never work in one folder: the second is told so, and may go on as soon as the first has ended."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from astromorph.files.locks import alone
from biophys.simulation.recording import load
from studies.command_line import main

HOLDING = """
import sys
from contextlib import ExitStack
from pathlib import Path
from astromorph.files.locks import alone

with ExitStack() as stack:
    for folder in sys.argv[1:]:
        stack.enter_context(alone(Path(folder)))
    print("held", flush=True)
    sys.stdin.read()
"""
SWEEP = "sweep li-rinzel --axis stimulus.I=0.2,0.5*umolar --seconds 1 --jobs 1 --out out.nc"
COMMANDS = {
    "run": "train digits --attention linear --epochs 1 --out run",
    "out.nc.parts": SWEEP,
    "mnist.nc.parts": "study permuted-mnist --tasks 1 --out mnist.nc",
    "counted.csv.parts": "patterns union --population 200 --active 20 --synapses 10 --threshold 5 --patterns 2 "
    "--out counted.csv",
    "demo": "demo --out demo",
}


def holder(*folders: Path) -> subprocess.Popen:
    """Another process that is at work in these folders."""
    words = [sys.executable, "-c", HOLDING, *map(str, folders)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_so_and_may_go_on_when_the_first_was_killed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first = holder(*(tmp_path / name for name in COMMANDS))
    try:
        for name, words in COMMANDS.items():
            assert main(words.split()) == 2
            told = capsys.readouterr().err
            assert told == (
                f"astromorph: another process is at work in {name}; wait until it has ended, or name another output\n"
            )
        assert sorted(path.name for path in tmp_path.rglob("*")) == sorted(COMMANDS)  # nothing was written
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert main(COMMANDS["counted.csv.parts"].split()) == 0 and (tmp_path / "counted.csv").is_file()
    assert not (tmp_path / "counted.csv.parts").exists()


def test_a_run_that_is_trained_is_neither_resumed_nor_overwritten(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main("train digits --attention linear --epochs 1 --out run".split()) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    first = holder(tmp_path / "run")
    for words in ("--resume run", "--attention linear --out run --overwrite"):
        assert main(["train", "digits", *words.split()]) == 2
        assert "another process is at work in run" in capsys.readouterr().err
    first.communicate()
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_what_a_killed_process_left_half_written_goes_and_nothing_else(tmp_path):
    for name in (".weights.safetensors.123.part", "settings.yaml", ".kept"):
        (tmp_path / name).write_text("")
    with alone(tmp_path), pytest.raises(BlockingIOError), alone(tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [".kept", "settings.yaml"]
    with alone(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a").exists()  # it stayed empty
    with pytest.raises(NotADirectoryError, match="settings.yaml is a file; name another output"):
        with alone(tmp_path / "settings.yaml"):
            pass


def test_a_command_killed_before_it_had_written_a_run_may_be_repeated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".settings.yaml.123.part").write_text("data_set: di")
    assert main("train digits --attention linear --epochs 1 --out run".split()) == 0


def test_a_sweep_killed_between_its_file_and_its_end_may_be_repeated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("studies.kept.forget", lambda folder: None)
        assert main(SWEEP.split()) == 0
    first = load(tmp_path / "out.nc")
    (tmp_path / "out.png").unlink()
    assert main(SWEEP.split()) == 0
    xr.testing.assert_identical(load(tmp_path / "out.nc"), first)
    assert (tmp_path / "out.png").is_file() and not (tmp_path / "out.nc.parts").exists()
    assert main(SWEEP.split()) == 2  # now it is finished, and not replaced


def test_points_without_their_plan_are_not_taken_for_those_of_another_sweep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(SWEEP.split()) == 0
    (tmp_path / "out.nc.parts").mkdir()
    (tmp_path / "out.nc").rename(tmp_path / "out.nc.parts" / "00000.nc")
    (tmp_path / "out.png").unlink()
    assert main(SWEEP.replace("0.2,0.5", "0.3,0.6").split()) == 0
    assert load(tmp_path / "out.nc")["stimulus.I"].values.tolist() == [0.3, 0.6]
    assert not (tmp_path / "out.nc.parts").exists()


@pytest.mark.slow
def test_of_two_sweeps_begun_at_once_one_ends_and_one_says_why_not(tmp_path):
    words = [sys.executable, "-m", "studies.command_line", *SWEEP.replace("--seconds 1", "--seconds 60").split()]
    both = [
        subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        for _ in range(2)
    ]
    told = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2]
    assert "another process is at work in out.nc.parts" in "".join(told) or "out.nc exists already" in "".join(told)
    assert load(tmp_path / "out.nc").sizes["stimulus.I"] == 2


READING = """
import sys
from pathlib import Path
from astromorph.data import imdb
from astromorph.data.corpus import load_encoded_imdb

rows = [imdb.Review(*group, number, f"{group[1]} film {number}".encode()) for group in imdb.GROUPS for number in (0, 1)]
for row in rows if sys.argv[2:] == [] else ():
    file = Path(sys.argv[1], "aclImdb", row.split, row.label, f"{row.number}_1.txt")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(row.text)
edition = imdb.Edition(2, imdb.OFFICIAL.archive, imdb.OFFICIAL.parquet, imdb.digest(rows))
for cache in sys.argv[2:]:
    found = load_encoded_imdb(Path(sys.argv[1]), 100, 1, Path(cache), edition)
    print([text.tolist() for text in found.train + found.test], found.vocabulary)
"""


@pytest.mark.slow
def test_four_processes_fill_one_cache(tmp_path):
    words = [sys.executable, "-c", READING, str(tmp_path)]
    subprocess.run(words, check=True)
    caches = [str(tmp_path / f"cache{number}") for number in range(20)]
    four = [subprocess.Popen([*words, *caches], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    told = {process.communicate()[0] for process in four}
    assert len(told) == 1 and [process.returncode for process in four] == [0] * 4
    assert all(len(list(Path(cache).iterdir())) == 1 for cache in caches)
