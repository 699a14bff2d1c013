"""Killed as hard as can be, a command leaves no process that computes, and no log of Brian2's."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from studies.shell.interruption import _status

ROOT = Path(__file__).parents[3]
LONG = "--seconds 20000 --every 100"
SWEEP = f"sweep li-rinzel --axis stimulus.I=0.2:0.8:40*umolar --axis astrocyte.K_P=0.05:0.1:40*umolar {LONG} --jobs 2"
CELLS = "--population 20000 --active 200 --synapses 25 --threshold 15"
DRAWN = f"patterns false-match {CELLS} --comparisons 8e11 --jobs 2 --out a.csv"


def below(number: int) -> set[int]:
    """Processes under a process, and under them."""
    parents = {int(name): _status(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    found, waiting = set(), [number]
    while waiting:
        here = waiting.pop()
        children = {child for child, status in parents.items() if status and int(status[1]) == here}
        found, waiting = found | children, [*waiting, *children]
    return found


def seconds(number: int) -> float:
    """Of the processor that a process has used."""
    status = _status(number)
    return 0.0 if status is None else (int(status[11]) + int(status[12])) / os.sysconf("SC_CLK_TCK")


def alive(number: int) -> bool:
    status = _status(number)
    return status is not None and status[0] not in "ZX"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are counted in /proc")
@pytest.mark.parametrize(
    ("words", "busy"),
    [
        (f"{SWEEP} --target numpy", 2),
        (f"{SWEEP} --target cpp_standalone", 2),
        ("simulate li-rinzel --seconds 1e6 --every 100 --target cpp_standalone --out a.nc", 1),
        (DRAWN, 2),
    ],
    ids=["workers", "programs of workers", "program", "drawn patterns"],
)
def test_nothing_goes_on_when_the_command_was_killed(words, busy, tmp_path):
    (tmp_path / "tmp").mkdir()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "tmp"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "studies.command_line", *words.split()]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    compiled, until = "cpp" in words, time.monotonic() + 150

    def programs(numbers: set[int]) -> set[int]:
        return {
            each for each in numbers if (name := Path(f"/proc/{each}/comm")).exists() and "main" in name.read_text()
        }

    try:
        while time.monotonic() < until:
            time.sleep(0.2)
            children = below(process.pid)
            working = programs(children) if compiled else {each for each in children if seconds(each) > 5}
            if len(working) >= busy:
                break
        assert len(working) >= busy and process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    until = time.monotonic() + 10
    while any(map(alive, children)) and time.monotonic() < until:
        time.sleep(0.1)
    left = [each for each in children if alive(each)]
    for each in left:
        os.kill(each, signal.SIGKILL)
    assert not left
    assert not list((tmp_path / "tmp").rglob("brian_debug_*"))


@pytest.mark.parametrize(
    ("first", "debug", "logs"),
    [("biophys", "", False), ("biophys", "1", True), ("brian2", "", True)],
    ids=["ours", "asked for", "of somebody else's program"],
)
def test_brian2_logs_only_for_those_who_want_it(first, debug, logs, tmp_path):
    code = f"""if True:
        import os, {first}, biophys.simulation.quantities, brian2, glob
        brian2.BrianLogger.suppress_hierarchy("x", filter_log_file=True)
        print(glob.glob(os.environ["TMPDIR"] + "/brian_debug_*") != [])"""
    environment = os.environ | {"TMPDIR": str(tmp_path), "ASTROMORPH_DEBUG": debug}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.stdout.strip() == str(logs), done.stderr
    assert not list(tmp_path.iterdir())
