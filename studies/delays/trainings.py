"""The trainings of studies/delays/delay_learning.py: one condition, one task, one seed, kept in a folder when done.

All conditions of a seed begin with the same weights, those with delays with the same delays (fixed ones rounded), and
see the same batches. The weights of the epoch with the best validation are tested, once.

The planted task. A class is a set of delays, one a channel, all different: whenever a hidden event happens, each
channel fires with its delay after it; besides, all fire at random. Events are drawn anew for every recording and wrap
around its end, so every channel fires as often at any step in any class, and never two for one event at once: nothing
but the order of spikes tells the class.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from astromorph.data.spiking_hdf5 import SpikingRecordings
from astromorph.settings import ReadoutOf, SpikingSettings, SpokenDigitsSettings
from astromorph.tasks import Task, build_task
from astromorph.tasks.spiking import spiking_task
from astromorph.training.hardware import Processor
from astromorph.training.loop import best_row
from studies.trainings import Rows, Trained, train_once

CONDITIONS = ("none", "fixed", "learned")  # delays
SMALL = {"hidden": (16, 16), "dropout": 0.1}  # the network for spoken digits: a larger one knows nearly all of them


@dataclass(frozen=True)
class PlantedSettings(SpikingSettings):
    """A task whose classes differ in nothing but the delays between channels."""

    data_set = "planted"
    classes = 8
    units = 12

    spacing: int = 2  # frames between two delays of a class
    events: int = 3  # hidden events in a recording
    noise: float = 0.03  # share of all frames and channels with a spike of no event
    training: int = 1000  # recordings of the training part, of which `validation` are held out
    test: int = 1000  # recordings of the test part
    channels: int = 12
    hidden: tuple[int, ...] = (16,)
    longest: int = 24
    tau: float = 1.005  # neurons that hardly remember: time must be bridged by delays
    readout: ReadoutOf = "max"
    dropout: float = 0.0
    learning_rate: float = 1e-2
    epochs: int = 40
    validation: int = 200


def settings_of(task: str, changes: Mapping[str, Any], condition: str, seed: int, factor: float) -> SpikingSettings:
    """Those of a task, "planted" or "spoken-digits", at `factor` times its learning rate."""
    kind: Any = {"planted": PlantedSettings, "spoken-digits": SpokenDigitsSettings}[task]
    rate = factor * kind.learning_rate
    small: Mapping[str, Any] = SMALL if kind is SpokenDigitsSettings else {}
    own: dict[str, Any] = {"delays": condition, "seed": seed, "threads": 1, "learning_rate": rate}
    return kind(**{**small, **changes, **own})


def trained(name: str, settings: SpikingSettings, root: Path, folder: Path, *, test: bool) -> Trained:
    """Trains, or goes on, and keeps what came out in `folder` under `name`.

    Measured are `chosen_epoch`, `parameters` that learn, and `seconds` of the training steps.
    """
    planted = settings.data_set == PlantedSettings.data_set
    build = lambda: planted_task(cast(PlantedSettings, settings)) if planted else build_task(settings, None, root)

    def measure(task: Task, processor: Processor, rows: Rows) -> dict[str, float]:
        return {
            "chosen_epoch": int(best_row(rows, task)["epoch"]),
            "parameters": sum(each.numel() for each in task.model.parameters() if each.requires_grad),
            "seconds": sum(row["seconds"] for row in rows),
        }

    return train_once(folder / f"{name}.json", settings, None, build, measure, test=test, by_best=True)


def planted_task(settings: PlantedSettings) -> Task:
    """Delays of the classes and all recordings are drawn from the seed of `settings`."""
    draw = np.random.default_rng([settings.seed, 1])
    delays = planted_delays(settings, draw)
    train, validation, test = (
        planted_recordings(delays, count, settings, draw)
        for count in (settings.training - settings.validation, settings.validation, settings.test)
    )
    return spiking_task(settings, train, validation, test)


def planted_delays(settings: PlantedSettings, draw: np.random.Generator) -> np.ndarray:
    """(classes, channels), frames: 0, spacing, 2 spacing, ... in an order of its own for each class."""
    return draw.permuted(np.tile(np.arange(settings.units) * settings.spacing, (settings.classes, 1)), axis=1)


def planted_recordings(
    delays: np.ndarray, count: int, settings: PlantedSettings, draw: np.random.Generator
) -> SpikingRecordings:
    """`count` recordings, of each class as many as of the others but for one."""
    frames = settings.frames
    labels = draw.permutation(np.arange(count) % settings.classes)
    counts = (draw.random((count, frames, settings.units)) < settings.noise).astype(np.uint8)
    times = draw.integers(0, frames, (count, settings.events))
    place = (times[:, :, None] + delays[labels][:, None]) % frames  # (count, events, channels)
    counts[np.arange(count)[:, None, None], place, np.arange(settings.units)] = 1
    names = tuple(f"pattern {number + 1}" for number in range(settings.classes))
    return SpikingRecordings(counts, labels.astype(np.int64), np.full(count, -1), names)
