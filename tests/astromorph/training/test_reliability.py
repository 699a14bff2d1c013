"""What a training survives: being killed, a loss that runs away, a disk without room."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from astromorph.runs.run_folder import METRICS, RunFolder
from astromorph.settings import DigitsSettings
from astromorph.tasks import image_batches
from astromorph.training import loop as training
from astromorph.training.loop import train

REPEATED = [name for name in METRICS if name not in ("seconds", "examples_per_second")]
CHILD = """
import sys
from pathlib import Path
from astromorph.runs.run_folder import RunFolder
from astromorph.training.loop import train

folder = RunFolder.open(sys.argv[1])
print("training", flush=True)
train(folder, Path("nowhere"))
"""
SETTINGS = DigitsSettings(attention="linear", epochs=8, average=40)


def new_run(path: Path, settings: DigitsSettings = SETTINGS) -> RunFolder:
    return RunFolder.create(path, "digits", settings, None)


def start(path: Path, **options) -> subprocess.Popen:
    """A process that trains the run in `path`, once it has begun to."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    assert process.stdout is not None and process.stdout.readline() == "training\n"
    return process


def kill_and_resume(path: Path, moments: list[float]) -> None:
    """Kill the training in `path` that many seconds after each start, then let it end."""
    new_run(path)
    for moment in moments:
        process = start(path)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for file in path.glob("*.safetensors"):  # never half written under their own names
            load_file(file)
        if (path / "summary.json").exists():
            return
    assert start(path).wait() == 0


def assert_equal_runs(one: Path, other: Path) -> None:
    """Metrics, test result and weights the same, bit for bit."""
    first, second = RunFolder.open(one), RunFolder.open(other)
    pd.testing.assert_frame_equal(first.metrics()[REPEATED], second.metrics()[REPEATED], check_exact=True)
    for key in ("test_accuracy", "test_loss", "weights_sha256", "confusion", "chosen_epoch"):
        assert first.summary()[key] == second.summary()[key]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "uninterrupted"
    new_run(path)
    assert start(path).wait() == 0
    return path


def test_a_killed_training_ends_as_if_it_had_not_been(uninterrupted, tmp_path):
    chance = random.Random(1)
    kill_and_resume(tmp_path / "killed", [chance.uniform(0.1, 1.2)])
    assert_equal_runs(tmp_path / "killed", uninterrupted)


@pytest.mark.slow
def test_fifteen_kills_at_random_moments(uninterrupted, tmp_path):
    chance = random.Random(2)
    for round in range(5):
        kill_and_resume(tmp_path / str(round), [chance.uniform(0.0, 1.5) for _ in range(3)])
        assert_equal_runs(tmp_path / str(round), uninterrupted)


def test_a_loss_that_runs_away_keeps_the_last_good_weights(tmp_path, monkeypatch):
    orderly = training.set_learning_rate

    def breaks_in_the_third_epoch(optimiser, step, steps, warm_up):
        rate = orderly(optimiser, step, steps, warm_up)
        if step < 2 * steps // 3:
            return rate
        for group in optimiser.param_groups:
            group["lr"] = 1e30
        return 1e30

    monkeypatch.setattr(training, "set_learning_rate", breaks_in_the_third_epoch)
    folder = new_run(tmp_path / "run", DigitsSettings(attention="linear", epochs=3))
    with pytest.raises(
        ValueError, match=r"at step \d+ of 54 with learning rate 1e\+30; lower.*of the 2 epochs before are kept"
    ):
        train(folder, tmp_path)
    assert len(folder.metrics()) == 2
    assert all(tensor.isfinite().all() for tensor in load_file(folder.path / "weights.safetensors").values())


def test_an_exploding_loss_stops_before_it_is_no_number(tmp_path, monkeypatch):
    exploding = lambda output, labels, label_smoothing: output.sum() * 0 + 2000.0
    monkeypatch.setattr(image_batches, "cross_entropy", exploding)
    with pytest.raises(ValueError, match="exploded to 2e.03 at step 1 of .*no epoch had ended"):
        train(new_run(tmp_path / "run"), tmp_path)


def test_a_gradient_that_is_no_number_is_never_stepped_on(tmp_path, monkeypatch):
    def nothing_over_nothing(output, labels, label_smoothing):
        zero = output.sum() * 0
        return 1 + zero.abs().sqrt()  # its derivative at zero is infinite times zero

    monkeypatch.setattr(image_batches, "cross_entropy", nothing_over_nothing)
    with pytest.raises(ValueError, match="the gradient became nan at step 1"):
        train(new_run(tmp_path / "run"), tmp_path)


def test_a_disk_without_room_is_found_before_the_first_epoch(tmp_path, monkeypatch):
    folder = new_run(tmp_path / "run")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000))
    with pytest.raises(
        OSError, match="0.0 MB free and the run may write 0.[1-9] MB; free some space or name another --out"
    ):
        train(folder, tmp_path)
    assert not folder.path.joinpath("metrics.csv").exists()


@pytest.mark.slow
def test_a_disk_that_fills_up_is_one_sentence_and_the_run_goes_on_later(uninterrupted, tmp_path):
    new_run(tmp_path / "run")
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))  # bytes; what is written needs 100,000
    process = start(tmp_path / "run", preexec_fn=limit)
    _, told = process.communicate()
    assert (
        process.returncode == 1 and "OSError" in told and "cannot be written" in told and "go on with --resume" in told
    )
    assert not list((tmp_path / "run").glob(".*part")) and not (tmp_path / "run/weights.safetensors").exists()
    assert start(tmp_path / "run").wait() == 0
    assert_equal_runs(tmp_path / "run", uninterrupted)


def test_a_folder_that_cannot_be_written_is_refused_at_once(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError):
        new_run(tmp_path / "file" / "run")
    if os.geteuid():  # root may write anywhere
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(PermissionError):
            new_run(tmp_path / "closed" / "run")


PAIR = """
import json, sys
import torch
from dataclasses import replace
from astromorph.training import distributed
from astromorph.training.hardware import Processor
from astromorph.models.text_classifier import TextClassifier
from astromorph.settings import ImdbSettings
from astromorph.tasks.imdb import padded_widths, text_batches
from astromorph.models.attention_from_settings import encoder_layers
from astromorph.training.loop import begin, one_epoch
from studies.benches.training import synthetic_reviews, task_of

torch.set_num_threads(1)
distributed.join()
size = {"width": 16, "feedforward": 16, "tokens": 24, "first_tokens": 8, "vocabulary": 200}
settings = ImdbSettings("linear", **size, dropout=0.0, epochs=3)
torch.manual_seed(0)
model = TextClassifier(200, 24, 16, 2, encoder_layers(settings, None, 24), 0.0)
texts, labels = synthetic_reviews(203, settings, 0)  # the last batch has 11 reviews
batches = list(text_batches(texts, labels, padded_widths(24), 64, 0, 1))
training = begin(settings, task_of(model, batches), Processor(torch.device("cpu"), False))
rows = [one_epoch(epoch, training) for epoch in (1, 2, 3)]
if distributed.leads():
    print(json.dumps([row["training_loss"] for row in rows] + [float(model.classify.weight.double().sum())]))
"""


def losses(tmp_path: Path, processes: int) -> list[float]:
    script = tmp_path / "pair.py"
    script.write_text(PAIR)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    words = [sys.executable, *(launcher if processes > 1 else []), str(script)]
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=120, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch has no distributed part")
def test_two_processes_take_the_steps_of_one(tmp_path):
    assert losses(tmp_path, 2) == pytest.approx(losses(tmp_path, 1), rel=2e-5)
