"""MNIST: 60,000 training and 10,000 test images of handwritten digits, 28 x 28 grey pixels.

Y. LeCun, C. Cortes & C. J. C. Burges, "The MNIST database of handwritten digits", 1998; licence CC BY-SA 3.0. The four
original files lie in `MNIST/raw/` (where torchvision puts them): idx files, a header of big-endian numbers and then
bytes, compressed by gzip. Each is checked against its published md5 before it is decompressed.
"""

import gzip
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from astromorph.data.images import Images
from astromorph.data.locations import fetch_command
from astromorph.data.verify import Published, read_required

FOLDER = "MNIST/raw"
ADDRESS = "https://ossci-datasets.s3.amazonaws.com/mnist"
OFFICIAL = {
    "train-images-idx3-ubyte.gz": Published(9_912_422, "md5", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    "train-labels-idx1-ubyte.gz": Published(28_881, "md5", "d53e105ee54ea40749a09fcbcd1e9432"),
    "t10k-images-idx3-ubyte.gz": Published(1_648_877, "md5", "9fb629c4189551a2d022fa330f9573f3"),
    "t10k-labels-idx1-ubyte.gz": Published(4_542, "md5", "ec29112dd5afa0611ce80d1b7f02629c"),
}
BYTES = 8  # the idx code of unsigned bytes


def load_mnist(root: Path, published: Mapping[str, Published] = OFFICIAL) -> Images:
    """Images uint8 [n, 1, 28, 28] and labels int64 [n] under `root`.

    A missing or altered file is an OSError or ValueError in one sentence.
    """
    folder = root / FOLDER
    read = {name: numbers(read_required(folder / name, published[name], cure(root, name)), name) for name in OFFICIAL}
    train_images, train_labels, test_images, test_labels = read.values()
    parts = (train_images, train_labels), (test_images, test_labels)
    for images, labels in parts:
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise ValueError(
                f"{folder} holds images {images.shape} with labels {labels.shape}; download the files again"
            )
    train, test = ((images[:, None], labels.astype(np.int64)) for images, labels in parts)
    return Images(*train, *test, tuple(str(digit) for digit in range(10)))


def numbers(content: bytes, name: str) -> np.ndarray:
    """The uint8 array of a compressed idx file: two zeros, a type, the count of axes, their lengths, the numbers."""
    content = gzip.decompress(content)
    zeros, kind, axes = struct.unpack_from(">HBB", content)
    shape = struct.unpack_from(f">{axes}I", content, 4)
    start = 4 + 4 * axes
    if zeros or kind != BYTES or len(content) - start != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{name} is not an idx file of bytes; download it again")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()


def cure(root: Path, name: str) -> str:
    return f"run `{fetch_command('mnist', root)}`, or download {ADDRESS}/{name} into {root / FOLDER}"
