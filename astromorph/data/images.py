"""Small labelled images in two splits, the same for every image set."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Images:
    """Images uint8 [n, channels, height, width], labels int64 [n], and the classes' names by label."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: tuple[str, ...]
