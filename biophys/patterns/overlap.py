"""How many cells random sets share: the exact laws, to full precision.

Of `population` cells one random set holds `active`, another `drawn`. The number they share is
hypergeometric, P(b) = C(active, b) C(population - active, drawn - b) / C(population, drawn). Every question
about sparse patterns in `patterns.py` is a tail of this law, of the binomial one that it becomes in a large
population, or of the number of cells that several random sets cover. Differences of log-factorials lose nine
digits at a million cells, so each probability is written as a sum of positive deviances between the observed
and the expected counts of the 2 x 2 table (shared or not, active or silent), after C. Loader, "Fast and
accurate computation of binomial probabilities" (2000), and a tail as its largest term times a sum of term
ratios. Everything is kept as logarithms, which do not underflow.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp, xlogy

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class Tail(NamedTuple):
    """A probability P kept as the natural logarithm of the smaller of P and 1 - P, so that neither rounds."""

    smaller: Floats
    complement: NDArray[np.bool_]  # true where `smaller` is log(1 - P)

    def probability(self) -> Floats:
        """P itself."""
        smaller = np.exp(self.smaller)
        return np.where(self.complement, 1 - smaller, smaller)

    def log(self) -> Floats:
        """Natural logarithm of P."""
        return np.where(self.complement, np.log1p(-np.exp(self.smaller)), self.smaller)

    def log_of_not(self) -> Floats:
        """Natural logarithm of 1 - P."""
        return np.where(self.complement, self.smaller, np.log1p(-np.exp(self.smaller)))

    def log10(self) -> Floats:
        """Logarithm of P to base 10."""
        return self.log() / math.log(10)


def either(log: ArrayLike, log_of_not: ArrayLike) -> Tail:
    """The probability of which both logarithms are known."""
    log, log_of_not = np.asarray(log, dtype=float), np.asarray(log_of_not, dtype=float)
    return Tail(np.minimum(log, log_of_not), log_of_not < log)


def mixture(log_weights: Floats, tail: Tail) -> Tail:
    """Probabilities averaged over the last axis, with weights that add up to 1."""
    return either(logsumexp(log_weights + tail.log(), axis=-1), logsumexp(log_weights + tail.log_of_not(), axis=-1))


def at_least(log_probability: Floats, least: int) -> Tail:
    """P(number >= least) from the logarithms of P(0), P(1), ..."""
    above, below = log_probability[least:], log_probability[:least]
    return either(*(logsumexp(part) if len(part) else -np.inf for part in (above, below)))


def at_least_once(tail: Tail, trials: Counts) -> Tail:
    """P(an event of this probability happens in one or more of `trials`) = 1 - (1 - P)^trials."""
    log_of_not = trials * tail.log_of_not()
    rare = log_of_not > -1e-16  # then the sum of the trials' probabilities, which may be too small for a double
    happens = np.log(-np.expm1(np.where(rare, -1.0, log_of_not)))
    return either(np.where(rare, np.log(trials) + tail.log(), happens), log_of_not)


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
    silent = n - a - s
    sum_of_ratios = _relative_tail(start, lambda b: (a - b) * (s - b) / np.maximum((b + 1) * (silent + b + 1), 1))
    log_tail = _log_probability(n, a, s, start) + np.log(sum_of_ratios)
    return Tail(np.where(b <= np.minimum(a, s), log_tail, -np.inf), complement)


def binomial_tail(trials: ArrayLike, chance: ArrayLike, least: ArrayLike) -> Tail:
    """P(events >= least) of independent `trials` with a `chance` from 0 to 1 each, broadcast."""
    s, q, b = (np.array(x) for x in np.broadcast_arrays(trials, chance, least))
    complement = 2 * b - 1 <= 2 * s * q  # below the mean: count the trials without an event
    p = np.where(complement, q, 1 - q)  # of the trial that is not counted
    q = np.where(complement, 1 - q, q)
    b = np.where(complement, s - b + 1, b)
    start = np.minimum(b, s)
    odds = np.divide(q, p, out=np.zeros(q.shape), where=p > 0)
    sum_of_ratios = _relative_tail(start, lambda b: (s - b) / (b + 1) * odds)
    excess = start - s * q
    deviance = _deviance(start, s * q, excess) + _deviance(s - start, s * p, -excess)
    rests = _stirling_rest(s) - _stirling_rest(start) - _stirling_rest(s - start)
    possible = (b <= s) & ((q > 0) | (b == 0))
    return Tail(np.where(possible, rests - deviance + np.log(sum_of_ratios), -np.inf), complement)


def log_overlap_probability(population: ArrayLike, active: ArrayLike, drawn: ArrayLike, shared: ArrayLike) -> Floats:
    """log P(exactly `shared` cells), broadcast over int64 counts with active, drawn <= population."""
    n, a, s, b = (np.array(x) for x in np.broadcast_arrays(population, active, drawn, shared))
    nearest = np.clip(b, np.maximum(a + s - n, 0), np.minimum(a, s))
    return np.where(nearest == b, _log_probability(n, a, s, nearest), -np.inf)


def log_covered(population: int, watched: int, drawn: int, sets: int, already: ArrayLike = (0.0,)) -> Iterator[Floats]:
    """log P(c of `watched` cells lie in at least one random set of `drawn` cells), for 0, 1, .. `sets` sets.

    already: log P(c) before the first set; none of the cells, if left out.

    A Markov chain: a new set meets j of the watched cells that are still uncovered with hypergeometric
    probability. All terms are positive, so the errors of the logarithms, 1e-16 of each at a step, hardly grow.
    """
    already = np.asarray(already, dtype=float)
    states = min(watched, len(already) - 1 + sets * drawn) + 1
    covered, new = np.arange(states)[:, None], np.arange(min(watched, drawn) + 1)
    before = covered - new
    met = log_overlap_probability(population, watched - np.maximum(before, 0), drawn, new)
    step = np.where(before >= 0, met, -np.inf)
    log_probability = np.full(states, -np.inf)
    log_probability[: len(already)] = already
    yield log_probability
    for _ in range(sets):
        log_probability = logsumexp(log_probability[before] + step, axis=1)
        yield log_probability


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


def _relative_tail(start: Counts, ratio: Callable[[Floats], Floats]) -> Floats:
    """Sum of P(b) / P(start) over b >= start, from the ratio P(b + 1) / P(b); it falls, as start is above the mean."""
    b = start.astype(float)
    term = np.ones(b.shape)
    total = np.ones(b.shape)
    while np.any(term > 1e-18 * total):
        term = term * ratio(b)
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
