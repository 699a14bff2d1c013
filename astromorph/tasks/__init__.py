"""What a training loop needs to know of a data set: a model, batches by epoch, and how examples are counted.

`build_task` joins settings, calcium response and data to a Task; training and evaluation know no more than that.
"""

from astromorph.tasks.task import Batch, Task, build_task

__all__ = ["Batch", "Task", "build_task"]
