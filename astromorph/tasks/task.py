"""A task: the model to train and the batches to train and test it on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from astromorph.settings import CalciumResponse, Cifar10Settings, ImdbSettings, Settings


class Batch(NamedTuple):
    """inputs: what the model is called with; labels: (batch,) integers."""

    inputs: tuple[Tensor, ...]
    labels: Tensor


@dataclass(frozen=True)
class Task:
    """Batches are made anew at each call; training(epoch) in an order given by seed and epoch."""

    model: nn.Module
    training: Callable[[int], Iterable[Batch]]
    validation: Callable[[], Iterable[Batch]]
    test: Callable[[], Iterable[Batch]]
    steps: int  # training batches an epoch
    examples: int  # training examples an epoch
    unit: str  # what an example is called
    class_names: tuple[str, ...]
    words: list[str] | None = None  # the vocabulary, for text


def build_task(settings: Settings, response: CalciumResponse | None, root: Path) -> Task:
    """The task of `settings` with its data under `root`; errors are those of the loaders."""
    if isinstance(settings, ImdbSettings):
        from astromorph.tasks import imdb

        return imdb.build(settings, response, root)
    if isinstance(settings, Cifar10Settings):
        from astromorph.tasks import cifar10

        return cifar10.build(settings, response, root)
    from astromorph.tasks import digits

    return digits.build(settings, response)
