"""Random patterns, really drawn: the questions of `patterns.py` answered by counting.

Active cells and synapses are drawn as sets, patterns are laid over segments, and the synapses that see their
cell fire are counted, in integers; nothing here knows the laws that `patterns.py` puts to the test. What is
kept is how often each overlap occurred, which answers for every threshold at once.

Comparisons come in blocks, in which many segments meet many patterns, each with each. They share segments and
patterns, and yet the count of matches has the mean, variance and skewness of independent comparisons. All sets
of one size are alike: whatever the pattern, a random segment matches it with the same probability p, and the
other way round. So comparisons that hang together without a ring are independent: take a set that only one of
them uses; whatever the others say, that one is a match with probability p; leave it out, and go on. The
smallest ring has four comparisons, two patterns with two segments, and enters no moment before the fourth, to
which it adds little. Where the size of a set varies, as that of a union does, sets are not alike: such a set is
used once, and all comparisons are independent.

A chunk of blocks has a seed of its own, made of the question, the seed and the chunk's number. The result
depends neither on the number of processes nor on what was kept from an earlier call.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import joblib
import numpy as np
from numpy.random import Generator, SeedSequence, default_rng
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from biophys.patterns.overlap import Counts, Floats
from biophys.patterns.theory import missed_match_probability, union_false_match_probability
from biophys.simulation.progress import progress
from biophys.simulation.seeds import check_seed
from biophys.simulation.whole_files import whole
from biophys.simulation.workers import ending_with_this

COLUMNS = 2048  # sets in a table
LAID_OVER = 256  # sets that are laid over a table if those of the table may be used again
MOST_BYTES = 2**24  # of a table: it has fewer columns where the population is large
BLOCKS = 8  # of a chunk
MOST_CHUNKS = 500_000
FEW_CHUNKS = 4  # are counted in this process


class Found(NamedTuple):
    """How often each overlap 0, 1, 2, .. occurred."""

    overlaps: Counts

    @property
    def comparisons(self) -> int:
        return int(self.overlaps.sum())

    def matches(self, threshold: ArrayLike) -> Counts:
        """Comparisons with an overlap of at least `threshold`."""
        at_least = np.append(self.overlaps[::-1].cumsum()[::-1], 0)
        return at_least[np.minimum(threshold, len(self.overlaps))]

    def misses(self, threshold: ArrayLike) -> Counts:
        """Comparisons with a smaller overlap."""
        return self.comparisons - self.matches(threshold)


class Question(Protocol):
    """What is drawn and compared."""

    @property
    def block(self) -> int:
        """Comparisons in a block."""

    def overlaps(self, chance: Generator) -> NDArray[np.integer]:
        """Their overlaps, flat."""

    def errors(self, found: Found, threshold: ArrayLike) -> Counts:
        """How many of the comparisons went wrong at a threshold: the misses, if nothing else is said."""
        return found.misses(threshold)

    def probability(self, threshold: ArrayLike) -> Floats:
        """The exact theory of that."""


@dataclass(frozen=True)
class FalseMatches(Question):
    """Random patterns against segments, each with the union of `stored` sets of `synapses`."""

    population: int
    active: int
    synapses: int
    stored: int = 1

    def __post_init__(self) -> None:
        _columns(self.population)
        self.probability(0)  # refuses what is impossible

    @property
    def block(self) -> int:
        return _columns(self.population) * (LAID_OVER if self.stored == 1 else 1)

    def overlaps(self, chance: Generator) -> NDArray[np.integer]:
        table = np.zeros((self.population, _columns(self.population)), np.min_scalar_type(self.stored))
        if self.stored == 1:  # patterns, that meet every segment
            draw_sets(chance, table, self.active)
            segments = draw_sets(chance, np.zeros((self.population, LAID_OVER), np.uint8), self.synapses)
            return laid_over(table, segments.T)
        for mark in range(1, self.stored + 1):  # unions, that meet one pattern
            draw_sets(chance, table, self.synapses, mark)
        pattern = chance.choice(self.population, self.active, replace=False, shuffle=False)
        return laid_over(table, pattern[None])

    def errors(self, found: Found, threshold: ArrayLike) -> Counts:
        return found.matches(threshold)

    def probability(self, threshold: ArrayLike) -> Floats:
        return union_false_match_probability(self.population, self.active, self.synapses, threshold, self.stored)


@dataclass(frozen=True)
class MissedMatches(Question):
    """A stored pattern with `lost` of its active cells swapped for others, against segments that sample it.

    The others are cells that were silent ("swap"), or any that are silent once the lost ones are ("readd").
    """

    population: int
    active: int
    synapses: int
    lost: int
    law: Literal["swap", "readd"] = "swap"

    def __post_init__(self) -> None:
        _columns(self.population)
        self.probability(0)
        silent = self.population - self.active
        if self.law == "swap" and self.lost > silent:
            raise ValueError(f"{self.lost} active cells cannot be swapped for {silent} silent ones; lose fewer")

    @property
    def block(self) -> int:
        return _columns(self.population) * (LAID_OVER if self.law == "swap" else 1)

    def overlaps(self, chance: Generator) -> NDArray[np.integer]:
        columns, lost = _columns(self.population), self.lost
        stored, silent = np.split(chance.permutation(self.population), [self.active])
        noisy = np.zeros((self.population, columns), np.uint8)
        noisy[stored] = 1
        column = np.arange(columns)
        off = stored[draw_sets(chance, np.zeros((self.active, columns), np.uint8), lost)]
        noisy[off, column] = 0
        free = len(silent) + (lost if self.law == "readd" else 0)
        rows = draw_sets(chance, np.zeros((free, columns), np.uint8), lost)
        on = np.append(silent, np.zeros(lost, np.intp))[rows]
        step, at = np.nonzero(rows >= len(silent))  # one of the lost cells fires again
        on[step, at] = off[rows[step, at] - len(silent), at]
        noisy[on, column] = 1
        segments = draw_sets(chance, np.zeros((self.active, self.block // columns), np.uint8), self.synapses)
        return laid_over(noisy, stored[segments.T])

    def probability(self, threshold: ArrayLike) -> Floats:
        return missed_match_probability(
            self.active, self.synapses, threshold, self.lost, law=self.law, population=self.population
        )


@dataclass(frozen=True)
class FailingSynapses(Question):
    """A stored pattern against segments whose synapses fail by themselves with the probability `failure`."""

    synapses: int
    failure: float
    block = COLUMNS * LAID_OVER

    def __post_init__(self) -> None:
        self.probability(0)

    def overlaps(self, chance: Generator) -> NDArray[np.integer]:
        left = np.zeros(self.block, np.min_scalar_type(self.synapses))
        for _ in range(self.synapses):
            left += chance.random(self.block) >= self.failure
        return left

    def probability(self, threshold: ArrayLike) -> Floats:
        return missed_match_probability(self.synapses, self.synapses, threshold, self.failure, law="failure")


# Drawing and comparing


def draw_sets(chance: Generator, table: NDArray[np.integer], size: int, mark: int = 1) -> NDArray[np.intp]:
    """Draws a set of `size` rows for each column of `table`, uniform over all such sets, and marks its cells there.

    R. W. Floyd's method (Bentley and Floyd, Commun ACM 30:754, 1987) for all columns in step: draw among the first
    r rows, take row r instead if that one is in the set already, and go on to r + 1. Cells must not hold `mark`
    before. Returns the rows, of shape (size, columns).
    """
    rows, columns = table.shape
    cells, column = table.reshape(-1), np.arange(columns)
    drawn = np.empty((size, columns), np.intp)
    for step, last in enumerate(range(rows - size, rows)):
        open_row = chance.integers(0, last + 1, columns)
        row = np.where(cells[open_row * columns + column] == mark, last, open_row)
        cells[row * columns + column] = mark
        drawn[step] = row
    return drawn


def laid_over(table: NDArray[np.integer], sets: NDArray[np.integer]) -> NDArray[np.integer]:
    """How many cells of each set, a row of `sets`, are marked in each column of the table; flat, sets slowest."""
    marked = table if table.max(initial=0) <= 1 else table > 0
    overlaps = np.empty((len(sets), table.shape[1]), np.min_scalar_type(sets.shape[1]))
    for number, cells in enumerate(sets):
        np.add.reduce(marked[cells], axis=0, dtype=overlaps.dtype, out=overlaps[number])
    return overlaps.reshape(-1)


def _columns(population: int) -> int:
    if population > MOST_BYTES:
        raise ValueError(f"population {population} is too large to draw from; use at most {MOST_BYTES}, or the theory")
    return min(COLUMNS, MOST_BYTES // max(population, 1))


# Counting


def sample(
    questions: Sequence[Question],
    comparisons: int | Sequence[int],
    *,
    seed: int = 0,
    jobs: int = -1,
    parts: Path | None = None,
) -> list[Found]:
    """Draws and compares, `comparisons` times for each question.

    Args:
        comparisons: one number for all questions, or one each.
        seed: of all chance; the same seed gives the same counts, whatever `jobs` is.
        jobs: processes; -1 for one a core.
        parts: folder that keeps the counts of finished chunks. Stopped at any moment, the same call goes on from
            them; a call for more comparisons with the same seed begins with them.

    Shows progress. Raises ValueError in one sentence for bad input.
    """
    asked = [comparisons] * len(questions) if isinstance(comparisons, int) else list(comparisons)
    for number in asked:
        if number < 1:
            raise ValueError(f"{number} comparisons count nothing; use at least 1")
    check_seed(seed)
    _check_chunks(questions, asked)
    chunks = [_chunks(question, number) for question, number in zip(questions, asked, strict=True)]
    kept = _Kept(parts, questions, seed)
    waiting = [
        (place, number, size)
        for place, sizes in enumerate(chunks)
        for number, size in enumerate(sizes)
        if not kept.has(place, number, size)
    ]
    run = joblib.Parallel(jobs if len(waiting) > FEW_CHUNKS else 1, return_as="generator_unordered", batch_size=1)
    tasks = (joblib.delayed(_count)(questions[place], seed, place, *chunk) for place, *chunk in waiting)
    done = sum(asked) - sum(size for *_, size in waiting)
    try:
        with progress(total=sum(asked), initial=done, unit="", unit_scale=True) as bar:
            for place, number, overlaps in run(ending_with_this(tasks)):
                kept.put(place, number, overlaps)
                bar.update(sum(overlaps))
    except KeyboardInterrupt as interruption:
        told = (
            "nothing was written" if parts is None else f"what is counted is kept in {parts}; the same command goes on"
        )
        raise KeyboardInterrupt(told) from interruption
    return [kept.found(place, len(sizes)) for place, sizes in enumerate(chunks)]


def wilson_interval(events: ArrayLike, trials: ArrayLike, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Ends of the score interval for the probability of an event that occurred in `events` of `trials`.

    E. B. Wilson, J Am Stat Assoc 22:209 (1927). It stays within 0 and 1, also if no event was seen. Its lower end is
    too high for one or two events at a confidence far above 0.95.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} is no probability between 0 and 1; use one such as 0.95")
    k, n = np.asarray(events, dtype=float), np.asarray(trials, dtype=float)
    z = ndtri((1 + confidence) / 2)
    middle, half = k + z**2 / 2, z * np.sqrt(k * (n - k) / n + z**2 / 4)
    low, high = (middle - half) / (n + z**2), (middle + half) / (n + z**2)
    return np.where(k == 0, 0.0, low)[()], np.where(k == n, 1.0, high)[()]


def _count(question: Question, seed: int, place: int, number: int, size: int) -> tuple[int, int, list[int]]:
    """How often each overlap occurs in one chunk of `size` comparisons."""
    chance = default_rng(SeedSequence([seed, int.from_bytes(_name(question).encode())], spawn_key=(number,)))
    overlaps = np.zeros(0, np.int64)
    while size:
        block = np.bincount(question.overlaps(chance)[:size], minlength=len(overlaps))
        block[: len(overlaps)] += overlaps
        size -= int(block.sum() - overlaps.sum())
        overlaps = block
    return place, number, overlaps.tolist()


def _chunks(question: Question, comparisons: int) -> list[int]:
    """Comparisons of each chunk."""
    full, rest = divmod(comparisons, BLOCKS * question.block)
    return [BLOCKS * question.block] * full + [rest] * (rest > 0)


def _check_chunks(questions: Sequence[Question], comparisons: Sequence[int]) -> None:
    """ValueError, before they are listed, for more chunks than can be kept apart."""
    for question, number in zip(questions, comparisons, strict=True):
        most = MOST_CHUNKS // len(questions) * BLOCKS * question.block
        if number > most:
            raise ValueError(f"{number:.12g} comparisons of a segment are too many; draw at most {most:.3g}")


def _name(question: Question) -> str:
    """The question with its numbers, for seeds and files."""
    return "-".join([type(question).__name__, *map(str, vars(question).values())])


class _Kept:
    """Chunks that are counted, by question and number; also in a folder if there is one, in a whole file a question."""

    def __init__(self, folder: Path | None, questions: Sequence[Question], seed: int) -> None:
        self.files = [None if folder is None else folder / f"{_name(one)}-seed-{seed}.json" for one in questions]
        self.chunks = [_read(file) if file is not None and file.is_file() else {} for file in self.files]

    def has(self, place: int, number: int, size: int) -> bool:
        return sum(self.chunks[place].get(str(number), [])) == size

    def put(self, place: int, number: int, overlaps: list[int]) -> None:
        self.chunks[place][str(number)] = overlaps
        file = self.files[place]
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            with whole(file) as part:
                part.write_text(json.dumps(self.chunks[place]), encoding="utf-8")

    def found(self, place: int, chunks: int) -> Found:
        counted = [self.chunks[place][str(number)] for number in range(chunks)]
        return Found(np.array([sum(each) for each in zip_longest(*counted, fillvalue=0)]))


def _read(file: Path) -> dict[str, list[int]]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is no file of counts; remove it") from error
