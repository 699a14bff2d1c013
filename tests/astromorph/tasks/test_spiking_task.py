"""Training on spiking recordings: settings, split, rates, widths, and a run from files to a resumed end."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from astromorph.data.spiking_hdf5 import SpikingRecordings, write_spikes
from astromorph.runs.run_folder import RunFolder
from astromorph.runs.trained import evaluate_run
from astromorph.settings import SETTINGS, ShdSettings, SpokenDigitsSettings, SscSettings
from astromorph.tasks import build_task
from astromorph.tasks.spiking import hold_out, shifted, spiking_task, width
from astromorph.training import loop as training
from astromorph.training.optimiser import build_optimiser

TINY = {"hidden": (12,), "longest": 4, "channels": 20, "frames": 20, "batch": 32, "threads": 1}


def toy(count, classes, units, seed):
    """Recordings whose class shows in the channel that fires."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    times = [np.sort(draw.random(12)) * 0.2 for _ in labels]
    rows = [(label * units // classes + draw.integers(0, units // classes, 12)) for label in labels]
    return times, rows, labels, draw.integers(0, 4, count)


@pytest.fixture
def root(tmp_path):
    """Spoken digits and both published data sets in miniature."""
    digits = tuple("abcdefghij")
    for part, count in (("train", 120), ("test", 40)):
        write_spikes(tmp_path / "fsdd" / f"spikes_{part}.h5", *toy(count, 10, 40, count), digits)
        write_spikes(tmp_path / "shd" / f"shd_{part}.h5", *toy(count, 20, 700, count), ())
    for part, count in (("train", 105), ("valid", 35), ("test", 70)):
        write_spikes(tmp_path / "ssc" / f"ssc_{part}.h5", *toy(count, 35, 700, count), ())
    return tmp_path


def test_a_training_learns_and_can_be_resumed_and_evaluated(root, tmp_path):
    settings = SpokenDigitsSettings(**TINY, epochs=4, validation=30, learning_rate=0.02, dropout=0.0, average=3)
    whole = RunFolder.create(tmp_path / "whole", "spoken-digits", settings, None)
    summary = training.train(whole, root)
    assert summary["test_accuracy"] > 0.3 and summary["class_names"][3] == "d"
    assert evaluate_run(whole, root)["test_accuracy"] == summary["test_accuracy"]

    cut, one_epoch = RunFolder.create(tmp_path / "cut", "spoken-digits", settings, None), training.one_epoch

    def until_third(epoch, *given):
        if epoch == 3:
            raise KeyboardInterrupt
        return one_epoch(epoch, *given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "one_epoch", until_third)
        with pytest.raises(KeyboardInterrupt):
            training.train(cut, root)
    resumed = training.train(RunFolder.open(tmp_path / "cut"), root)
    assert resumed["weights_sha256"] == summary["weights_sha256"]
    assert resumed["test_loss"] == summary["test_loss"]


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        (ShdSettings(**TINY, validation=20, by_speaker=False), (100, 20, 40)),
        (SscSettings(**TINY), (105, 35, 70)),
        (SpokenDigitsSettings(**TINY, validation=20), (100, 20, 40)),
    ],
)
def test_parts_of_every_data_set(root, settings, sizes):
    task = build_task(settings, None, root)
    count = lambda batches: sum(len(labels) for _, labels in batches)
    assert (count(task.training(1)), count(task.validation()), count(task.test())) == sizes
    assert task.examples == sizes[0] and task.steps == -(-sizes[0] // 32)
    (spikes,), labels = next(iter(task.validation()))
    assert spikes.shape[1:] == (20, 20) and spikes.sum() > 0 and labels.dtype == torch.int64
    assert len(task.class_names) == settings.classes


def test_missing_recordings_say_where_to_get_them(tmp_path):
    for name, cure in {
        "spoken-digits": "run `astromorph data prepare spoken-digits",
        "shd": "shd_train.h5 is missing; download https://zenkelab.org/datasets/shd_train.h5.gz and unpack it there",
        "ssc": "zenkelab.org/datasets/ssc_train.h5.gz",
    }.items():
        with pytest.raises(FileNotFoundError, match=cure):
            build_task(SETTINGS[name](), None, tmp_path)


def test_a_file_of_another_data_set_is_refused(root):
    (root / "shd" / "shd_train.h5").replace(root / "fsdd" / "spikes_train.h5")
    with pytest.raises(ValueError, match="does not hold spiking recordings .units"):
        build_task(SpokenDigitsSettings(), None, root)


# The split


def recordings(count=100, speakers=5):
    numbers = np.arange(count)
    return SpikingRecordings(np.zeros((count, 2, 3), np.uint8), numbers % 10, numbers % speakers, tuple("abcdefghij"))


@pytest.mark.parametrize("seed", range(4))
def test_speakers_are_held_out_whole(seed):
    part = recordings()
    learn, held = hold_out(part, ShdSettings(validation=25, seed=seed))
    assert len(held) == 40 and sorted([*learn, *held]) == list(range(100))
    assert not set(part.speakers[learn]) & set(part.speakers[held])
    learn, held = hold_out(part, ShdSettings(validation=20, seed=seed))
    assert len(held) == 20


def test_without_speakers_there_is_nothing_to_hold_out():
    for part in (recordings(speakers=1), recordings(speakers=2)):
        with pytest.raises(ValueError, match="speakers cannot be split for 60 recordings; set by_speaker false"):
            hold_out(part, ShdSettings(validation=60))


def test_recordings_are_held_out_by_class():
    part = recordings()
    learn, held = hold_out(part, SpokenDigitsSettings(validation=20))
    assert np.bincount(part.labels[held]).tolist() == [2] * 10 and len(learn) == 80


# The training


def test_the_kernels_become_narrow_over_their_share_of_the_epochs():
    settings = SpokenDigitsSettings(longest=16, epochs=20, narrow_by=0.5, settled=0.1)
    widths = [width(epoch, settings) for epoch in range(1, 21)]
    assert widths[0] == 8 and widths[10:] == [0.5] * 8 + [0.0] * 2
    ratios = np.array(widths[1:11]) / np.array(widths[:10])
    np.testing.assert_allclose(ratios, (0.5 / 8) ** 0.1)
    assert width(1, SpokenDigitsSettings(longest=0)) == 0.5
    assert width(1, SpokenDigitsSettings(epochs=1)) == 6


def test_an_epoch_sets_the_widths_of_its_network():
    settings = SpokenDigitsSettings(**TINY, epochs=8, narrow_by=0.5, settled=0.25)
    part = SpikingRecordings(np.zeros((40, 20, 20), np.uint8), np.arange(40) % 10, np.zeros(40, int), tuple("ab"))
    task = spiking_task(settings, part, part, part)
    for epoch in (1, 3, 5, 7):
        task.begin_epoch(epoch)
        assert [each.width for each in task.model.connections] == pytest.approx([width(epoch, settings)] * 2)


def test_delays_have_a_rate_of_their_own_and_do_not_decay():
    settings = SpokenDigitsSettings(**TINY, learning_rate=0.01, delay_rate=0.5, weight_decay=0.1)
    part = SpikingRecordings(np.zeros((10, 20, 20), np.uint8), np.arange(10), np.zeros(10, int), tuple("ab"))
    for delays, rates in {"learned": [0.01, 0.5, 0.01], "fixed": [0.01, 0.01]}.items():
        task = spiking_task(replace(settings, delays=delays), part, part, part)
        groups = build_optimiser(settings, task.model).param_groups
        assert [group["lr"] for group in groups] == rates
        assert [group["weight_decay"] for group in groups] == [0.1, 0.0, 0.0][: len(rates)]
        learned = [each for each in task.model.parameters() if each.requires_grad]
        assert sum(len(group["params"]) for group in groups) == len(learned)


def test_shifts_move_channels_and_let_silence_in():
    spikes = torch.arange(1, 7, dtype=torch.uint8).repeat(400, 2, 1)
    draw = torch.Generator().manual_seed(0)
    moved = shifted(spikes, 2, draw)
    rows = {tuple(row) for row in moved[:, 0].tolist()}
    assert rows == {(3, 4, 5, 6, 0, 0), (2, 3, 4, 5, 6, 0), (1, 2, 3, 4, 5, 6), (0, 1, 2, 3, 4, 5), (0, 0, 1, 2, 3, 4)}
    assert torch.equal(moved[:, 0], moved[:, 1]) and moved.dtype == torch.uint8
    assert shifted(spikes, 0, draw) is spikes


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"delays": "some"}, "delays 'some' is not known; use none, fixed, learned"),
        ({"channels": 39}, "channels 39 do not divide 40 units; use a divisor"),
        ({"hidden": (64, 0)}, "hidden 0 is too small; use at least 1"),
        ({"tau": 0.5}, "tau 0.5 is shorter than a frame; use 1 or more"),
        ({"validation": 0}, "validation 0 holds nothing out; use at least 1"),
        ({"narrow_by": 0.0}, "narrow_by 0.0 is a share of the epochs; use a number above 0, at most 1"),
        ({"delay_rate": 0.0}, "delay_rate 0.0 must be a number above 0"),
        ({"longest": -1}, "longest -1 is too small; use at least 0"),
    ],
)
def test_an_impossible_setting_is_one_sentence(changed, sentence):
    with pytest.raises(ValueError) as error:
        SpokenDigitsSettings(**changed)
    assert str(error.value) == sentence


def test_speech_commands_have_a_validation_part_of_their_own():
    with pytest.raises(ValueError, match="validation 100 has a published validation part; use 0"):
        SscSettings(validation=100)
