"""Permuted MNIST (Goodfellow et al. 2013, arXiv 1312.6211): tasks to be learned one after the other, not forgotten.

A task shows the digits with their pixels in an order of its own; the ten classes and the output are the same for all
tasks. Which task an image belongs to is known in training only. A task's context is its prototype, the mean of its
training images, at length 1; in a test, each image takes the context of the nearest prototype among the tasks learned
so far (Iyer et al. 2022, Front. Neurorobot. 16:846219, section 3, who draw the prototypes from the data too).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from astromorph.data.images import Images
from astromorph.data.splits import validation_split
from astromorph.dendrite import ActiveDendrites, DendriticLayer, SegmentGate

PIXELS, CLASSES = 784, 10
TESTED_AT_ONCE = 1000
MEAN, DEVIATION = 0.1307 * 255, 0.3081 * 255  # of all pixels of the training part, values 0-255


@dataclass(frozen=True)
class PermutedDigits:
    """Pixels uint8 (n, 784) and labels int64 (n,) of three parts, and the pixels' order in each task (tasks, 784)."""

    training: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    orders: Tensor

    def prototypes(self) -> Tensor:
        """The mean training image of each task, normalised, (tasks, 784)."""
        return normalised(self.training[0].float().mean(0))[self.orders]

    def batches(self, task: int, size: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The training images of a task in an order drawn from `seed`: images (size, 784) and labels."""
        draw = torch.Generator().manual_seed(seed)
        for chosen in torch.randperm(len(self.training[1]), generator=draw).split(size):
            yield normalised(self.training[0][chosen][:, self.orders[task]]), self.training[1][chosen]


def permuted_digits(images: Images, tasks: int, examples: int, validation: int, seed: int) -> PermutedDigits:
    """`examples` training images and `validation` others held out of the training part, in `tasks` orders of pixels.

    Both choices and the orders are drawn from `seed`. ValueError if the training part has fewer images.
    """
    learn, held_out = validation_split(images.train_labels, validation, seed)
    if not 0 < examples <= len(learn):
        raise ValueError(f"{examples} training examples are not to be had; use 1 to {len(learn)}")
    draw = torch.Generator().manual_seed(seed)
    chosen = torch.from_numpy(learn)[torch.randperm(len(learn), generator=draw)[:examples]]
    orders = torch.stack([torch.randperm(PIXELS, generator=draw) for _ in range(tasks)])
    flat = lambda pixels: torch.from_numpy(pixels.reshape(len(pixels), PIXELS))
    pixels, labels = flat(images.train_images), torch.from_numpy(images.train_labels)
    return PermutedDigits(
        (pixels[chosen], labels[chosen]),
        (pixels[held_out], labels[held_out]),
        (flat(images.test_images), torch.from_numpy(images.test_labels)),
        orders,
    )


def normalised(pixels: Tensor) -> Tensor:
    return (pixels.float() - MEAN) / DEVIATION


def nearest(images: Tensor, prototypes: Tensor) -> Tensor:
    """The number (batch,) of the nearest of `prototypes` (tasks, 784) to each of `images` (batch, 784)."""
    return torch.cdist(images, prototypes).argmin(1)


class DendriticNetwork(nn.Module):
    """Two layers of `units` with active dendrites and winners, then a linear output."""

    def __init__(
        self, units: int, segments: int, gate: SegmentGate, spread: float, winners: float, learned: bool = True
    ) -> None:
        super().__init__()
        dendrites = [ActiveDendrites(units, segments, PIXELS, gate, spread).requires_grad_(learned) for _ in range(2)]
        self.first = DendriticLayer(PIXELS, dendrites[0], winners)
        self.second = DendriticLayer(units, dendrites[1], winners)
        self.output = nn.Linear(units, CLASSES)

    def forward(self, images: Tensor, context: Tensor, which: Tensor | None = None) -> Tensor:
        """images: (batch, 784); context and which: as a DendriticLayer takes them; returns scores (batch, 10)."""
        return self.output(self.second(self.first(images, context, which), context, which))


class PlainNetwork(nn.Module):
    """Two layers of `units` rectified, then a linear output; the context is not used."""

    def __init__(self, units: int) -> None:
        super().__init__()
        layers = [nn.Linear(PIXELS, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU(), nn.Linear(units, CLASSES)]
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor, context: Tensor, which: Tensor | None = None) -> Tensor:
        return self.layers(images)


def parameter_count(network: nn.Module) -> int:
    """All parameters, learned or not."""
    return sum(parameter.numel() for parameter in network.parameters())


def plain_units(parameters: int) -> int:
    """The most units with which a PlainNetwork has at most as many parameters: u² + 796 u + 10 <= parameters."""
    linear = PIXELS + 2 + CLASSES
    return (math.isqrt(linear**2 + 4 * (parameters - CLASSES)) - linear) // 2


def train_task(
    network: nn.Module, digits: PermutedDigits, task: int, rate: float, batch: int, epochs: int, seed: int
) -> None:
    """Trains `network` on one task in its context; Adam starts anew, and the order is drawn from seed and task."""
    context = F.normalize(digits.prototypes()[task : task + 1], dim=1)
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=rate)
    for epoch in range(epochs):
        order = (seed * len(digits.orders) + task) * epochs + epoch
        for images, labels in digits.batches(task, batch, order):
            loss = F.cross_entropy(network(images, context), labels)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()


@torch.no_grad()
def accuracies(
    network: nn.Module, digits: PermutedDigits, part: tuple[Tensor, Tensor], learned: int
) -> tuple[list[float], list[float]]:
    """For each of the first `learned` tasks the share of images told right, and of those whose task is inferred right.

    `part`: the validation or the test images of `digits`.
    """
    pixels, labels = part
    prototypes = digits.prototypes()[:learned]
    contexts = F.normalize(prototypes, dim=1)
    right, inferred = torch.zeros(2, learned, dtype=torch.int64)
    for task in range(learned):
        for chosen in torch.arange(len(labels)).split(TESTED_AT_ONCE):
            images = normalised(pixels[chosen][:, digits.orders[task]])
            which = nearest(images, prototypes)
            right[task] += (network(images, contexts, which).argmax(1) == labels[chosen]).sum()
            inferred[task] += (which == task).sum()
    return (right.double() / len(labels)).tolist(), (inferred.double() / len(labels)).tolist()
