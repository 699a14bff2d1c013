"""The cochlea: a tone is heard at its place, loudness is not, and sounds side by side do not hear each other."""

import numpy as np
import pytest
from brian2 import Hz, kHz, ms, second

from biophys.simulation.cochlea import CochleaParameters, at_one, cochlea

RATE = 8 * kHz
SMALL = CochleaParameters(channels=8)


def tone(frequency, seconds=0.06):
    return np.sin(2 * np.pi * frequency * np.arange(int(8000 * seconds)) / 8000)


@pytest.fixture(scope="module")
def heard():
    """Three tones, the first also ten times as loud, and one for half as long; side by side."""
    sounds = [tone(200), tone(800), tone(2500), 10 * tone(200), tone(200, 0.03)]
    return cochlea(sounds, RATE, SMALL)


def test_a_tone_drives_most_the_channel_of_its_frequency(heard):
    from brian2hears import erbspace

    places = np.asarray(erbspace(100 * Hz, 3.6 * kHz, 8))
    for train, frequency in zip(heard, (200, 800, 2500), strict=False):
        counts = np.bincount(train.cell, minlength=8)
        nearest = np.abs(np.log(places / frequency)).argmin()
        assert counts[nearest] == counts.max() > 3 and counts.sum() < 8 * counts.max()


def test_loudness_does_not_matter(heard):
    np.testing.assert_array_equal(heard[0].cell, heard[3].cell)
    np.testing.assert_allclose(heard[0].time, heard[3].time)


def test_no_spike_comes_after_the_end(heard):
    assert heard[4].time.max() < 0.03 < heard[0].time.max() < 0.06
    early = heard[0].time < 0.03
    np.testing.assert_array_equal(heard[4].cell, heard[0].cell[early])


def test_a_sound_alone_gives_what_it_gives_beside_others(heard):
    (alone,) = cochlea([tone(800)], RATE, SMALL)
    np.testing.assert_array_equal(alone.cell, heard[1].cell)
    np.testing.assert_allclose(alone.time, heard[1].time)


def test_spikes_are_sorted_and_a_fibre_rests_between_them(heard):
    for train in heard:
        for cell in range(8):
            times = train.time[train.cell == cell]
            assert (np.diff(times) >= float(SMALL.refractory / second) - 1e-9).all()
        assert (np.diff(train.cell) >= 0).all() and train.cells == 8


def test_the_fibre_follows_its_closed_form():
    """A constant filter output I would give intervals refractory + tau log(gI / (gI - 1)); a slow gain shows it."""
    slow = SMALL._replace(tau=1 * ms, gain=1e6)  # every drive above 0 fires at once: only the rest between counts
    (train,) = cochlea([tone(800)], RATE, slow)
    best = np.bincount(train.cell).argmax()
    intervals = np.diff(train.time[train.cell == best])
    assert np.median(intervals) == pytest.approx(0.003, abs=0.0006)


@pytest.mark.parametrize(
    ("sound", "sentence"),
    [
        (np.zeros(9), "a sound is silent, and has no loudness to bring to 1; leave it out"),
        (np.zeros(0), r"a sound of shape \(0,\) is no row of numbers"),
        (np.ones((3, 2)), r"a sound of shape \(3, 2\) is no row of numbers"),
        (np.array([1.0, np.nan]), "is no row of numbers"),
    ],
)
def test_what_is_no_sound_is_refused(sound, sentence):
    with pytest.raises(ValueError, match=sentence):
        at_one(sound)


def test_channels_must_lie_below_half_the_sample_rate():
    with pytest.raises(ValueError, match="above half the sample rate"):
        cochlea([tone(200)], 4 * kHz, SMALL)
