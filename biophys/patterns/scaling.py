"""Scaling laws of sparse patterns: short formulas that stay close to the exact theory of `patterns.py`.

A segment holds the union of M patterns of s synapses; of n cells a are active in a random pattern. The chance that
theta of its synapses are active together starts with the falling products a (a - 1) .. (a - theta + 1) and
K (K - 1) .. (K - theta + 1), K = M s, over that of n. Each product is nearly a power of its middle factor, so that the
overlap counts almost like a Poisson variable, and a false match has the probability

    P(Poisson(mu) >= theta),   mu = (a - h) (M s - h) / n,   h = (theta - 1) / 2.                               (1)

Far from the ends, for theta << a and theta << M s, h drops out and mu = M s a / n. Solved for M this is the capacity
of a segment, solved for theta the threshold it needs. The two are inverse to each other: Chernoff's bound of the
Poisson tail, log(1/error) = theta log(theta/mu) - theta + mu, ties theta, mu and log(1/error) together, and since it is
homogeneous of degree one, the local exponents of theta in mu and in log(1/error) add up to one. Measured against the
exact theory by studies/patterns/union_capacity.py and studies/patterns/threshold_scaling.py.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammainc, gammaincinv, lambertw

from biophys.patterns.overlap import Floats


def poisson_mean(threshold: ArrayLike, false_match: ArrayLike) -> Floats:
    """Mean of a Poisson count that reaches `threshold` with probability `false_match`."""
    theta, error = np.asarray(threshold, dtype=float), _probability(false_match)
    if np.any(theta <= 0):
        raise ValueError(f"threshold {theta.min():g} is reached by silence; use one above 0")
    return gammaincinv(theta, error)[()]


def union_capacity_law(
    population: ArrayLike, active: ArrayLike, synapses: ArrayLike, threshold: ArrayLike, false_match: ArrayLike
) -> Floats:
    """Patterns that a segment holds until random ones match with probability `false_match`: (1) solved for M.

    A real number, M = (h + lambda n / (a - h)) / s with lambda = poisson_mean(threshold, false_match). From 4 patterns
    on and for thresholds up to half the active cells it lies within 4 % of the exact capacity.
    """
    a, theta = np.broadcast_arrays(active, threshold)
    if np.any(theta > a):
        first = tuple(np.argwhere(theta > a)[0])
        raise ValueError(f"threshold {theta[first]} is above the {a[first]} active cells and never reached; lower it")
    h = (theta - 1) / 2
    mean = poisson_mean(theta, false_match)
    return ((h + mean * np.asarray(population) / (a - h)) / np.asarray(synapses))[()]


def threshold_law(
    population: ArrayLike, active: ArrayLike, synapses: ArrayLike, false_match: ArrayLike, patterns: ArrayLike = 1
) -> Floats:
    """Threshold at which random patterns match with probability `false_match`: (1) solved for theta.

    A real number; NaN where no threshold up to the active cells and the synapses of a pattern is enough. For
    populations from 10,000 and up to 3 % active cells it lies within 0.2 synapses of the exact threshold, taken real by
    linear interpolation of the logarithm.
    """
    n, a, s, error, m = np.broadcast_arrays(population, active, synapses, _probability(false_match), patterns)
    low, high = np.zeros(n.shape), np.minimum(a, s).astype(float)
    reached = _tail(n, a, m * s, high) <= error
    for _ in range(50):  # halvings: to the last digit
        middle = (low + high) / 2
        enough = _tail(n, a, m * s, middle) <= error
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.where(reached, high, np.nan)[()]


def sufficient_threshold(mean: ArrayLike, false_match: ArrayLike) -> Floats:
    """Threshold that keeps false matches at most `false_match` for certain, given the mean overlap M s a / n.

    Chernoff's bound holds for draws without replacement (Hoeffding 1963, J. Am. Stat. Assoc. 58:13, Theorem 4) and for
    unions. Solved for theta with Lambert's W: mu exp(1 + W((log(1/error) / mu - 1) / e)); 0.3 to 3 synapses above need
    for populations from 10,000 and up to 3 % active cells.
    """
    mu = np.asarray(mean, dtype=float)
    if np.any(mu <= 0):
        raise ValueError(f"mean overlap {mu.min():g} needs no threshold; use one above 0")
    return (mu * np.exp(1 + lambertw((-np.log(_probability(false_match)) / mu - 1) / np.e).real))[()]


def threshold_exponent(mean: ArrayLike, threshold: ArrayLike) -> Floats:
    """Local exponent of the threshold in the mean overlap at a fixed error, (1 - r) / log(1/r) with r = mu / theta.

    One minus it is the exponent in log(1/error); its inverse that of the capacity in the threshold. 1 at r = 1.
    """
    r = np.asarray(mean, dtype=float) / threshold
    near = np.isclose(r, 1)
    return np.where(near, 1.0, (1 - r) / -np.log(np.where(near, 0.5, r)))[()]


def _tail(population: Floats, active: Floats, union: Floats, threshold: Floats) -> Floats:
    """(1) for a real threshold above 0."""
    h = (threshold - 1) / 2
    return gammainc(threshold, np.maximum((active - h) * (union - h) / population, 0))


def _probability(false_match: ArrayLike) -> Floats:
    error = np.asarray(false_match, dtype=float)
    wrong = ~((error > 0) & (error < 1))
    if np.any(wrong):
        raise ValueError(f"false_match {error[wrong].flat[0]:g} is no probability between 0 and 1; try 1e-9")
    return error
