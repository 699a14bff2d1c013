import gzip
from pathlib import Path

import numpy as np
import pytest

from astromorph.data import digits
from astromorph.data.digits import load_digits, read_digits

SHIPPED = Path(digits.__file__).with_name(digits.FILE)


def test_counts_are_those_of_the_published_set():
    images = load_digits()
    assert images.train_images.shape == (1297, 1, 8, 8) and images.test_images.shape == (500, 1, 8, 8)
    assert images.train_images.dtype == np.uint8 and images.train_images.max() == 16
    labels = np.concatenate([images.train_labels, images.test_labels])
    # UCI's optdigits.names, class distribution of optdigits.tes
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_images_lie_the_right_way_round():
    """Templates (class means) of the training part read most of the test part, written by other hands."""
    images = load_digits()
    flat = lambda part: part.reshape(len(part), 64).astype(float)
    means = np.stack([flat(images.train_images)[images.train_labels == digit].mean(0) for digit in range(10)])
    distances = ((flat(images.test_images)[:, None] - means) ** 2).sum(-1)
    assert np.mean(distances.argmin(1) == images.test_labels) > 0.8
    zero = images.train_images[images.train_labels == 0].mean(0)[0]
    assert zero[3:5, 3:5].mean() < 2 < 8 < zero[3:5, [1, 2, 5, 6]].mean()  # a hole between two strokes


def test_a_changed_pixel_is_refused(tmp_path):
    text = gzip.decompress(SHIPPED.read_bytes())
    (tmp_path / "digits.csv.gz").write_bytes(gzip.compress(b"1" + text[1:]))
    with pytest.raises(ValueError, match="digits.csv.gz is (altered|truncated).*expected 57,523 bytes with sha256"):
        read_digits(tmp_path / "digits.csv.gz")
    with pytest.raises(FileNotFoundError, match="missing.*install astromorph again"):
        read_digits(tmp_path / "nothing.csv.gz")
