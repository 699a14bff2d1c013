"""Where the spiking recordings of a data set lie, and where they come from.

spoken-digits  ours, of the Free Spoken Digit Dataset (spoken_digits.py)
shd            Spiking Heidelberg Digits: twenty digits in German and English
ssc            Spiking Speech Commands: 35 words, with a validation part of their own

The last two are published by Cramer, Stradmann, Schemmel and Zenke (2022), IEEE Trans Neural Netw Learn Syst 33:2744,
under CC BY 4.0.
"""

import shlex
from pathlib import Path

from astromorph.data.spoken_digits import spikes_file

PUBLISHED = "https://zenkelab.org/datasets"
PARTS = {"spoken-digits": ("train", "test"), "shd": ("train", "test"), "ssc": ("train", "valid", "test")}


def spiking_file(name: str, part: str, root: Path) -> Path:
    """The HDF5 file of a part of data set `name` under `root`; it need not be there."""
    return spikes_file(root, part) if name == "spoken-digits" else root / name / f"{name}_{part}.h5"


def cure(name: str, part: str, root: Path) -> str:
    """What to do when that file is missing."""
    if name == "spoken-digits":
        return f"run `astromorph data prepare spoken-digits --data {shlex.quote(str(root))}`"
    return f"download {PUBLISHED}/{name}_{part}.h5.gz and unpack it there"
