"""Spikes of recordings in the HDF5 layout of the Spiking Heidelberg Digits and Spiking Speech Commands (Cramer,
Stradmann, Schemmel and Zenke 2022, IEEE Trans Neural Netw Learn Syst 33:2744).

spikes/times   a row of times in s for each recording (variable length)
spikes/units   a row of the channels that fired, one for each time
labels         the class of each recording
extra/speaker  who speaks (where known); extra/keys: the names of the classes (where known)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from astromorph.files.reasons import reason_of
from astromorph.files.whole_files import whole

MOST = 255  # spikes counted in a frame
ROUNDING = 1e-4  # of a frame, by which a time in single precision may miss the frame that it begins


@dataclass(frozen=True)
class SpikingRecordings:
    """counts: spikes by recording, frame and channel, uint8 (n, frames, channels); labels and speakers: int64 (n,).

    Speakers are -1 where the file does not name them; classes are numbered where it does not.
    """

    counts: NDArray[np.uint8]
    labels: NDArray[np.int64]
    speakers: NDArray[np.int64]
    class_names: tuple[str, ...]


def read_spikes(path: Path, units: int, channels: int, frames: int, frame: float, classes: int) -> SpikingRecordings:
    """The recordings of a file with `units` input channels, binned.

    Args:
        path: of the HDF5 file.
        units: channels of the recordings, 700 in the published files.
        channels: groups of neighbouring units whose spikes are counted together; a divisor of `units`.
        frames: time bins; what fires after the last is left out.
        frame: length of a bin, s.
        classes: how many there are.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not of this layout, or holds what cannot be.
    """
    if channels < 1 or units % channels:
        raise ValueError(f"{units} units do not divide into {channels} channels; use a divisor")
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist")
    try:
        with h5py.File(path) as file:
            labels = np.asarray(file["labels"][:], np.int64)
            counts = np.zeros((len(labels), frames, channels), np.uint8)
            times, fired = file["spikes/times"], file["spikes/units"]
            if not len(times) == len(fired) == len(labels):
                raise ValueError(f"{len(times)} rows of times, {len(fired)} of units and {len(labels)} labels")
            for number in range(len(labels)):
                binned(times[number], fired[number], units, frame, counts[number])
            speakers = file["extra/speaker"][:] if "extra/speaker" in file else np.full(len(labels), -1)
            names = [each.decode() for each in file["extra/keys"][:]] if "extra/keys" in file else []
    except (OSError, KeyError, TypeError, AttributeError, RuntimeError, ValueError) as error:  # h5py's, all of them
        reason = reason_of(error, "it lacks labels, spikes/times or spikes/units, is cut short, or is no HDF5")
        raise ValueError(f"{path} does not hold spiking recordings ({reason}); get the file again") from error
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"{path} has labels {labels.min()} to {labels.max()}, not 0 to {classes - 1}; get it again")
    class_names = tuple(names) if len(names) == classes else tuple(map(str, range(classes)))
    return SpikingRecordings(counts, labels, np.asarray(speakers, np.int64), class_names)


def binned(times: NDArray, fired: NDArray, units: int, frame: float, counts: NDArray[np.uint8]) -> None:
    """Counts the spikes of one recording into `counts` (frames, channels). ValueError for what cannot be a spike."""
    frames, channels = counts.shape
    time, unit = np.asarray(times, np.float64), np.asarray(fired, np.int64)  # published times are float16
    if time.shape != unit.shape or time.ndim != 1:
        raise ValueError(f"times of shape {time.shape} with units of shape {unit.shape}")
    if not (np.isfinite(time).all() and (time >= 0).all()):
        raise ValueError("a time that is negative or no number")
    if len(unit) and not 0 <= unit.min() <= unit.max() < units:
        raise ValueError(f"units {unit.min()} to {unit.max()}, not 0 to {units - 1}")
    step = np.floor(time / frame + ROUNDING).astype(np.int64)
    heard = step < frames
    place = step[heard] * channels + unit[heard] // (units // channels)
    counts += np.minimum(np.bincount(place, minlength=counts.size), MOST).astype(np.uint8).reshape(counts.shape)


def write_spikes(
    path: Path,
    times: Sequence[NDArray],
    units: Sequence[NDArray],
    labels: Sequence[int],
    speakers: Sequence[int],
    class_names: Sequence[str],
) -> None:
    """A file of that layout, whole or not at all; times (s) and units: a row a recording."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part, h5py.File(part, "w") as file:
        for name, rows, kind in (("times", times, np.float32), ("units", units, np.uint16)):
            dataset = file.create_dataset(f"spikes/{name}", (len(rows),), h5py.vlen_dtype(kind))
            for number, row in enumerate(rows):
                dataset[number] = np.asarray(row, kind)
        file["labels"] = np.asarray(labels, np.uint16)
        file["extra/speaker"] = np.asarray(speakers, np.uint16)
        file["extra/keys"] = np.array(class_names, h5py.string_dtype())
