"""What takes too long for a test: killed at fifty moments each, a sweep, a training and a report lose nothing, and the
memory of long ones does not grow.

    python -m tests.soak               everything, half an hour
    python -m tests.soak sweep --kills 5

SIGKILL or SIGTERM comes at moments drawn from a seed, wherever the process is. After each, every file under its final
name can be read and what was finished is still there; in the end the result is that of a process left alone.
Ends with status 1 and a sentence if anything of it fails.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import xarray as xr
from safetensors.torch import load_file
from tqdm import tqdm

from astromorph.runs.run_folder import RunFolder
from biophys.simulation.recording import load
from tests.astromorph.training.test_reliability import assert_equal_runs

START = (
    "import sys; from biophys.simulation import chunks; chunks.LARGEST_CHUNK = {bytes}; "
    "from studies.command_line import command; "
)
POINTS = 150
SWEEP = (
    f"sweep li-rinzel --axis stimulus.I=0.2:0.8:{POINTS // 3}*umolar --axis astrocyte.K_P=0.05,0.07,0.1*umolar "
    "--seconds 4 --step 0.01 --every 0.1 --target numpy --jobs 1"
)
TRAINING = "train digits --attention linear --epochs 12 --average 40"
DATES = re.compile(r"\d{4}-\d\d-\d\dT[\d:+.]+|\d{4}-\d\d-\d\d")
ENDS_WITHIN = 30.0  # seconds
TERMINATED = (-signal.SIGTERM, 128 + signal.SIGTERM, 0)  # before the command has begun, in it, or just ended
GROWTH = 1.05, 30.0  # by what share, or by how many MB, memory may grow
MEMORY = """
import resource
def held():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 1e6
"""
SWEEP_MEMORY = (
    MEMORY
    + """
import sys
from pathlib import Path
import numpy as np
from brian2 import umolar
from biophys.simulation import chunks, sweep
from biophys.simulation.grid import Grid

chunks.LARGEST_CHUNK = 50 * 8 * 20  # bytes of fifty points
many = lambda low, high: list(np.linspace(low, high, 100) * umolar)
axes = {"stimulus.I": many(0.2, 0.8), "astrocyte.K_P": many(0.05, 0.1)}
grid = Grid("li-rinzel", axes, {}, [0], 2.0, 0.01, 0.1, ["calcium"])
finish, done = sweep.finish_chunk, 0

def counted(*words):
    global done
    finished = finish(*words)
    done += finished
    if done in (1000, 10_000):
        print(done, held(), flush=True)
    return finished

sweep.finish_chunk = counted
sweep.sweep(grid, Path(sys.argv[1]) / "out.nc", target="numpy", jobs=1)
"""
)
TRAINING_MEMORY = (
    MEMORY
    + """
import sys
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.training.loop import train

write = RunFolder.write_metrics
def written(self, rows):
    write(self, rows)
    if len(rows) in (2, 20):
        print(len(rows), held(), flush=True)

RunFolder.write_metrics = written
train(RunFolder.create(sys.argv[1] + "/run", "digits", DigitsSettings(epochs=20), CalciumResponse()), None)
"""
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to do; everything if left out")
    parser.add_argument("--kills", type=int, default=50, help="of each")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    asked = parser.parse_args()
    failed = 0
    for part in asked.parts or PARTS:
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            try:
                told = PARTS[part](Path(folder), asked.kills, random.Random(asked.seed))
            except AssertionError as error:
                failed, told = 1, f"FAILED: {error}"
        print(f"{part}: {told} ({time.perf_counter() - begun:.0f} s)", flush=True)
    return failed


def sweep(folder: Path, kills: int, chance: random.Random) -> str:
    whole, out = folder / "whole.nc", folder / "killed.nc"
    parts, start = out.with_name("killed.nc.parts"), START.format(bytes=8 * 40 * 10)
    kept: set[str] = set()

    def look() -> None:
        nonlocal kept
        now = {file.name for file in parts.glob("[0-9]*.nc")}
        assert now >= kept or out.exists(), f"{kept - now} were lost"
        kept = now if not out.exists() else set()
        for file in [*parts.glob("[0-9]*.nc"), *folder.glob("[a-z]*.nc")]:
            load(file)

    def begin_anew() -> None:
        same(load(out), load(whole))
        out.unlink(), out.with_suffix(".png").unlink()
        shutil.rmtree(parts, ignore_errors=True)
        kept.clear()

    words = [sys.executable, "-c", start + "sys.exit(command())", *SWEEP.split(), "--out"]
    long = timed([*words, str(whole)])
    ended = lambda: out.exists() and not (parts / "plan.json").exists()
    told = killed(lambda: [*words, str(out)], look, begin_anew, kills, chance, long, ended)
    assert not parts.exists(), "the finished points are still there"
    same(load(out), load(whole))
    return f"{told} of a sweep of {POINTS} points in {POINTS // 10} networks; the dataset is identical"


def training(folder: Path, kills: int, chance: random.Random) -> str:
    whole, run = folder / "whole", folder / "killed"
    command, rows = [sys.executable, "-m", "studies.command_line"], 0

    def words() -> list[str]:
        if (run / "settings.yaml").exists():
            return [*command, "train", "digits", "--resume", str(run)]
        return [*command, *TRAINING.split(), "--out", str(run)]

    def look() -> None:
        nonlocal rows
        for file in run.glob("*.safetensors"):
            load_file(file)
        if (run / "settings.yaml").exists():
            found = RunFolder.open(run)
            now = len(found.metrics()) if (run / "metrics.csv").exists() else 0
            assert now >= rows, f"{rows} epochs were done and {now} are left"
            rows = now
            if found.finished:
                found.summary()

    def begin_anew() -> None:
        nonlocal rows
        assert_equal_runs(run, whole)
        shutil.rmtree(run)
        rows = 0

    long = timed([*command, *TRAINING.split(), "--out", str(whole)])
    told = killed(words, look, begin_anew, kills, chance, long, lambda: (run / "summary.json").exists())
    assert_equal_runs(run, whole)
    left = [file.name for file in run.iterdir() if file.name.startswith(".")]
    assert not left, f"{left} were left behind"
    return f"{told} of a training of 12 epochs; metrics, weights and test are equal bit for bit"


def report(folder: Path, kills: int, chance: random.Random) -> str:
    run, data, page = folder / "run", folder / "data.nc", folder / "page.html"
    command = [sys.executable, "-m", "studies.command_line"]
    timed([*command, "train", "digits", "--attention", "linear", "--epochs", "2", "--out", str(run)])
    timed([*command, "study", "union-property", "--out", str(data)])
    words = [*command, "report", str(run), str(data), "--overwrite", "--out", str(page)]
    long = timed(words)
    whole = DATES.sub("", page.read_text(encoding="utf-8"))

    def look() -> None:
        if page.exists():
            assert DATES.sub("", page.read_text(encoding="utf-8")) == whole, "the page is another"

    page.unlink()
    told = killed(lambda: words, look, lambda: page.unlink(), kills, chance, long)
    look()
    return f"{told} of a report; the page was absent or whole, and is the same"


def killed(
    words: Callable[[], list[str]],
    look: Callable[[], None],
    begin_anew: Callable[[], None],
    kills: int,
    chance: random.Random,
    long: float,
    ended: Callable[[], bool] = lambda: False,
) -> str:
    """Kill the command, which ends after about `long` seconds, at that many moments, then let it end."""
    done = rounds = 0
    bar = tqdm(total=kills, unit="kill", disable=None)
    while done < kills:
        process = started(words())
        try:
            process.wait(chance.uniform(0, 1.1 * long))
            assert process.returncode == 0, process.stderr.read().decode()  # type: ignore[union-attr]
        except subprocess.TimeoutExpired:
            if chance.random() < 0.5:
                os.killpg(process.pid, signal.SIGKILL)
            else:  # to the process alone, which ends those it has started
                process.terminate()
            status = process.wait(ENDS_WITHIN)
            assert status in (-signal.SIGKILL, *TERMINATED), f"status {status} after SIGTERM"
            done += 1
            bar.update()
        look()
        if process.returncode == 0 or ended():
            rounds += 1
            begin_anew()
    bar.close()
    timed(words())
    look()
    return f"{done} kills in {rounds + 1} rounds"


def started(words: list[str]) -> subprocess.Popen:
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def timed(words: list[str]) -> float:
    """Seconds that the command takes; AssertionError if it fails."""
    begun, process = time.perf_counter(), started(words)
    _, told = process.communicate()
    assert process.returncode == 0, told.decode()
    return time.perf_counter() - begun


def same(one: xr.Dataset, other: xr.Dataset) -> None:
    """Identical but for when and by which words it was made."""
    for dataset in (one, other):
        dataset.attrs = {key: value for key, value in dataset.attrs.items() if not key.startswith("provenance_")}
    xr.testing.assert_identical(one, other)


def memory(folder: Path, *_: object) -> str:
    """What a sweep holds after 1,000 and 10,000 points, and a training after 2 and 20 epochs."""
    told = []
    for script, unit in ((SWEEP_MEMORY, "points"), (TRAINING_MEMORY, "epochs")):
        done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stdout.splitlines() if re.fullmatch(r"\d+ [\d.]+", line)]
        (first, before), (last, after) = ((int(count), float(held)) for count, held in lines)
        told.append(f"{before:.0f} MB after {first} {unit}, {after:.0f} MB after {last}")
        assert after < max(GROWTH[0] * before, before + GROWTH[1]), f"memory grows: {told[-1]}"
    return "; ".join(told)


PARTS = {"sweep": sweep, "training": training, "report": report, "memory": memory}

if __name__ == "__main__":
    sys.exit(main())
