"""What a training loop needs to know of a data set: a model, batches by epoch, and how examples are counted.

A file a data set, which the settings name: `build` joins settings, calcium response and data to a Task, and training
and evaluation know no more than that; `build_model` is its untrained model.
"""

from astromorph.tasks.build import build_model, build_task
from astromorph.tasks.task import Batch, Task

__all__ = ["Batch", "Task", "build_model", "build_task"]
