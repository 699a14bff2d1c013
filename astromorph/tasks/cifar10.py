"""CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test images of 32x32 pixels in ten classes.

The first filters are measured on training images, without labels. Training images are shifted at random, mirrored every
other epoch and, if asked for, partly covered; the first epochs can be shown smaller images, which cost less. In
evaluation several views of an image are averaged.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from astromorph.data.augment import alternating, cutout, shift_and_flip
from astromorph.data.cifar10 import load_cifar10
from astromorph.data.images import Images
from astromorph.models.attention_from_settings import encoder_layers
from astromorph.models.image_classifier import ImageClassifier
from astromorph.models.image_front import PATCH, Whitening, convolution_front
from astromorph.models.image_views import AverageOfViews
from astromorph.settings import CalciumResponse, Cifar10Settings
from astromorph.tasks.image_batches import image_task
from astromorph.tasks.task import Task

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIZE = (3, 32, 32)
MEASURED = 5_000  # training images behind the whitening filters
MEAN, DEVIATION = (125.3, 123.0, 113.9), (63.0, 62.1, 66.7)  # of the training images, values 0-255
GREY = 121.0  # what covers images


def build(settings: Cifar10Settings, response: CalciumResponse | None, root: Path) -> Task:
    """The task with the images under `root`."""
    images = load_cifar10(root)
    model = build_model(settings, response, filters=whitening(images))
    return image_task(model, images, settings, MEAN, DEVIATION, augmentation(settings, len(images.train_labels)))


def build_model(
    settings: Cifar10Settings, response: CalciumResponse | None, words: None = None, filters: Whitening | None = None
) -> AverageOfViews:
    """32 x 32 pixels in colour, 7 x 7 tokens; without whitening `filters`, stored weights have to fill them."""
    filters = filters or Whitening(torch.zeros(1, 3, PATCH, PATCH))
    front = convolution_front(filters, settings.channels, settings.width, settings.convolutions)
    model = ImageClassifier(
        front, 49, settings.width, 10, encoder_layers(settings, response, 49, 7), settings.dropout
    ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return AverageOfViews(model, settings.view_shift)


def whitening(images: Images) -> Whitening:
    """The filters that whiten patches of the first MEASURED training images, normalised as the model sees them."""
    mean, deviation = (torch.tensor(values).view(1, -1, 1, 1) for values in (MEAN, DEVIATION))
    return Whitening((torch.from_numpy(images.train_images[:MEASURED]).float() - mean) / deviation)


def augmentation(settings: Cifar10Settings, count: int) -> Callable[[Tensor, Tensor, int, Generator], Tensor]:
    """What the settings do to a batch of the `count` training images: see `image_task`."""

    def changed(pictures: Tensor, chosen: Tensor, epoch: int, draw: Generator) -> Tensor:
        mirrored = alternating(count, settings.seed, epoch)[chosen]
        pictures = shift_and_flip(pictures, settings.shift, mirrored, draw)
        if settings.cutout:
            pictures = cutout(pictures, settings.cutout, draw, GREY)
        if epoch <= settings.small_epochs:
            size = (settings.small, settings.small)
            pictures = F.interpolate(pictures, size, mode="bilinear", antialias=True)
        return pictures

    return changed
