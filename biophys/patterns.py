"""The exact theory of sparse patterns on a dendritic segment.

Of `population` cells that could contact a segment, a pattern makes `active` fire. The segment holds
`synapses` contacts and gives an NMDA spike when at least `threshold` of them are active at once. How often
does a random pattern set it off (a false match), how often does its own pattern fail to when cells fall
silent (a missed match), and what happens when one segment stores the union of several patterns?

S. Ahmad and J. Hawkins, "How do neurons operate on sparse distributed representations?" (arXiv 1601.00720,
2016). Equation numbers are theirs: n = population, a = active, s = synapses, theta = threshold, M = patterns.
Patterns are uniform and independent, cells and synapses binary. Arguments broadcast; scalars give scalars.
"""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from biophys.overlap import Counts, Floats, overlap_probability, overlap_tail

MOST_CELLS = 10**9  # products of two counts stay exact in 64 bits


def overlap_count(population: int, active: int, synapses: int, overlap: int) -> int:
    """Number of patterns that touch exactly `overlap` synapses, C(s, b) C(n - s, a - b): Eq. 3, exact."""
    _checked_segment(population, active, synapses, 0)
    _counts(overlap=overlap)
    if overlap > active:
        return 0
    n, a, s, b = (int(x) for x in (population, active, synapses, overlap))
    return math.comb(s, b) * math.comb(n - s, a - b)


def false_match_probability(
    population: ArrayLike, active: ArrayLike, synapses: ArrayLike, threshold: ArrayLike
) -> Floats:
    """P(a random pattern touches at least `threshold` synapses): Eq. 4, the hypergeometric tail.

    Relative error below 1e-12 where a double holds the number; zero when threshold > active.
    """
    return overlap_tail(*_checked_segment(population, active, synapses, threshold)).probability()[()]


def log10_false_match_probability(
    population: ArrayLike, active: ArrayLike, synapses: ArrayLike, threshold: ArrayLike
) -> Floats:
    """Decimal logarithm of Eq. 4, good far below the smallest double; -inf for an impossible match."""
    return overlap_tail(*_checked_segment(population, active, synapses, threshold)).log10()[()]


def false_match_probability_of_many(
    population: ArrayLike, active: ArrayLike, synapses: ArrayLike, threshold: ArrayLike, segments: ArrayLike
) -> Floats:
    """P(at least one of `segments` independent segments matches a random pattern) = 1 - (1 - p)^M: Eq. 8.

    Eq. 9, M p, is an upper bound of it.
    """
    n, a, s, theta = _checked_segment(population, active, synapses, threshold)
    (m,) = _counts(segments=segments)
    _refuse(m < 1, "segments {} must be at least 1; a neuron without segments matches nothing", m)
    return -np.expm1(m * overlap_tail(n, a, s, theta).log_of_not())[()]


def missed_match_probability(active: ArrayLike, synapses: ArrayLike, threshold: ArrayLike, lost: ArrayLike) -> Floats:
    """P(the stored pattern no longer matches when `lost` of its active cells fall silent): Eq. 6.

    Whether other cells fire in their place does not matter: the segment has no synapse there. Each of the
    segment's synapses belongs to an active cell, so it misses when more than s - theta of them are lost.
    """
    a, s, theta, v = _counts(active=active, synapses=synapses, threshold=threshold, lost=lost)
    _refuse(s > a, "{} synapses are more than the {} active cells they sample; use at most that many", s, a)
    _refuse(v > a, "{} cells cannot be lost from {} active ones; lose at most that many", v, a)
    _refuse(theta > s, "threshold {} is above the {} synapses and never reached; lower it", theta, s)
    return overlap_tail(a, v, s, s - theta + 1).probability()[()]


# Choosing a threshold


def smallest_threshold(population: ArrayLike, active: ArrayLike, synapses: ArrayLike, false_match: ArrayLike) -> Counts:
    """Smallest threshold, at most `synapses`, with a false-match probability (Eq. 4) <= `false_match`.

    With more synapses than active cells the answer can be active + 1: a segment that no pattern sets off.
    """
    n, a, s, _ = _checked_segment(population, active, synapses, 0)
    n, a, s, limit = np.broadcast_arrays(n, a, s, np.asarray(false_match, dtype=float))
    _refuse(~((limit > 0) & (limit < 1)), "false_match {} is no probability between 0 and 1; try 1e-9", limit)
    too_few = overlap_tail(n, a, s, s).probability() > limit
    _refuse(too_few, "{} synapses cannot bring false matches down to {}; use more synapses", s, limit)
    below, enough = np.zeros_like(s), s.copy()  # the probability is 1 at threshold 0 and falls with it
    while np.any(enough - below > 1):
        middle = (below + enough) // 2
        good = overlap_tail(n, a, s, middle).probability() <= limit
        below, enough = np.where(good, below, middle), np.where(good, middle, enough)
    return enough[()]


class GridSummary(NamedTuple):
    """False-match probability over a grid of segments, one entry for each threshold."""

    median: Floats
    mean: Floats
    lowest: Floats
    highest: Floats


def false_match_over_grid(
    population: Sequence[int], sparsity: Sequence[float], synapses: Sequence[int], thresholds: Sequence[int]
) -> GridSummary:
    """Eq. 4 over every combination of population, active = round(sparsity * population), synapses: Figure 6.

    As in the paper, a segment whose threshold lies above its synapses counts with probability zero.
    """
    fraction = np.asarray(sparsity, dtype=float)
    _refuse(~((fraction >= 0) & (fraction <= 1)), "sparsity {} is no fraction between 0 and 1", fraction)
    n, theta = _counts(population=population, thresholds=thresholds)
    n = n[:, None, None]
    n, a, s, _ = _checked_segment(n, np.rint(fraction[:, None] * n), synapses, 0)
    p = overlap_tail(n, a, s, theta[:, None, None, None]).probability()
    p = p.reshape(len(theta), -1)
    return GridSummary(np.median(p, axis=1), p.mean(axis=1), p.min(axis=1), p.max(axis=1))


def optimal_threshold(
    population: Sequence[int],
    sparsity: Sequence[float],
    synapses: Sequence[int],
    thresholds: Sequence[int],
    false_match: float = 1e-9,
) -> int:
    """First of `thresholds` whose median false-match probability over the grid is at most `false_match`."""
    median = false_match_over_grid(population, sparsity, synapses, thresholds).median
    good = [int(t) for t, p in zip(thresholds, median, strict=True) if p <= false_match]
    if not good:
        raise ValueError(f"no threshold up to {max(thresholds)} reaches {false_match}; try higher ones")
    return min(good)


# Unions: one segment that stores several patterns


def union_size(population: ArrayLike, synapses: ArrayLike, patterns: ArrayLike) -> Floats:
    """Expected number of synapses of the union of `patterns` random sets, n (1 - (1 - s/n)^M): Eq. 13."""
    n, _, s, _ = _checked_segment(population, 0, synapses, 0)
    (m,) = _counts(patterns=patterns)
    some = -n * np.expm1(m * np.log1p(-np.where(s < n, s, 0) / n))
    return np.where(s < n, some, n * np.minimum(m, 1))[()]


def union_size_distribution(population: int, synapses: int, patterns: int) -> Floats:
    """P(union of k synapses), an array over k = 0 .. min(population, patterns * synapses), from scalars."""
    n, _, s, _ = (int(x) for x in _checked_segment(population, 0, synapses, 0))
    m = int(_counts(patterns=patterns)[0])
    return deque(_covered(n, n, s, m), maxlen=1).pop()


def union_false_match_probability(
    population: ArrayLike,
    active: ArrayLike,
    synapses: ArrayLike,
    threshold: ArrayLike,
    patterns: ArrayLike,
    method: Literal["exact", "mean_field"] = "exact",
) -> Floats:
    """P(a random pattern touches at least `threshold` synapses of a union of `patterns` sets of `synapses`).

    "mean_field" is Eq. 14: Eq. 4 with the expected union size (Eq. 13), rounded. "exact" lets the size vary:
    it equals Eq. 4 averaged over the distribution of union sizes; time ~ patterns * active * synapses.
    """
    checked = _checked_segment(population, active, synapses, threshold)
    n, a, s, theta, m = np.broadcast_arrays(*checked, *_counts(patterns=patterns))
    if method == "mean_field":
        return overlap_tail(n, a, np.rint(union_size(n, s, m)).astype(np.int64), theta).probability()[()]
    if method != "exact":
        raise ValueError(f'method "{method}" is unknown; use "exact" or "mean_field"')
    segments = np.stack([n, a, s], axis=-1).reshape(-1, 3)
    theta, m, result = theta.ravel(), m.ravel(), np.empty(n.size)
    for segment in np.unique(segments, axis=0):
        same = np.all(segments == segment, axis=1)
        cells, watched, drawn = (int(x) for x in segment)
        for stored, probability in enumerate(_covered(cells, watched, drawn, int(m[same].max()))):
            for i in np.flatnonzero(same & (m == stored)):
                result[i] = min(1.0, probability[theta[i] :].sum())
    return result.reshape(n.shape)[()]


def _covered(population: int, watched: int, synapses: int, patterns: int) -> Iterator[Floats]:
    """P(c of `watched` cells carry a synapse), for 0, 1, .. `patterns` stored patterns.

    A Markov chain: a new pattern of s synapses meets j of the watched cells that are still free with
    hypergeometric probability. Watching the a active cells of a random pattern gives its overlap with the
    union at once, without going through the size of the union; watching all n cells gives that size. All
    terms are positive, so the relative error grows by no more than 1e-15 per pattern (7e-13 after 1000).
    """
    states = min(watched, patterns * synapses) + 1
    covered, new = np.arange(states)[:, None], np.arange(min(watched, synapses) + 1)
    step = overlap_probability(population, watched - covered, synapses, new)
    probability = np.zeros(states)
    probability[0] = 1.0
    yield probability
    for _ in range(patterns):
        after = np.zeros(states)
        for j in new[:states]:
            after[j:] += probability[: states - j] * step[: states - j, j]
        probability = after
        yield probability


# The public door


def _checked_segment(
    population: ArrayLike, active: ArrayLike, synapses: ArrayLike, threshold: ArrayLike
) -> tuple[Counts, ...]:
    """The four counts as int64, or one sentence on what is impossible about them."""
    n, a, s, theta = _counts(population=population, active=active, synapses=synapses, threshold=threshold)
    _refuse((n < 1) | (n > MOST_CELLS), "population {} must lie between 1 and a billion", n)
    _refuse(a > n, "{} active cells do not fit into a population of {}; use fewer", a, n)
    _refuse(s > n, "{} synapses are more than a population of {} offers; use fewer", s, n)
    _refuse(theta > s, "threshold {} is above the {} synapses and never reached; lower it", theta, s)
    return n, a, s, theta


def _counts(**named: ArrayLike) -> tuple[Counts, ...]:
    """Each argument as int64; whole numbers written as floats pass, fractions and negative numbers do not."""
    result = []
    for name, given in named.items():
        values = np.asarray(given)
        if values.dtype.kind not in "iuf":
            raise ValueError(f"{name} {given!r} is not a number; give a count")
        whole = np.isfinite(values) & (values == np.rint(values)) & (values >= 0)
        _refuse(~whole, name + " {} is not a count; give a whole number of at least 0", values)
        result.append(values.astype(np.int64))
    return tuple(result)


def _refuse(wrong: ArrayLike, sentence: str, *values: ArrayLike) -> None:
    """Raise the sentence with the values at the first place where `wrong` is true."""
    if np.any(wrong):
        mask, *shown = np.broadcast_arrays(wrong, *values)
        first = tuple(np.argwhere(mask)[0])
        raise ValueError(sentence.format(*(x[first] for x in shown)))
