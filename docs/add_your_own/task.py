"""Is the sum of fifteen numbers above zero?"""

import torch
from torch import nn

from astromorph.tasks.task import Batch, Task


def drawn(seed: int, size: int, batches: int = 20):
    chance = torch.Generator().manual_seed(seed)
    for _ in range(batches):
        numbers = torch.randn(size, 15, generator=chance)
        yield Batch((numbers,), (numbers.sum(1) > 0).long())


def build_model(settings, response, words=None):
    return nn.Sequential(nn.Linear(15, settings.width), nn.Tanh(), nn.Linear(settings.width, 2))


def build(settings, response, root):
    part = lambda number: drawn(settings.seed * 1000 + number, settings.batch)  # epochs are counted from 1
    parts = {"training": part, "validation": lambda: part(0), "test": lambda: part(999)}
    size = {"steps": 20, "examples": 20 * settings.batch, "unit": "sums", "class_names": ("below", "above")}
    return Task(model=build_model(settings, response), **parts, **size)
