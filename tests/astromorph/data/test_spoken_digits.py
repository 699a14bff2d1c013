"""Spoken digits: which files there are, which part they belong to, and sounds that are not as published."""

import numpy as np
import pytest
from scipy.io import wavfile

from astromorph.data.spoken_digits import Recording, recordings, samples


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with the 3,000 names; the files are empty."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "fsdd" / "recordings"
    folder.mkdir(parents=True)
    for digit in range(10):
        for speaker in ("george", "jackson", "lucas", "nicolas", "theo", "yweweler"):
            for take in range(50):
                (folder / f"{digit}_{speaker}_{take}.wav").touch()
    return root


def test_the_official_test_part_is_the_first_tenth_of_every_speaker(root):
    found = recordings(root)
    assert len(found) == 3000
    test = [each for each in found if each.part == "test"]
    assert len(test) == 300 and {each.take for each in test} == {0, 1, 2, 3, 4}
    for part, count in (("test", 5), ("train", 45)):
        kinds = [(each.digit, each.speaker) for each in found if each.part == part]
        assert {kinds.count(kind) for kind in set(kinds)} == {count} and len(set(kinds)) == 60
    assert found[0].path.name == "0_george_0.wav"


def test_a_missing_recording_is_named(root):
    path = root / "fsdd" / "recordings" / "7_theo_12.wav"
    path.unlink()
    with pytest.raises(FileNotFoundError, match="7_theo_12.wav is missing; clone https://github.com"):
        recordings(root)
    path.touch()


def written(tmp_path, sound, rate=8000):
    path = tmp_path / "1_theo_1.wav"
    wavfile.write(path, rate, sound)
    return Recording(path, 1, 4, 1)


def test_samples_lie_between_minus_one_and_one(tmp_path):
    sound = np.array([0, 16384, -32768], np.int16)
    assert samples(written(tmp_path, sound)).tolist() == [0, 0.5, -1]


@pytest.mark.parametrize(
    ("sound", "rate"),
    [
        (np.zeros(9, np.int16), 16000),
        (np.zeros((9, 2), np.int16), 8000),
        (np.zeros(9, np.float32), 8000),
        (np.zeros(0, np.int16), 8000),
    ],
)
def test_other_sound_is_refused(tmp_path, sound, rate):
    with pytest.raises(ValueError, match=r"not 16-bit sound of one channel at 8000 Hz; clone"):
        samples(written(tmp_path, sound, rate))


def test_a_file_that_is_no_sound_is_refused(tmp_path):
    recording = written(tmp_path, np.zeros(9, np.int16))
    recording.path.write_bytes(b"no sound at all")
    with pytest.raises(ValueError, match="is not a wav file"):
        samples(recording)
