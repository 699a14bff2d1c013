"""Spoken digits become spikes once: here a few recordings and a cochlea that is written down."""

import numpy as np
import pytest

from astromorph.data import spoken_digits
from astromorph.data.spiking_hdf5 import read_spikes
from astromorph.data.spoken_digits import Recording
from biophys.simulation.stimulus import SpikeTrains
from studies.delays import prepared_digits


@pytest.fixture
def few(monkeypatch, tmp_path):
    """Ten recordings, sounds as long as their number, and a cochlea whose spikes say how long a sound is."""
    found = [Recording(tmp_path / f"{k}.wav", k, k % 6, k) for k in (3, 9, 1, 7, 0, 8, 2, 6, 5, 4)]
    runs = []

    def heard(sounds, rate):
        runs.append([len(sound) for sound in sounds])
        return [SpikeTrains(40, np.full(len(s), len(s)), np.arange(len(s)) / 100) for s in sounds]

    monkeypatch.setattr(prepared_digits, "recordings", lambda root: found)
    monkeypatch.setattr(prepared_digits, "samples", lambda recording: np.ones(recording.digit))
    monkeypatch.setattr(prepared_digits, "cochlea", heard)
    monkeypatch.setattr(prepared_digits, "TOGETHER", 4)
    return tmp_path, runs


def test_every_recording_is_heard_once_and_kept_with_its_own_label(few):
    root, runs = few
    prepared_digits.prepare(root)
    assert runs == [[0, 1, 2, 3], [4, 5, 6], [7, 8, 9]]
    for part, takes in (("train", {5, 6, 7, 8, 9}), ("test", {0, 1, 2, 3, 4})):
        read = read_spikes(spoken_digits.spikes_file(root, part), 40, 40, 10, 0.01, 10)
        assert set(read.labels.tolist()) == takes
        assert read.class_names == spoken_digits.NAMES
        for label, speaker, counts in zip(read.labels, read.speakers, read.counts, strict=True):
            assert counts.sum() == label == counts[:, label].sum() and speaker == label % 6


def test_what_is_there_is_not_computed_again(few):
    root, runs = few
    prepared_digits.prepare(root)
    prepared_digits.prepare(root)
    assert len(runs) == 3
    spoken_digits.spikes_file(root, "test").unlink()
    prepared_digits.prepare(root)
    assert len(runs) == 6


def test_nothing_is_left_when_a_sound_is_bad(few, monkeypatch):
    root, _ = few

    def bad(sounds, rate):
        raise ValueError("a sound is silent")

    monkeypatch.setattr(prepared_digits, "cochlea", bad)
    with pytest.raises(ValueError, match="silent"):
        prepared_digits.prepare(root)
    assert not list(root.rglob("*.h5*"))
