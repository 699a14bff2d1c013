"""Are planted delays found again? One layer learns to answer noise as another does.

The teacher's synapses have weights of either sign and whole delays; the learner, with weights near zero and all delays
in the middle, is shown spikes at random and the teacher's output, and lowers the mean square of the difference. For
independent inputs that error is a sum over synapses, and for a kernel as wide as half the range it falls towards the
teacher's delay from anywhere: nothing keeps a synapse from its delay, so that all should be found.
"""

from math import cos, pi
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from astromorph.delays import Delays, annealed_width

BATCH, TIME, ACTIVITY = 16, 100, 0.1
WEIGHT_RATE, POSITION_RATE = 0.02, 0.2  # of Adam, at the beginning; both end at zero, as half a cosine
WEAKEST = 0.3  # weight of a teacher's synapse over the strongest
NARROW_BY = 0.75  # share of the steps over which the kernel becomes narrow
NARROW = 0.5  # width then, time steps
SETTLED = 0.1  # share of the steps, the last ones, with rounded delays


class Recovered(NamedTuple):
    """Delays in time steps, (outputs, inputs) each, and the mean squared error at the end over that of silence."""

    planted: NDArray[np.int64]
    found: NDArray[np.int64]
    error: float


def recover(neurons: int, longest: int, steps: int, seed: int) -> Recovered:
    """A teacher of `neurons` inputs and outputs with delays up to `longest`, learned in `steps` of the optimiser."""
    draw = torch.Generator().manual_seed(seed)
    teacher = planted(neurons, longest, draw).rounded()
    learner = Delays(neurons, neurons, longest, generator=draw)
    with torch.no_grad():
        learner.weight.mul_(0.05)
        learner.position.fill_(longest / 2)
    rates = {learner.weight: WEIGHT_RATE, learner.position: POSITION_RATE}
    optimiser = torch.optim.Adam([{"params": [each], "lr": rate} for each, rate in rates.items()])
    for step in range(steps):
        learner.width = width(step, steps, longest)
        for group, rate in zip(optimiser.param_groups, rates.values(), strict=True):
            group["lr"] = rate * (1 + cos(pi * step / steps)) / 2
        x = noise(neurons, draw)
        loss = (learner(x) - teacher(x)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    x, final = noise(neurons, draw), learner.rounded()
    error = (final(x) - teacher(x)).square().mean() / teacher(x).square().mean()
    return Recovered(teacher.steps.numpy(), final.steps.numpy(), error.item())


def width(step: int, steps: int, longest: int) -> float:
    """Of the learner's kernel at `step` of `steps`."""
    if step >= (1 - SETTLED) * steps:
        return 0.0
    last = round(NARROW_BY * steps)
    return annealed_width(min(step, last), 4 * last, longest / 2, NARROW)


def planted(neurons: int, longest: int, draw: Generator) -> Delays:
    """A layer with no weak synapse: sizes between WEAKEST and 1 over the root of their number, of either sign."""
    layer = Delays(neurons, neurons, longest, generator=draw)
    size = WEAKEST + (1 - WEAKEST) * torch.rand(neurons, neurons, generator=draw)
    sign = 1 - 2 * torch.randint(2, (neurons, neurons), generator=draw)
    with torch.no_grad():
        layer.weight.copy_(sign * size * (3 / neurons) ** 0.5)
    return layer


def noise(neurons: int, draw: Generator) -> Tensor:
    """Spikes at random, (batch, time, neurons)."""
    return (torch.rand(BATCH, TIME, neurons, generator=draw) < ACTIVITY).float()
