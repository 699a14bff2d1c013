"""The exact theory of sparse patterns on a dendritic segment.

Of `population` cells that could contact a segment, a pattern makes `active` fire. The segment holds
`synapses` contacts and gives an NMDA spike when at least `threshold` of them are active at once. How often
does a random pattern set it off (a false match), how often does its own pattern fail to when cells fall
silent (a missed match), and what happens when one segment stores the union of several patterns?

S. Ahmad and J. Hawkins, "How do neurons operate on sparse distributed representations?" (arXiv 1601.00720,
2016). Equation numbers are theirs: n = population, a = active, s = synapses, theta = threshold, M = patterns.
Patterns are uniform and independent, cells and synapses binary. Arguments broadcast; scalars give scalars.

Each question is a function that returns a `Tail`, and two that return numbers: `false_match` has
`false_match_probability`, with a relative error below 1e-12 wherever a double holds the number, and
`log10_false_match_probability`, good far below the smallest double and -inf for what cannot happen.
"""

import functools
import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple, ParamSpec

import numpy as np
from numpy.typing import ArrayLike

from biophys.patterns.overlap import (
    Counts,
    Floats,
    Tail,
    at_least,
    at_least_once,
    binomial_tail,
    log_covered,
    log_overlap_probability,
    mixture,
    overlap_tail,
)
from biophys.simulation.progress import progress

__all__ = [
    "BestThreshold",
    "GridSummary",
    "best_threshold",
    "false_match",
    "false_match_of_many",
    "false_match_over_grid",
    "false_match_probability",
    "false_match_probability_of_many",
    "log10_false_match_probability",
    "log10_false_match_probability_of_many",
    "log10_missed_match_probability",
    "log10_union_false_match_probability",
    "log10_union_missed_match_probability",
    "missed_match",
    "missed_match_probability",
    "optimal_threshold",
    "overlap_count",
    "smallest_threshold",
    "union_false_match",
    "union_false_match_probability",
    "union_missed_match",
    "union_missed_match_probability",
    "union_size",
    "union_size_distribution",
]

MOST_CELLS = 10**9  # products of two counts stay exact in 64 bits
MOST_DIGITS = 100_000  # of a number of patterns
MOST_ENTRIES = 10**7  # of an array that a question fills: two gigabytes with all that is computed on the way
MOST_TERMS = 10**11  # of a chain over unions: hours
BAR = "{l_bar}{bar}| {elapsed}<{remaining}"
TOO_LONG = "take longer than an hour or two; store fewer, or take the mean field (Eq. 14)"
Law = Literal["swap", "failure", "readd"]
Method = Literal["exact", "mean_field"]
Asked = ParamSpec("Asked")


def _scales(question: Callable[Asked, Tail]) -> tuple[Callable[Asked, Floats], Callable[Asked, Floats]]:
    """The functions that give the probability a question asks for, and its decimal logarithm."""

    @functools.wraps(question)
    def probability(*asked: Asked.args, **named: Asked.kwargs) -> Floats:
        return question(*asked, **named).probability()[()]

    @functools.wraps(question)
    def log10(*asked: Asked.args, **named: Asked.kwargs) -> Floats:
        return question(*asked, **named).log10()[()]

    signature = inspect.signature(question).replace(return_annotation=Floats)
    vars(probability)["__signature__"] = vars(log10)["__signature__"] = signature
    probability.__name__ = probability.__qualname__ = question.__name__.replace("_match", "_match_probability")
    log10.__name__ = log10.__qualname__ = f"log10_{probability.__name__}"
    log10.__doc__ = f"Decimal logarithm of this probability: {question.__doc__}"
    return probability, log10


# One segment


def overlap_count(population: int, active: int, synapses: int, overlap: int) -> int:
    """Number of patterns that touch exactly `overlap` synapses, C(s, b) C(n - s, a - b): Eq. 3, exact.

    ValueError for a number of more than 100,000 digits.
    """
    _checked_segment(population, active, synapses, 0)
    _counts(overlap=overlap)
    if overlap > active:
        return 0
    n, a, s, b = (int(x) for x in (population, active, synapses, overlap))
    digits = _digits_of_choices(s, b) + _digits_of_choices(n - s, a - b)
    if digits > MOST_DIGITS:
        raise ValueError(f"the number of patterns has {digits:,.0f} digits; ask where it has at most {MOST_DIGITS:,}")
    return math.comb(s, b) * math.comb(n - s, a - b)


def _digits_of_choices(things: int, chosen: int) -> float:
    """Decimal digits of C(things, chosen), about; 0 if there is no such choice."""
    if not 0 <= chosen <= things:
        return 0.0
    return (math.lgamma(things + 1) - math.lgamma(chosen + 1) - math.lgamma(things - chosen + 1)) / math.log(10)


def false_match(population: ArrayLike, active: ArrayLike, synapses: ArrayLike, threshold: ArrayLike) -> Tail:
    """P(a random pattern touches at least `threshold` synapses): Eq. 4 of Ahmad and Hawkins (2016).

    The tail of the hypergeometric law; zero when threshold > active.
    """
    return overlap_tail(*_checked_segment(population, active, synapses, threshold))


def false_match_of_many(
    population: ArrayLike, active: ArrayLike, synapses: ArrayLike, threshold: ArrayLike, segments: ArrayLike
) -> Tail:
    """P(at least one of `segments` independent segments matches a random pattern) = 1 - (1 - p)^M.

    Eq. 8 of Ahmad and Hawkins (2016), with p from Eq. 4; Eq. 9, M p, is an upper bound of it.
    """
    (m,) = _counts(segments=segments)
    _refuse(m < 1, "segments {} must be at least 1; a neuron without segments matches nothing", m)
    return at_least_once(false_match(population, active, synapses, threshold), m)


def missed_match(
    active: ArrayLike,
    synapses: ArrayLike,
    threshold: ArrayLike,
    lost: ArrayLike,
    *,
    law: Law = "swap",
    population: ArrayLike | None = None,
) -> Tail:
    """P(the stored pattern no longer reaches the threshold under noise). Every synapse sits on an active cell.

    The noise follows one of three laws:

    * "swap": exactly `lost` of the active cells fall silent, Eq. 6 of Ahmad and Hawkins (2016). Whether others
      fire in their place does not matter, for the segment has no synapse there. (For cells silenced anywhere in
      the population give that as `active`.)
    * "failure": each synapse fails by itself with the probability `lost`; binomially many are left.
    * "readd": `lost` active cells fall silent, then as many of all cells of the `population` that are now silent
      fire, those included. This is the noise of the authors' neuron simulations (run_noise_experiment.py);
      a hypergeometric number of the lost cells comes back, and Eq. 6 holds for the rest.
    """
    a, s, theta = _counts(active=active, synapses=synapses, threshold=threshold)
    _refuse(s > a, "{} synapses are more than the {} active cells they sample; use at most that many", s, a)
    _refuse(theta > s, "threshold {} is above the {} synapses and never reached; lower it", theta, s)
    enough = s - theta + 1  # lost synapses for a miss
    if law == "failure":
        chance = np.asarray(lost, dtype=float)
        _refuse(~((chance >= 0) & (chance <= 1)), "lost {} is no probability; give one from 0 to 1", chance)
        return binomial_tail(s, chance, enough)
    (v,) = _counts(lost=lost)
    _refuse(v > a, "{} cells cannot be lost from {} active ones; lose at most that many", v, a)
    if law == "swap":
        return overlap_tail(a, v, s, enough)
    if law != "readd":
        raise ValueError(f'law "{law}" is unknown; use "swap", "failure" or "readd"')
    if population is None:
        raise ValueError('law "readd" draws from all cells; give their number as population')
    n, a, _, _ = _checked_segment(population, a, 0, 0)
    n, a, s, v, enough = (x[..., None] for x in np.broadcast_arrays(n, a, s, v, enough))
    _refuse_large(v.size * (int(v.max(initial=0)) + 1), "lost cells")
    back = np.arange(v.max(initial=0) + 1)
    still_lost = overlap_tail(a, np.maximum(v - back, 0), s, enough)
    return mixture(log_overlap_probability(n - a + v, v, v, back), still_lost)


false_match_probability, log10_false_match_probability = _scales(false_match)
false_match_probability_of_many, log10_false_match_probability_of_many = _scales(false_match_of_many)
missed_match_probability, log10_missed_match_probability = _scales(missed_match)


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


class BestThreshold(NamedTuple):
    """A threshold with its two kinds of error."""

    threshold: Counts
    false_match: Floats
    missed_match: Floats


def best_threshold(
    population: ArrayLike, active: ArrayLike, synapses: ArrayLike, lost: ArrayLike, *, law: Law = "swap"
) -> BestThreshold:
    """The threshold from 1 to `synapses` with the least sum of false (Eq. 4) and missed matches at a stated noise.

    `lost` and `law` as for `missed_match_probability`. The smallest of several that are equally good.
    """
    n, a, s, _ = _checked_segment(population, active, synapses, 0)
    _refuse(s < 1, "{} synapses leave no threshold to choose; use at least 1", s)
    n, a, s, v = (x[..., None] for x in np.broadcast_arrays(n, a, s, np.asarray(lost)))
    _refuse_large(s.size * int(s.max(initial=1)), "synapses")
    theta = np.arange(1, s.max(initial=1) + 1)
    reached = np.minimum(theta, s)
    false, missed = overlap_tail(n, a, s, reached), missed_match(a, s, reached, v, law=law, population=n)
    both = np.where(theta <= s, np.logaddexp(false.log(), missed.log()), np.inf)
    best = np.argmin(both, axis=-1)[..., None]
    errors = (np.take_along_axis(tail.probability(), best, axis=-1)[..., 0][()] for tail in (false, missed))
    return BestThreshold(best[..., 0][()] + 1, *errors)


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
    _refuse_large(n.size * fraction.size * len(synapses) * theta.size, "segments and thresholds")
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
    _terms(n, s, m)
    *_, last = log_covered(n, n, s, m)
    return np.exp(last)


def union_false_match(
    population: ArrayLike,
    active: ArrayLike,
    synapses: ArrayLike,
    threshold: ArrayLike,
    patterns: ArrayLike,
    method: Method = "exact",
) -> Tail:
    """P(a random pattern touches at least `threshold` synapses of a union of `patterns` sets of `synapses`).

    "mean_field" is Eq. 14 of Ahmad and Hawkins (2016): Eq. 4 with the expected union size (Eq. 13), rounded.
    "exact" lets the size vary: it equals Eq. 4 averaged over the distribution of union sizes, without going
    through them, for the chain of `log_covered` follows the active cells alone. For a segment that sees several
    patterns at once exchange `active` and `synapses`. Time ~ patterns * active * synapses.
    """
    n, a, s, theta = _checked_segment(population, active, synapses, threshold)
    (m,) = _counts(patterns=patterns)
    if method == "mean_field":
        return overlap_tail(n, a, np.rint(union_size(n, s, m)).astype(np.int64), theta)
    if method != "exact":
        raise ValueError(f'method "{method}" is unknown; use "exact" or "mean_field"')
    return _after_sets(log_covered, (n, a, s), m, theta)


def union_missed_match(
    population: ArrayLike,
    active: ArrayLike,
    synapses: ArrayLike,
    threshold: ArrayLike,
    patterns: ArrayLike,
    lost: ArrayLike,
) -> Tail:
    """P(a segment with the union of `patterns` sets misses one of its patterns when `lost` cells are swapped).

    Synapses of the other patterns may lie on cells that fire instead of the lost ones, or still fire, and save
    the match; one pattern alone gives Eq. 6 of Ahmad and Hawkins (2016).
    """
    n, a, s, theta = _checked_segment(population, active, synapses, threshold)
    _refuse(s > a, "{} synapses are more than the {} active cells they sample; use at most that many", s, a)
    m, v = _counts(patterns=patterns, lost=lost)
    _refuse(m < 1, "patterns {} leave nothing to miss; store at least 1", m)
    _refuse(v > np.minimum(a, n - a), "{} cells cannot be swapped between {} active and {} silent ones", v, a, n - a)

    def covered(n: int, a: int, s: int, v: int, others: int) -> Iterator[Floats]:
        own = log_overlap_probability(a, a - v, s, np.arange(s + 1))  # synapses that still see their cell fire
        return log_covered(n, a, s, others, own)

    match = _after_sets(covered, (n, a, s, v), m - 1, theta)
    return Tail(match.smaller, ~match.complement)


union_false_match_probability, log10_union_false_match_probability = _scales(union_false_match)
union_missed_match_probability, log10_union_missed_match_probability = _scales(union_missed_match)


def _after_sets(
    chain: Callable[..., Iterator[Floats]], numbers: tuple[Counts, ...], sets: Counts, least: Counts
) -> Tail:
    """P(at least `least` cells covered) after `sets` steps of chain(*numbers, sets), broadcast.

    A chain runs once for all entries that share its numbers.
    """
    *broadcast, sets, least = np.broadcast_arrays(*numbers, sets, least)
    rows = np.stack(broadcast, axis=-1).reshape(-1, len(numbers))
    shape, sets, least = sets.shape, sets.ravel(), least.ravel()
    smaller, complement = np.empty(sets.size), np.empty(sets.size, dtype=bool)
    chains = [(row, np.all(rows == row, axis=1)) for row in np.unique(rows, axis=0)]
    terms = [_terms(int(row[1]), int(row[2]), int(sets[same].max())) for row, same in chains]
    if sum(terms) > MOST_TERMS:
        raise ValueError(f"unions of {sets.max():,} patterns {TOO_LONG}")
    with progress(total=len(terms), desc="unions", leave=False, delay=2.0, bar_format=BAR) as bar:
        for row, same in chains:
            steps = int(sets[same].max())
            for step, log_probability in enumerate(chain(*map(int, row), steps)):
                bar.update(step and 1 / steps)
                for i in np.flatnonzero(same & (sets == step)):
                    smaller[i], complement[i] = at_least(log_probability, least[i])
    return Tail(smaller.reshape(shape), complement.reshape(shape))


def _terms(watched: int, drawn: int, sets: int) -> float:
    """Terms that a chain over unions adds up. ValueError for one that fills the memory or takes days."""
    states = min(int(watched), int(sets) * int(drawn)) + 1
    _refuse_large(states * (min(int(watched), int(drawn)) + 1), "active cells and synapses")
    terms = float(sets) * states * min(watched, drawn)
    if terms > MOST_TERMS:
        raise ValueError(f"unions of {sets:,} patterns {TOO_LONG}")
    return terms


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


def _refuse_large(entries: int, what: str) -> None:
    """ValueError before an array of so many entries is made."""
    if entries > MOST_ENTRIES:
        raise ValueError(f"so many {what} need {entries:.3g} numbers at once; ask for at most {MOST_ENTRIES:.0e}")


def _refuse(wrong: ArrayLike, sentence: str, *values: ArrayLike) -> None:
    """Raise the sentence with the values at the first place where `wrong` is true."""
    if np.any(wrong):
        mask, *shown = np.broadcast_arrays(wrong, *values)
        first = tuple(np.argwhere(mask)[0])
        raise ValueError(sentence.format(*(x[first] for x in shown)))
