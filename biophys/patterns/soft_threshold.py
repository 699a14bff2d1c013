"""A threshold that is a random number: what a soft detection curve makes of the theory of sparse patterns.

A real segment does not spike from a fixed number of active synapses on: their conductances and times differ. The chance
of a spike against that number, the detection curve, is the distribution of a threshold, and the segment's false and
missed matches are those of `patterns.py` averaged over it. Where the chance of a match falls by a factor exp(L) with
each synapse more, a normal threshold of deviation S raises it by about exp((L S)^2/2).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import xlogy
from scipy.stats import norm

NARROWEST = 0.2  # standard deviation of a threshold that is not sharp, in synapses


def fitted_threshold(counts: NDArray, spikes: NDArray, trials: int) -> tuple[float, float]:
    """Mean and standard deviation of a normal threshold, by maximum likelihood; NaN if the segment never spikes.

    A segment that jumps from never to always between two counts gets the middle between them and a deviation of 0.
    Deviations between that and NARROWEST cannot be told apart.
    """
    never, always = spikes == 0, spikes == trials
    if never.all() or not spikes[-1] > trials / 2:
        return np.nan, np.nan
    if (never | always).all():
        return float(counts[np.argmax(always)] - 0.5), 0.0

    def surprise(values: NDArray) -> float:
        p = norm.cdf((counts - values[0]) / np.exp(values[1])).clip(1e-12, 1 - 1e-12)
        return -float((xlogy(spikes, p) + xlogy(trials - spikes, 1 - p)).sum())

    middle = counts[0] - 0.5 + (1 - spikes / trials).sum()  # of the curve's increments (Spearman and Karber)
    simplex = [(middle, 0.0), (middle + 0.5, 0.0), (middle, -1.0)]
    options = {"initial_simplex": simplex, "xatol": 1e-7, "fatol": 1e-9, "maxiter": 2000}
    bounds = [(None, None), (np.log(NARROWEST), None)]
    best = minimize(surprise, simplex[0], method="Nelder-Mead", bounds=bounds, options=options)
    return float(best.x[0]), float(np.exp(best.x[1]))


def averaged(tails: NDArray, beyond: float, middle: float, deviation: float) -> float:
    """A probability at thresholds 0, 1, .. len(tails) - 1, and at all `beyond` them, averaged over a normal threshold.

    A threshold between two whole numbers acts as the upper one.
    """
    below = norm.cdf(np.arange(len(tails)), middle, deviation) if deviation else np.arange(len(tails)) >= middle
    share = np.diff(below, prepend=0.0)
    return float(share @ tails + (1 - below[-1]) * beyond)
