"""A cochlea: sound into spikes of auditory nerve fibres, by brian2hears (Fontaine et al. 2011, Front Neuroinform 5:9).

A gammatone filter bank with centre frequencies evenly spaced on the scale of equivalent rectangular bandwidths
(Glasberg and Moore 1990), half-wave rectification and compression to the power 1/3 by the hair cells, and one leaky
integrate-and-fire fibre a channel. Sounds are first brought to a root mean square of 1, as a speaker's distance is
nothing to learn from. No part of it is random.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from brian2 import Hz, Network, SpikeMonitor, kHz, ms, second
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.units import Quantity
from numpy.typing import NDArray

from biophys.simulation.stimulus import SpikeTrains

FIBRE = "dv/dt = (gain * drive - v) / tau : 1 (unless refractory)\ndrive : 1"


class CochleaParameters(NamedTuple):
    """Ours but for the compression, which is that of the examples of brian2hears."""

    channels: int = 40  # fibres
    lowest: Quantity = 100 * Hz  # centre frequency of the first channel
    highest: Quantity = 3.6 * kHz  # and of the last: below half the sample rate of 8 kHz
    compression: float = 1 / 3  # exponent of the rectified filter's output
    gain: float = 6.0  # of the fibre's drive; its threshold is 1
    tau: Quantity = 10 * ms  # of the fibre's membrane
    refractory: Quantity = 3 * ms  # time after a spike


PARAMETERS = CochleaParameters()


def cochlea(sounds: Sequence[NDArray], sample_rate: Quantity, p: CochleaParameters = PARAMETERS) -> list[SpikeTrains]:
    """The spikes of each of `sounds`, (samples,) each at `sample_rate`, which are run side by side.

    Sounds of similar length cost least. A spike's cell is its channel, from the lowest frequency up; times in s count
    from the sound's beginning, and end with it.

    Raises:
        ValueError: a sound is empty, silent or not of numbers, or a channel lies above half the sample rate.
    """
    from brian2hears import FilterbankGroup, FunctionFilterbank, Gammatone, Repeat, Sound, erbspace

    if not p.highest < sample_rate / 2:
        raise ValueError(f"a channel of {p.highest} is above half the sample rate {sample_rate}; lower `highest`")
    lengths = [len(sound) for sound in sounds]
    together = np.zeros((max(lengths), len(sounds)))
    for place, sound in enumerate(sounds):
        together[: len(sound), place] = at_one(sound)
    frequencies = np.tile(np.asarray(erbspace(p.lowest, p.highest, p.channels)), len(sounds)) * Hz
    filtered = Gammatone(Repeat(Sound(together, samplerate=sample_rate), p.channels), frequencies)
    compressed = FunctionFilterbank(filtered, lambda x: np.clip(x, 0, None) ** p.compression)
    firing = {"threshold": "v > 1", "reset": "v = 0", "refractory": p.refractory}
    plain = {"codeobj_class": NumpyCodeObject}  # many fibres, few operations: compiled code is not faster
    constants = {"gain": p.gain, "tau": p.tau}
    fibres = FilterbankGroup(compressed, "drive", FIBRE, method="exact", namespace=constants, **firing, **plain)
    spikes = SpikeMonitor(fibres, **plain)
    Network(fibres, spikes).run(max(lengths) / sample_rate, namespace={})
    fibre, time = np.asarray(spikes.i, np.int64), np.asarray(spikes.t / second)
    order = np.lexsort((time, fibre))
    fibre, time = fibre[order], time[order]
    found = []
    for number, length in enumerate(lengths):
        mine = (fibre // p.channels == number) & (time < float(length / sample_rate))
        found.append(SpikeTrains(p.channels, fibre[mine] % p.channels, time[mine]))
    return found


def at_one(sound: NDArray) -> NDArray:
    """`sound` (samples,) with a root mean square of 1. ValueError if it has none."""
    sound = np.asarray(sound, np.float64)
    if sound.ndim != 1 or not len(sound) or not np.isfinite(sound).all():
        raise ValueError(f"a sound of shape {sound.shape} is no row of numbers; give one channel of samples")
    loudness = np.sqrt(np.mean(sound**2))
    if loudness == 0:
        raise ValueError("a sound is silent, and has no loudness to bring to 1; leave it out")
    return sound / loudness
