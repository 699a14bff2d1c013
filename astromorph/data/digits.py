"""Handwritten digits of 8 x 8 pixels, shipped with the package: 1,797 images, so that nothing need be
downloaded.

E. Alpaydin & C. Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning Repository 1998,
doi:10.24432/C50P49, licence CC BY 4.0. These are the 1,797 digits of its 13 test writers: each pixel counts
the ink in a block of 4 x 4 pixels (0 ... 16). `digits.csv.gz` holds a row an image, 64 pixels and the label,
in UCI's order.
"""

import gzip
import io
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from astromorph.data.images import Images
from astromorph.data.verify import Published, read_required

FILE = "digits.csv.gz"
PUBLISHED = Published(57_523, "sha256", "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22")
CURE = "install astromorph again"
TEST_COUNT = 500


def load_digits() -> Images:
    """1,297 training and 500 test images, uint8 [n, 1, 8, 8] with values 0 ... 16, and their labels 0 ... 9.

    The test images are the last 500 of the file: its writers follow one another, so these are (all but the
    writer at the cut) other hands than those trained on, which a random split would not keep apart.
    """
    with as_file(files("astromorph.data") / FILE) as path:
        return read_digits(path)


def read_digits(path: Path, published: Published = PUBLISHED) -> Images:
    """The same from a file; OSError or ValueError in one sentence if it is missing or altered."""
    content = read_required(path, published, CURE)
    table = np.loadtxt(io.BytesIO(gzip.decompress(content)), delimiter=",", dtype=np.int64)
    images, labels = table[:, :64].astype(np.uint8).reshape(-1, 1, 8, 8), table[:, 64]
    train, test = slice(-TEST_COUNT), slice(-TEST_COUNT, None)
    names = tuple(str(digit) for digit in range(10))
    return Images(images[train], labels[train], images[test], labels[test], names)
