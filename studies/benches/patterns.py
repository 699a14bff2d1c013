"""How many comparisons of a random pattern with a segment fit into a second, and what sets the limit?

Every method draws patterns and counts matches as for Figure 4A of Ahmad and Hawkins (2016; 24 synapses, threshold 12).
"plain NumPy" is the loop one writes first: draw a pattern, look its cells up on the segment, count; with a new segment
for every 500 patterns, as in the published simulations. "numbers alone" draws as many random numbers as there are cells
in the patterns and segments and does nothing with them, which no program that draws can beat: once with a pattern for
each comparison, as in the loop, and once for the blocks of biophys/patterns/sampling.py, where segments share patterns.
"""

import time
from collections.abc import Callable

import joblib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from astromorph.settings.checks import check_seed
from biophys.patterns.sampling import LAID_OVER, FalseMatches, sample
from studies.benches.comparison import draw_bars

PLAIN = "plain NumPy loop"
NUMBERS = "numbers alone, a pattern each"
BLOCKS = "numbers alone, in blocks"
OURS = "astromorph"
SHARED = 500  # patterns that meet one segment in the plain loop
LONG_ENOUGH = 1.0  # seconds
AT_ONCE = 2**16  # random numbers


def bench(
    population: int = 1900,
    *,
    active: int = 256,
    synapses: int = 24,
    threshold: int = 12,
    comparisons: int = 100_000_000,
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
        jobs: processes of the last line; -1 for one a core.
        seed: of all that is drawn.

    Returns the columns method, processes, comparisons, matches, seconds, per_second, ratio (to the plain loop).
    """
    check_seed(seed)
    question = FalseMatches(population, active, synapses)
    question.probability(threshold)
    each = active + synapses / SHARED
    shared = active / LAID_OVER + synapses * LAID_OVER / question.block  # numbers drawn for a comparison
    methods: dict[str, Callable[[int], int]] = {
        PLAIN: lambda count: count_plainly(question, threshold, count, seed),
        NUMBERS: lambda count: _draw_numbers(population, round(each * count), seed),
        BLOCKS: lambda count: _draw_numbers(population, round(shared * count), seed),
    }
    rows = [(method, 1, *_long_enough(run)) for method, run in methods.items()]
    for processes in sorted({1, joblib.effective_n_jobs(jobs)}):
        start = time.perf_counter()
        (found,) = sample([question], comparisons, seed=seed, jobs=processes)
        taken = time.perf_counter() - start
        rows.append((OURS, processes, comparisons, int(found.matches(threshold)), taken))
    frame = pd.DataFrame(rows, columns=["method", "processes", "comparisons", "matches", "seconds"])
    per_second = frame.comparisons / frame.seconds
    return frame.assign(per_second=per_second, ratio=per_second / per_second[0])


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


def _long_enough(run: Callable[[int], int]) -> tuple[int, int, float]:
    """Comparisons, matches and seconds of the first of ever longer runs that takes LONG_ENOUGH."""
    comparisons = SHARED
    while True:
        start = time.perf_counter()
        matches = run(comparisons)
        taken = time.perf_counter() - start
        if taken > LONG_ENOUGH:
            return comparisons, matches, taken
        comparisons *= 4


def draw(frame: pd.DataFrame) -> Figure:
    """Comparisons a second, a bar a method, on a logarithmic axis."""
    names = [f"{row.method}, {row.processes} process{'es' * (row.processes > 1)}" for row in frame.itertuples()]
    label = "comparisons of a pattern with a segment per second"
    return draw_bars(frame.per_second, names, "{:.2g}", frame.method == OURS, label, row=0.35, room=4)
