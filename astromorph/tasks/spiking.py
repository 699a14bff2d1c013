"""Spiking recordings: which word is spoken? The network is trained with wide kernels of its delays that become narrow,
and validated and tested with whole delays, as it is deployed.

The validation part is held out of the training part, by recordings or by speakers (`by_speaker`), or is the published
one. The published protocol of the Spiking Heidelberg Digits chooses the epoch on the test part; here it is read once.
"""

from collections.abc import Iterator
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from astromorph.data.spiking_hdf5 import SpikingRecordings, read_spikes
from astromorph.data.spiking_sets import PARTS, cure, spiking_file
from astromorph.data.splits import validation_of_groups, validation_split
from astromorph.delays import annealed_width
from astromorph.models.spiking_classifier import SpikingClassifier
from astromorph.settings import SpikingSettings
from astromorph.tasks.task import Batch, Task, cross_entropy

TEST_BATCH = 256
NARROW = 0.5  # width of a kernel at the end, frames


def build(settings: SpikingSettings, response: None, root: Path) -> Task:
    """The task with the recordings under `root`."""
    parts = {part: read(settings, root, part) for part in PARTS[settings.data_set]}
    train = parts["train"]
    if "valid" in parts:
        learn, validation = np.arange(len(train.labels)), parts["valid"]
    else:
        learn, held_out = hold_out(train, settings)
        validation = chosen(train, held_out)
    return spiking_task(settings, chosen(train, learn), validation, parts["test"])


def spiking_task(
    settings: SpikingSettings, train: SpikingRecordings, validation: SpikingRecordings, test: SpikingRecordings
) -> Task:
    """The task of classifying recordings that are already split."""
    model = build_model(settings)
    spikes, labels = torch.from_numpy(train.counts), torch.from_numpy(train.labels)

    def training(epoch: int) -> Iterator[Batch]:
        draw = torch.Generator().manual_seed(settings.seed * 100_003 + epoch)
        for some in torch.randperm(len(labels), generator=draw).split(settings.batch):
            yield Batch((shifted(spikes[some], settings.shift, draw).float(),), labels[some])

    return Task(
        model=model,
        training=training,
        validation=lambda: batches(validation),
        test=lambda: batches(test),
        steps=ceil(len(labels) / settings.batch),
        examples=len(labels),
        unit="recordings",
        class_names=train.class_names,
        loss=partial(cross_entropy, label_smoothing=settings.label_smoothing),
        begin_epoch=lambda epoch: model.narrow(width(epoch, settings)),
    )


def build_model(settings: SpikingSettings, response: None = None, words: None = None) -> SpikingClassifier:
    """The untrained network; its delays have a learning rate of their own."""
    model = SpikingClassifier(
        settings.channels,
        settings.hidden,
        settings.classes,
        settings.longest,
        delays=settings.delays,
        kind=settings.delay_kind,
        tau=settings.tau,
        dropout=settings.dropout,
        readout=settings.readout,
    )
    for connections in model.connections:
        connections.optimiser_options = {"position": {"lr": settings.delay_rate, "weight_decay": 0.0}}
    return model


def width(epoch: int, settings: SpikingSettings) -> float:
    """Of the kernels in `epoch` (from 1): from half the longest delay to NARROW over the share `narrow_by` of all, then
    so; 0, at which delays are rounded and learn no more, over the share `settled` at the end.
    """
    if epoch > settings.epochs - round(settings.settled * settings.epochs):
        return 0.0
    epochs = max(1, round(4 * settings.narrow_by * settings.epochs))
    return annealed_width(min(epoch - 1, epochs), epochs, max(settings.longest / 2, NARROW), NARROW)


def shifted(spikes: Tensor, most: int, draw: torch.Generator) -> Tensor:
    """Each recording (batch, time, channels) moved by up to `most` channels, up or down; silence moves in."""
    if not most:
        return spikes
    by = torch.randint(-most, most + 1, (len(spikes), 1, 1), generator=draw)
    source = torch.arange(spikes.shape[2]) - by
    inside = (source >= 0) & (source < spikes.shape[2])
    return spikes.gather(2, source.clamp(0, spikes.shape[2] - 1).expand_as(spikes)) * inside


def batches(part: SpikingRecordings) -> Iterator[Batch]:
    for start in range(0, len(part.labels), TEST_BATCH):
        some = slice(start, start + TEST_BATCH)
        yield Batch((torch.from_numpy(part.counts[some]).float(),), torch.from_numpy(part.labels[some]))


def hold_out(train: SpikingRecordings, settings: SpikingSettings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices (training, validation): any recordings, or all of the fewest speakers that have enough.

    ValueError if the speakers are not known or too few.
    """
    if not settings.by_speaker:
        return validation_split(train.labels, settings.validation, settings.seed)
    try:
        return validation_of_groups(train.speakers, settings.validation, settings.seed)
    except ValueError:
        speakers = len(np.unique(train.speakers))
        raise ValueError(
            f"{speakers} speakers cannot be split for {settings.validation} recordings; set by_speaker false"
        ) from None


def chosen(part: SpikingRecordings, indices: NDArray[np.int64]) -> SpikingRecordings:
    return SpikingRecordings(part.counts[indices], part.labels[indices], part.speakers[indices], part.class_names)


def read(settings: SpikingSettings, root: Path, part: str) -> SpikingRecordings:
    """FileNotFoundError with the cure where a file is missing; ValueError where it is damaged."""
    path = spiking_file(settings.data_set, part, root)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {cure(settings.data_set, part, root)}")
    return read_spikes(path, settings.units, settings.channels, settings.frames, settings.frame, settings.classes)
