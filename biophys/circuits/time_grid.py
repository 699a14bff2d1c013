"""Times that must fall on the grid of time steps, because something is switched or fired at them."""

import numpy as np
from brian2 import ms
from numpy.typing import ArrayLike, NDArray

from biophys.simulation.quantities import written


def whole_steps(times: ArrayLike, step: float, name: str) -> NDArray[np.int64]:
    """`times` (any shape, in s) as numbers of steps of `step` s. ValueError in one sentence if one is between steps."""
    times = np.asarray(times, float)
    steps = np.rint(times / step).astype(np.int64)
    between = np.abs(times / step - steps) > 1e-6
    if between.any():
        wrong, nearest = float(times[between].flat[0]), float(steps[between].flat[0]) * step
        raise ValueError(
            f"{name}={written(1e3 * wrong * ms)} is no multiple of the step {written(1e3 * step * ms)}; "
            f"use {written(1e3 * nearest * ms)} or another step"
        )
    return steps
