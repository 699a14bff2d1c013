"""Spoken digits as spikes: the recordings go through the cochlea once, and what its fibres fire is kept beside them."""

from pathlib import Path

import numpy as np
from brian2 import Hz

from astromorph.data.spiking_hdf5 import write_spikes
from astromorph.data.spoken_digits import NAMES, SAMPLE_RATE, Recording, recordings, samples, spikes_file
from biophys.simulation.cochlea import cochlea
from biophys.simulation.progress import progress
from biophys.simulation.stimulus import SpikeTrains

TOGETHER = 150  # sounds of similar length that are run side by side
PARTS = ("train", "test")


def prepare(root: Path) -> None:
    """Writes the spikes of both parts under `root` unless they are there; OSError or ValueError in one sentence.

    It takes three minutes on one core and shows its progress.
    """
    if all(spikes_file(root, part).is_file() for part in PARTS):
        return
    found = recordings(root)
    sounds = [samples(each) for each in found]
    order = np.argsort([len(sound) for sound in sounds], kind="stable")
    heard: dict[Recording, SpikeTrains] = {}
    with progress(total=len(found), desc="spikes of spoken digits", unit="recording") as bar:
        for group in np.array_split(order, -(-len(found) // TOGETHER)):
            trains = cochlea([sounds[place] for place in group], SAMPLE_RATE * Hz)
            heard |= {found[place]: train for place, train in zip(group, trains, strict=True)}
            bar.update(len(group))
    for part in PARTS:
        own = [each for each in found if each.part == part]
        write_spikes(
            spikes_file(root, part),
            [heard[each].time for each in own],
            [heard[each].cell for each in own],
            [each.digit for each in own],
            [each.speaker for each in own],
            NAMES,
        )
