"""Batches of images for training and testing: split, shuffled, augmented, normalised."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import ceil

import numpy as np
import torch
from torch import Generator, Tensor, nn

from astromorph.data.images import Images
from astromorph.data.splits import validation_split
from astromorph.settings import ClassifierSettings
from astromorph.tasks.task import Batch, Task, cross_entropy

TEST_BATCH = 500


def unchanged(images: Tensor, chosen: Tensor, epoch: int, draw: Generator) -> Tensor:
    return images


def image_task(
    model: nn.Module,
    images: Images,
    settings: ClassifierSettings,
    mean: Sequence[float],
    deviation: Sequence[float],
    augment: Callable[[Tensor, Tensor, int, Generator], Tensor] = unchanged,
) -> Task:
    """The task of classifying `images` with `model`.

    `augment` changes a batch of uint8 training images, given their numbers in the training part, the epoch and what
    draws this epoch's chances.
    """
    learn, held_out = validation_split(images.train_labels, settings.validation, settings.seed)
    channels_last = lambda array: torch.from_numpy(array).contiguous(memory_format=torch.channels_last)
    train, test = channels_last(images.train_images), channels_last(images.test_images)
    train_labels = torch.from_numpy(images.train_labels.astype(np.int64))
    test_labels = torch.from_numpy(images.test_labels.astype(np.int64))
    centre, scale = (torch.tensor(values).view(1, -1, 1, 1) for values in (mean, deviation))
    normalised = lambda batch: (batch.float() - centre) / scale

    def training(epoch: int) -> Iterator[Batch]:
        draw = torch.Generator().manual_seed(settings.seed * 100_003 + epoch)
        order = torch.from_numpy(learn)[torch.randperm(len(learn), generator=draw)]
        for chosen in order.split(settings.batch):
            yield Batch((normalised(augment(train[chosen], chosen, epoch, draw)),), train_labels[chosen])

    def testing(pictures: Tensor, labels: Tensor) -> Iterator[Batch]:
        for some, named in zip(pictures.split(TEST_BATCH), labels.split(TEST_BATCH), strict=True):
            yield Batch((normalised(some),), named)

    return Task(
        model=model,
        training=training,
        validation=lambda: testing(train[held_out], train_labels[held_out]),
        test=lambda: testing(test, test_labels),
        steps=ceil(len(learn) / settings.batch),
        examples=len(learn),
        unit="images",
        class_names=images.class_names,
        loss=partial(cross_entropy, label_smoothing=settings.label_smoothing),
    )
