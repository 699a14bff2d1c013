"""How many comparisons of a random pattern with a segment fit into a second, and what sets the limit?

Every method draws patterns and counts matches as for Figure 4A of Ahmad and Hawkins (2016; 24 synapses, threshold 12).
"plain NumPy" is the loop one writes first: draw a pattern, look its cells up on the segment, count; with a new segment
for every 500 patterns, as in the published simulations. "numbers alone" draws as many random numbers as there are cells
in the patterns and segments and does nothing with them, which no program that draws can beat: once with a pattern for
each comparison, as in the loop, and once for the blocks of biophys/patterns/sampling.py, where segments share patterns.
Before anything is timed, the matches that the loop and the blocks count are compared with the exact law.
"""

import time
from collections.abc import Callable
from functools import partial
from statistics import median

import joblib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from astromorph.settings.checks import check_seed
from biophys.patterns.sampling import LAID_OVER, FalseMatches, sample
from studies.benches.comparison import draw_bars, refuse_few, say_how_long, take_turns
from studies.numerals import counted

PLAIN = "plain NumPy loop"
NUMBERS = "numbers alone, a pattern each"
BLOCKS = "numbers alone, in blocks"
OURS = "astromorph"
SHARED = 500  # patterns that meet one segment in the plain loop
LONG_ENOUGH = 1.0  # seconds
COMPARED, FEW = 4_000_000, 4_000  # comparisons in blocks and by the loop whose matches are compared with the law
AT_ONCE = 2**16  # random numbers


def bench(
    population: int = 1900,
    *,
    active: int = 256,
    synapses: int = 24,
    threshold: int = 12,
    comparisons: int = 100_000_000,
    repeats: int = 3,
    jobs: int = -1,
    seed: int = 0,
) -> pd.DataFrame:
    """Comparisons a second of each method.

    Args:
        population: cells that the segment could contact.
        active: cells of a pattern.
        synapses: of a segment.
        threshold: active synapses of a match.
        comparisons: drawn and counted by this project; the other methods run for a second or two.
        repeats: turns of each method, after one that does not count; their median is reported.
        jobs: processes of the last line; -1 for one a core.
        seed: of all that is drawn.

    Returns the columns method, processes, comparisons, matches, seconds (median), fastest, slowest, per_second, ratio
    (to the plain loop).
    """
    check_seed(seed)
    refuse_few(repeats=repeats, comparisons=comparisons)
    question = FalseMatches(population, active, synapses)
    question.probability(threshold)
    each = active + synapses / SHARED
    shared = active / LAID_OVER + synapses * LAID_OVER / question.block  # numbers drawn for a comparison
    methods: dict[tuple[str, int], Callable[[int], int]] = {
        (PLAIN, 1): lambda count: count_plainly(question, threshold, count, seed),
        (NUMBERS, 1): lambda count: _draw_numbers(population, round(each * count), seed),
        (BLOCKS, 1): lambda count: _draw_numbers(population, round(shared * count), seed),
    }
    for processes in sorted({1, joblib.effective_n_jobs(jobs)}):
        methods[OURS, processes] = partial(count_in_blocks, question, threshold, seed=seed, jobs=processes)
    a_comparison = compare_results(question, seed)
    taken = comparisons * a_comparison * (repeats + 1) * (len(methods) - 3) + 3 * (repeats + 3) * 2 * LONG_ENOUGH
    say_how_long(taken, f"{counted(len(methods), 'method')}, {counted(repeats, 'turn')} each", max(1, jobs))
    counts = {key: comparisons if key[0] == OURS else _long_enough(run) for key, run in methods.items()}
    turns = take_turns({key: partial(_timed, run, counts[key]) for key, run in methods.items()}, repeats)
    rows = []
    for key, several in turns.items():
        seconds = [taken for _, taken in several]
        rows.append((*key, counts[key], several[0][0], median(seconds), min(seconds), max(seconds)))
    columns = ["method", "processes", "comparisons", "matches", "seconds", "fastest", "slowest"]
    frame = pd.DataFrame(rows, columns=columns)
    per_second = frame.comparisons / frame.seconds
    return frame.assign(per_second=per_second, ratio=per_second / per_second[0])


def compare_results(question: FalseMatches, seed: int) -> float:
    """Seconds of a comparison in blocks. ValueError if more or fewer match than the exact law and chance let.

    A match is here an overlap that about every second comparison has.
    """
    threshold = max(1, round(question.active * question.synapses / question.population))
    blocks, taken = _timed(partial(count_in_blocks, question, threshold, seed=seed), COMPARED)
    plain = count_plainly(question, threshold, FEW, seed)
    probability = float(question.probability(threshold))
    for method, matches, comparisons in ((OURS, blocks, COMPARED), (PLAIN, plain, FEW)):
        expected, deviation = comparisons * probability, (comparisons * probability * (1 - probability)) ** 0.5
        if abs(matches - expected) > 6 * deviation + 1e-6 * comparisons:
            raise ValueError(
                f"{method}: {matches} of {comparisons} comparisons match and the law says {expected:.6g}, give or take "
                f"{deviation:.2g}, so nothing was timed; try another seed, and report it"
            )
    return taken / COMPARED


def count_in_blocks(question: FalseMatches, threshold: int, comparisons: int, seed: int, jobs: int = 1) -> int:
    """Matches among so many comparisons, as this project counts them."""
    (found,) = sample([question], comparisons, seed=seed, jobs=jobs)
    return int(found.matches(threshold))


def count_plainly(question: FalseMatches, threshold: int, comparisons: int, seed: int) -> int:
    """Matches among so many comparisons, as one would first write it."""
    chance = np.random.default_rng(seed)
    matches = 0
    for number in range(comparisons):
        if number % SHARED == 0:
            segment = np.zeros(question.population, dtype=bool)
            segment[chance.choice(question.population, question.synapses, replace=False)] = True
        pattern = chance.choice(question.population, question.active, replace=False)
        matches += int(segment[pattern].sum() >= threshold)
    return matches


def _draw_numbers(population: int, count: int, seed: int) -> int:
    chance = np.random.default_rng(seed)
    for _ in range(count // AT_ONCE):
        chance.integers(0, population, AT_ONCE)
    chance.integers(0, population, count % AT_ONCE)
    return 0


def _timed(run: Callable[[int], int], comparisons: int) -> tuple[int, float]:
    """Matches, and seconds."""
    start = time.perf_counter()
    return run(comparisons), time.perf_counter() - start


def _long_enough(run: Callable[[int], int]) -> int:
    """Comparisons of the first of ever longer runs that takes LONG_ENOUGH."""
    comparisons = SHARED
    while _timed(run, comparisons)[1] < LONG_ENOUGH:
        comparisons *= 4
    return comparisons


def draw(frame: pd.DataFrame) -> Figure:
    """Comparisons a second, a bar a method, on a logarithmic axis."""
    names = [f"{row.method}, {row.processes} process{'es' * (row.processes > 1)}" for row in frame.itertuples()]
    label = "comparisons of a pattern with a segment per second"
    return draw_bars(frame.per_second, names, "{:.2g}", frame.method == OURS, label, row=0.35, room=4)
