"""A layer of integrate-and-fire neurons whose synapses have delays, as plain arrays: what a trained network, its
simulation in Brian2 and a file of the neuromorphic intermediate representation have in common."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Layer(NamedTuple):
    """Neurons and the synapses that lead to them.

    weight: (neurons, inputs); steps: delays in whole time steps, of the same shape; current: (neurons,); kept: share of
    the potential that is left after a step.
    """

    weight: NDArray[np.float64]
    steps: NDArray[np.int64]
    current: NDArray[np.float64]
    kept: float


def longest(layers: Sequence[Layer]) -> int:
    """The longest delay, steps."""
    return max(int(layer.steps.max()) for layer in layers)
