"""A task: the model to train, the batches to train and test it on, and how its answers are judged."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn


class Batch(NamedTuple):
    """inputs: what the model is called with; labels: (batch,) integers, or (batch, tokens)."""

    inputs: tuple[Tensor, ...]
    labels: Tensor


class Judgement(NamedTuple):
    """Of n labels: the cross-entropy of each, the class answered, and the probability given to it, all (n,)."""

    losses: Tensor
    answers: Tensor
    confidence: Tensor


def judge(logits: Tensor, labels: Tensor) -> Judgement:
    """Judges logits (..., classes) against labels (...)."""
    logits = logits.flatten(0, -2).float()
    losses = F.cross_entropy(logits, labels.flatten(), reduction="none")
    confidence, answers = logits.softmax(1).max(1)
    return Judgement(losses, answers, confidence)


def cross_entropy(logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
    """The mean cross-entropy of logits (..., classes) in float32, with this share of the target over all classes."""
    return F.cross_entropy(logits.flatten(0, -2).float(), labels.flatten(), label_smoothing=label_smoothing)


@dataclass(frozen=True)
class Task:
    """Batches are made anew at each call; training(epoch) in an order given by seed and epoch.

    loss: from a model's output and labels to the mean loss that is trained. prepare: is called with the run's folder
    before training, and again when a run goes on; it may write files there, and finds those of an earlier call.
    begin_epoch: is called with the number of an epoch before it, for what a model changes over training. further: by
    what other numbers a result of the validation or the test is known, for the summary of a run.
    """

    model: nn.Module
    training: Callable[[int], Iterable[Batch]]
    validation: Callable[[], Iterable[Batch]]
    test: Callable[[], Iterable[Batch]]
    steps: int  # training batches an epoch
    examples: int  # training examples an epoch
    unit: str  # what an example is called
    class_names: tuple[str, ...]  # empty where there are too many for a table of confusion
    words: list[str] | None = None  # the vocabulary, for text
    loss: Callable[[Any, Tensor], Tensor] = cross_entropy
    judge: Callable[[Any, Tensor], Judgement] = judge
    chosen_by: Literal["accuracy", "loss"] = "accuracy"  # which epoch gives the weights that are tested
    prepare: Callable[[Path], None] = lambda folder: None
    begin_epoch: Callable[[int], None] = lambda epoch: None
    further: Callable[[float, float, str], dict[str, float]] = lambda loss, accuracy, part: {}  # part: validation, test
