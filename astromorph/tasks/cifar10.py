"""CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test images of 32x32 pixels in ten classes.

The first filters are measured on training images, without labels. Training images are shifted and mirrored at random;
in evaluation an image and its mirror image are averaged.
"""

from pathlib import Path

import torch
from torch import Generator, Tensor

from astromorph.data.augment import shift_and_flip
from astromorph.data.cifar10 import load_cifar10
from astromorph.data.images import Images
from astromorph.models.image_front import Whitening
from astromorph.settings import CalciumResponse, Cifar10Settings
from astromorph.tasks.image_batches import image_task
from astromorph.tasks.models import DIRECTIONS, colour_model
from astromorph.tasks.task import Task

MEASURED = 5_000  # training images behind the whitening filters
MEAN, DEVIATION = (125.3, 123.0, 113.9), (63.0, 62.1, 66.7)  # of the training images, values 0-255


def build(settings: Cifar10Settings, response: CalciumResponse | None, root: Path) -> Task:
    """The task with the images under `root`."""
    images = load_cifar10(root)
    model = colour_model(settings, response, whitening(images))

    def shifted_and_mirrored(pictures: Tensor, draw: Generator) -> Tensor:
        return shift_and_flip(pictures, settings.shift, draw)

    return image_task(model, images, settings, MEAN, DEVIATION, shifted_and_mirrored)


def whitening(images: Images) -> Whitening:
    """The filters that whiten patches of the first MEASURED training images, normalised as the model sees them."""
    mean, deviation = (torch.tensor(values).view(1, -1, 1, 1) for values in (MEAN, DEVIATION))
    return Whitening((torch.from_numpy(images.train_images[:MEASURED]).float() - mean) / deviation, DIRECTIONS)
