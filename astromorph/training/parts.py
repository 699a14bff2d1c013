"""An epoch in parts: what the loop takes for an epoch is a part of one, so that validation comes several times in
it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from astromorph.tasks import Batch, Task


def in_parts(task: Task, parts: int) -> Task:
    """The task with every epoch cut into `parts` of as many steps (the last may have fewer), numbered on.

    ValueError if the steps do not last.
    """
    steps = -(-task.steps // parts)
    if (parts - 1) * steps >= task.steps:
        raise ValueError(f"{parts} evaluations are too many for the {task.steps} steps of an epoch; ask for fewer")

    def training(part: int) -> Iterator[Batch]:
        epoch, begun = divmod(part - 1, parts)
        yield from islice(task.training(epoch + 1), begun * steps, (begun + 1) * steps)

    return replace(
        task,
        training=training,
        begin_epoch=lambda part: task.begin_epoch((part - 1) // parts + 1),
        steps=steps,
        examples=task.examples // parts,
    )
