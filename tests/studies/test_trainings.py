"""A training of a study: once, by the weights it should be tested with, and gone on with from where it was stopped."""

import json
import math
from dataclasses import replace

import pytest
import torch

from astromorph.settings import DigitsSettings
from astromorph.tasks import build_task
from astromorph.training import loop
from astromorph.training.evaluation import evaluate
from astromorph.training.hardware import Processor
from studies.trainings import train_once

SETTINGS = DigitsSettings(attention="linear", epochs=3, threads=1, width=8, heads=2, feedforward=8, learning_rate=0.02)
PROCESSOR = Processor(torch.device("cpu"), False)


def build():
    return build_task(SETTINGS, None, None)


def measured(task, processor, rows):
    return {"epochs": len(rows), "norm": sum(each.norm().item() for each in task.model.parameters())}


def test_a_training_is_done_once_and_what_came_out_is_kept(tmp_path):
    file, before = tmp_path / "a-rate0.5.json", torch.get_num_threads()
    first = train_once(file, SETTINGS, None, build, measured)
    assert [path.name for path in tmp_path.iterdir()] == [file.name] and torch.get_num_threads() == before
    assert len(first.validation) == 3 and first.measured["epochs"] == 3 and 0 < first.test_accuracy <= 1
    fails = lambda *_: pytest.fail("it was trained again")
    assert train_once(file, SETTINGS, None, fails, fails) == first
    fields = json.loads(file.read_text())
    assert fields == {"test_accuracy": first.test_accuracy, "validation": first.validation, **first.measured}


def test_the_test_part_is_not_read_unless_asked(tmp_path):
    def unread():
        return replace(build(), test=lambda: pytest.fail("the test part was read"))

    assert math.isnan(train_once(tmp_path / "a.json", SETTINGS, None, unread, measured, test=False).test_accuracy)


def test_the_weights_at_the_end_or_those_of_the_best_epoch_are_tested(tmp_path, monkeypatch):
    """The last epoch is made the worst; so the two differ, and each has the accuracy of its own weights."""
    one_epoch, weights = loop.one_epoch, {}

    def worse_at_last(epoch, training):
        row = one_epoch(epoch, training)
        weights[epoch] = {name: each.clone() for name, each in training.task.model.state_dict().items()}
        return row | {"validation_accuracy": 1 - 0.1 * epoch}

    monkeypatch.setattr(loop, "one_epoch", worse_at_last)
    for by_best, epoch in ((False, 3), (True, 1)):
        found = train_once(tmp_path / f"{by_best}.json", SETTINGS, None, build, measured, by_best=by_best)
        task = build()
        task.model.load_state_dict(weights[epoch])
        expected = evaluate(task.model, task.test(), 10, PROCESSOR).accuracy
        assert found.test_accuracy == expected


def test_a_stopped_training_goes_on_from_its_last_checkpoint(tmp_path, monkeypatch):
    whole = train_once(tmp_path / "whole.json", SETTINGS, None, build, measured)
    one_epoch, done = loop.one_epoch, []

    def stopped(epoch, training):
        done.append(epoch)
        if len(done) == 2:
            raise KeyboardInterrupt
        return one_epoch(epoch, training)

    monkeypatch.setattr(loop, "one_epoch", stopped)
    with pytest.raises(KeyboardInterrupt):
        train_once(tmp_path / "a.json", SETTINGS, None, build, measured)
    assert train_once(tmp_path / "a.json", SETTINGS, None, build, measured) == whole and done == [1, 2, 2, 3]
