"""How many cells two random sets share: the exact law, to full precision.

Of `population` cells one random set holds `active`, another `drawn`. The number they share is
hypergeometric, P(b) = C(active, b) C(population - active, drawn - b) / C(population, drawn). Every question
about sparse patterns in `patterns.py` is a tail of this law. Differences of log-factorials lose nine digits
at a million cells, so each probability is written as a sum of positive deviances between the observed and
the expected counts of the 2 x 2 table (shared or not, active or silent), after C. Loader, "Fast and accurate
computation of binomial probabilities" (2000), and a tail as its largest term times a sum of term ratios.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import xlogy

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class Tail(NamedTuple):
    """A probability P kept as the natural logarithm of the smaller of P and 1 - P, so that neither rounds."""

    log: Floats
    complement: NDArray[np.bool_]  # true where `log` is log(1 - P)

    def probability(self) -> Floats:
        smaller = np.exp(self.log)
        return np.where(self.complement, 1 - smaller, smaller)

    def log10(self) -> Floats:
        return np.where(self.complement, np.log1p(-np.exp(self.log)), self.log) / math.log(10)

    def log_of_not(self) -> Floats:
        """Natural logarithm of 1 - P."""
        return np.where(self.complement, self.log, np.log1p(-np.exp(self.log)))


def overlap_tail(population: ArrayLike, active: ArrayLike, drawn: ArrayLike, least: ArrayLike) -> Tail:
    """P(shared >= least), broadcast over int64 counts with active, drawn <= population.

    Relative error below 1e-12 wherever a double can hold P (measured against exact fractions).
    `least` may lie outside the possible overlaps: the probability is then 0 or 1.
    """
    n, a, s, b = (np.array(x) for x in np.broadcast_arrays(population, active, drawn, least))
    complement = (2 * b - 1) * n <= 2 * a * s  # below the mean: count the overlap with the silent cells
    a = np.where(complement, n - a, a)
    b = np.where(complement, s - b + 1, b)
    start = np.minimum(b, np.minimum(a, s))
    log_tail = _log_probability(n, a, s, start) + np.log(_relative_tail(n, a, s, start))
    return Tail(np.where(b <= np.minimum(a, s), log_tail, -np.inf), complement)


def overlap_probability(population: ArrayLike, active: ArrayLike, drawn: ArrayLike, shared: ArrayLike) -> Floats:
    """P(exactly `shared` cells), broadcast over int64 counts with active, drawn <= population."""
    n, a, s, b = (np.array(x) for x in np.broadcast_arrays(population, active, drawn, shared))
    nearest = np.clip(b, np.maximum(a + s - n, 0), np.minimum(a, s))
    return np.where(nearest == b, np.exp(_log_probability(n, a, s, nearest)), 0.0)


def _log_probability(population: Counts, active: Counts, drawn: Counts, shared: Counts) -> Floats:
    """log P(shared), natural logarithm, for a possible overlap.

    With Stirling's formula m! = m^m exp(-m) exp(rest(m)), the powers of the nine factorials gather into
    -log P = sum over the four cells of the table of deviance(observed, expected), plus the rests.
    """
    n, a, s, b = population, active, drawn, shared
    excess = (b * n - a * s) / n  # observed minus expected, the same in size for all four cells
    observed = (b, a - b, s - b, n - a - s + b)
    expected = (a * (s / n), a * ((n - s) / n), (n - a) * (s / n), (n - a) * ((n - s) / n))
    signed = (excess, -excess, -excess, excess)
    deviance = sum(_deviance(o, e, d) for o, e, d in zip(observed, expected, signed, strict=True))
    margins = sum(_stirling_rest(x) for x in (a, n - a, s, n - s))
    return margins - _stirling_rest(n) - sum(_stirling_rest(o) for o in observed) - deviance


def _relative_tail(n: Counts, a: Counts, s: Counts, start: Counts) -> Floats:
    """Sum of P(b) / P(start) over b >= start; P falls with b, since start lies above the mean."""
    b = start.astype(float)
    silent = n - a - s
    term = np.ones(b.shape)
    total = np.ones(b.shape)
    while np.any(term > 1e-18 * total):
        term = term * ((a - b) * (s - b)) / np.maximum((b + 1) * (silent + b + 1), 1)
        total += term
        b += 1
    return total


def _deviance(observed: Counts, expected: Floats, excess: Floats) -> Floats:
    """O log(O/E) - (O - E) >= 0, by a series where O is near E and the difference would lose digits."""
    both = observed + expected
    v = np.divide(excess, both, out=np.zeros(both.shape), where=both > 0)
    near = np.abs(v) < 0.3
    square = np.where(near, v * v, 0)
    series = np.polynomial.polynomial.polyval(square, [1 / (2 * j + 3) for j in range(15)])
    close = excess * v + 2 * observed * v * square * series
    ratio = np.divide(observed, expected, out=np.ones(both.shape), where=expected > 0)
    return np.where(near, close, xlogy(observed, ratio) - excess)


_SMALL = np.array([0.0] + [math.log(math.factorial(m)) - m * math.log(m) + m for m in range(1, 16)])


def _stirling_rest(m: Counts) -> Floats:
    """log m! - (m log m - m): exact below 16, Stirling's series above (next term below 1e-16)."""
    x = np.maximum(m, 16).astype(float)
    y = 1 / (x * x)
    series = (1 / 12 - y * (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y / 1188)))) / x
    return np.where(m < 16, _SMALL[np.clip(m, 0, 15)], 0.5 * np.log(2 * np.pi * x) + series)
