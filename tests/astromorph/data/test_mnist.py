"""Small files in MNIST's own format, written here; the real ones where they are at hand."""

import gzip
import hashlib
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from astromorph.data import mnist
from astromorph.data.mnist import FOLDER, OFFICIAL, load_mnist
from astromorph.data.verify import Published

TRAIN, TEST = 5, 3
DRAW = np.random.default_rng(0)
ARRAYS = dict(
    zip(
        OFFICIAL,
        (
            DRAW.integers(0, 256, (TRAIN, 28, 28), dtype=np.uint8),
            np.array([5, 0, 4, 1, 9], dtype=np.uint8),
            DRAW.integers(0, 256, (TEST, 28, 28), dtype=np.uint8),
            np.array([7, 2, 1], dtype=np.uint8),
        ),
        strict=True,
    )
)


def idx(array: np.ndarray) -> bytes:
    return gzip.compress(struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes())


def write(root: Path, contents: dict[str, bytes]) -> dict[str, Published]:
    """The files under `root`, and what they are then known by."""
    (root / FOLDER).mkdir(parents=True)
    for name, content in contents.items():
        (root / FOLDER / name).write_bytes(content)
    return {name: Published(len(c), "md5", hashlib.md5(c).hexdigest()) for name, c in contents.items()}


def contents() -> dict[str, bytes]:
    return {name: idx(array) for name, array in ARRAYS.items()}


def test_every_pixel_and_label_comes_to_its_place(tmp_path):
    images = load_mnist(tmp_path, write(tmp_path, contents()))
    pixels = list(ARRAYS.values())
    assert images.train_images.shape == (TRAIN, 1, 28, 28) and images.test_images.shape == (TEST, 1, 28, 28)
    assert images.train_images.dtype == np.uint8 and images.train_labels.dtype == np.int64
    assert np.array_equal(images.train_images[:, 0], pixels[0])
    assert np.array_equal(images.test_images[:, 0], pixels[2])
    assert images.train_labels.tolist() == [5, 0, 4, 1, 9] and images.test_labels.tolist() == [7, 2, 1]
    assert images.class_names == tuple("0123456789")


def test_an_altered_file_is_refused_before_it_is_decompressed(tmp_path, monkeypatch):
    published = write(tmp_path, contents())
    file = tmp_path / FOLDER / "t10k-images-idx3-ubyte.gz"
    altered = bytearray(file.read_bytes())
    altered[20] ^= 1
    file.write_bytes(altered)
    monkeypatch.setattr(mnist, "numbers", lambda content, name: pytest.fail("read") if name == file.name else None)
    with pytest.raises(ValueError, match=r"t10k-images-idx3-ubyte.gz is altered .*expected .*data fetch mnist.*t10k"):
        load_mnist(tmp_path, published)


def test_a_short_file_is_called_truncated(tmp_path):
    published = write(tmp_path, contents())
    file = tmp_path / FOLDER / "train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz is truncated"):
        load_mnist(tmp_path, published)


def test_a_missing_file_is_named_with_its_size_and_address(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match="train-images-idx3-ubyte.gz is missing; expected 9,912,422 bytes .*data fetch mnist.* download https://",
    ):
        load_mnist(tmp_path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda content: gzip.compress(b"\0\0\x0d" + gzip.decompress(content)[3:]), "is not an idx file of bytes"),
        (lambda content: gzip.compress(gzip.decompress(content)[:-1]), "is not an idx file of bytes"),
    ],
)
def test_a_file_with_the_right_checksum_but_another_form_is_refused(tmp_path, change, sentence):
    files = contents()
    name = "train-labels-idx1-ubyte.gz"
    published = write(tmp_path, files | {name: change(files[name])})
    with pytest.raises(ValueError, match=f"{name} {sentence}"):
        load_mnist(tmp_path, published)


def test_labels_for_another_number_of_images_are_refused(tmp_path):
    files = contents() | {"t10k-labels-idx1-ubyte.gz": idx(np.array([1, 2], dtype=np.uint8))}
    with pytest.raises(ValueError, match=r"images \(3, 28, 28\) with labels \(2,\); download the files again"):
        load_mnist(tmp_path, write(tmp_path, files))


@pytest.mark.skipif(  # nothing is downloaded by tests; with the files at hand it runs, and reads them whole
    not (Path(os.environ.get("ASTROMORPH_DATA", "")) / FOLDER).is_dir(), reason="MNIST is not at ASTROMORPH_DATA"
)
def test_the_official_files_have_their_published_content():
    images = load_mnist(Path(os.environ["ASTROMORPH_DATA"]))
    assert images.train_images.shape == (60_000, 1, 28, 28) and images.test_images.shape == (10_000, 1, 28, 28)
    # the known mean and standard deviation of the training pixels, and the first labels
    assert images.train_images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert images.train_images.std() / 255 == pytest.approx(0.3081, abs=5e-5)
    assert images.train_labels[:5].tolist() == [5, 0, 4, 1, 9] and images.test_labels[:3].tolist() == [7, 2, 1]
    # the class counts of LeCun's page
    assert np.bincount(images.train_labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
