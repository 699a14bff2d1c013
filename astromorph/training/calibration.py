"""Does a model that is 80 % sure get 80 % right?

Answers are sorted by the probability given to them into bins of equal width; in each, the mean probability is held
against the share that is right. The expected calibration error is the mean gap, weighed by the answers in a bin
(Guo, Pleiss, Sun and Weinberger, ICML 2017, Eqs. 2-3 and 5). A small sample has an error above zero by chance alone.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

BINS = 15  # as in the paper


class Reliability(NamedTuple):
    """By bin, (bins,): answers in it, their mean probability and the share of them that is right (nan if none)."""

    edges: NDArray  # (bins + 1,)
    answers: NDArray
    probability: NDArray
    right: NDArray

    @property
    def expected_calibration_error(self) -> float:
        """Σ_b n_b / n |right_b - probability_b|, from 0 to 1."""
        filled = self.answers > 0
        gap = np.abs(self.right - self.probability)[filled]
        return float(np.average(gap, weights=self.answers[filled]))


def reliability(probability: ArrayLike, right: ArrayLike, bins: int = BINS) -> Reliability:
    """Probabilities (n,) of the answers given, from 0 to 1, and whether each is right (n,); bins are open below.

    ValueError if there is no answer, or a number is no probability.
    """
    probability, right = np.asarray(probability, float), np.asarray(right, float)
    if probability.size == 0 or probability.shape != right.shape:
        raise ValueError(f"{probability.size} probabilities and {right.size} answers; give as many of each, at least 1")
    if not (probability.min() >= 0 and probability.max() <= 1 + 1e-6):
        raise ValueError(
            f"probabilities from {probability.min():.3g} to {probability.max():.3g}; they must lie between 0 and 1"
        )
    place = np.clip(np.ceil(probability * bins).astype(int) - 1, 0, bins - 1)
    sums = [np.bincount(place, weights=each, minlength=bins) for each in (np.ones_like(right), probability, right)]
    with np.errstate(invalid="ignore"):
        return Reliability(np.linspace(0, 1, bins + 1), sums[0].astype(int), sums[1] / sums[0], sums[2] / sums[0])
