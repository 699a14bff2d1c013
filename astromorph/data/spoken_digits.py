"""The Free Spoken Digit Dataset: 3,000 recordings of the ten digits in English, 50 of each by each of six speakers, as
wav files of one channel at 8 kHz (Z. Jackson et al., https://github.com/Jakobovski/free-spoken-digit-dataset, CC BY-SA
4.0).

A file is named DIGIT_SPEAKER_NUMBER.wav. Numbers 0 to 4 are the official test part, 5 to 49 the training part; all
speakers are in both. Networks read them as spikes, which `astromorph data prepare spoken-digits` computes once with a
model of the cochlea and keeps beside the recordings.
"""

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

ADDRESS = "https://github.com/Jakobovski/free-spoken-digit-dataset"
FOLDER = "fsdd/recordings"
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TAKES, TESTED = 50, 5
SAMPLE_RATE = 8000  # Hz


class Recording(NamedTuple):
    path: Path
    digit: int
    speaker: int  # place in SPEAKERS
    take: int

    @property
    def part(self) -> str:
        return "test" if self.take < TESTED else "train"


def recordings(root: Path) -> list[Recording]:
    """All 3,000 under `root`; FileNotFoundError for the first that is missing."""
    found = [
        Recording(root / FOLDER / f"{digit}_{name}_{take}.wav", digit, speaker, take)
        for digit in range(len(NAMES))
        for speaker, name in enumerate(SPEAKERS)
        for take in range(TAKES)
    ]
    for each in found:
        if not each.path.is_file():
            raise FileNotFoundError(f"{each.path} is missing; clone {ADDRESS} to {root / 'fsdd'}")
    return found


def samples(recording: Recording) -> NDArray[np.float64]:
    """The sound, (samples,), between -1 and 1. ValueError if the file is not 16-bit sound of one channel at 8 kHz."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", wavfile.WavFileWarning)  # such as of a file that was cut short
            rate, sound = wavfile.read(recording.path)
    except (ValueError, EOFError, OSError, UnboundLocalError, wavfile.WavFileWarning) as error:  # scipy's, all of them
        raise ValueError(f"{recording.path} is not a wav file, or is cut short; clone {ADDRESS} again") from error
    if rate != SAMPLE_RATE or sound.ndim != 1 or sound.dtype != np.int16 or not len(sound):
        raise ValueError(
            f"{recording.path} holds {sound.dtype} {sound.shape} at {rate} Hz, not 16-bit sound of one channel at "
            f"{SAMPLE_RATE} Hz; clone {ADDRESS} again"
        )
    return sound / 32768.0


def spikes_file(root: Path, part: str) -> Path:
    """Where the spikes of a part, "train" or "test", are kept."""
    return root / "fsdd" / f"spikes_{part}.h5"
