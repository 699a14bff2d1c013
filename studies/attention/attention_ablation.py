"""What does each effect of the astrocyte buy, against controls that the papers lack?

Softmax and linear attention, the astromorphic one, that with one effect less or more
(astromorph/models/attention_from_settings.py), linear attention times a gain, and no attention at all are trained on
the same budget, with the same seeds, first weights, batches and dropout, and with the same tuning: each takes the best
of the same multiples of the data set's learning rate, by the validation accuracy at the end of one training with a seed
of its own. The test part is read once by each training that counts, with the weights at its end.

The gain. Calcium that saturates divides by less than linear calcium does, so that an effect might be one of gain alone.
`linear-matched-gain` is linear attention times a constant: the size of the output of the trained astromorphic attention
of the same seed over what it would be with linear calcium (root mean squares over the validation inputs, same queries,
keys and values). Measured at the end of training rather than its beginning, it is the gain the model has come to work
with. `linear-exponent-gain` is matched so to the exponent 0.25 of the sum as Mia, Bal and Sengupta (2025) print it.

Intervals are those of Student's t over the seeds, 95 %, for differences and ratios to linear attention over the pairs
of one seed (ratios in logarithms).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from astromorph.data.locations import data_root
from astromorph.settings.checks import check_at_least, check_seed
from biophys.simulation.progress import progress
from studies.attention.ablation_figure import draw
from studies.attention.ablation_table import printed, table
from studies.attention.ablation_trainings import BUDGETS, CONDITIONS, MATCHED, Budget, settings_of, trained
from studies.kept import open_parts
from studies.numerals import counted
from studies.seed_intervals import interval, interval_meanings, with_intervals
from studies.study import Meaning, check_lists, labelled
from studies.trainings import Trained, check_factors, first_crossing

__all__ = ["draw", "printed", "simulate", "table"]

BASELINE = "linear"
MEANINGS: dict[str, Meaning] = {
    "data_set": "data set",
    "condition": "attention",
    "repetition": "training with a seed of its own",
    "part": "number of a validation",
    "epoch": "epochs trained at a validation",
    "target": "validation accuracy whose first crossing is measured",
    "test_accuracy": "test accuracy with the weights at the end",
    "validation_accuracy": "validation accuracy",
    "epochs_to_target": "epochs until the validation accuracy reaches the target",
    "gain": "size of attention's output over that with linear calcium, at the end",
    "given_gain": "constant by which attention is multiplied",
    "learning_rate": "learning rate chosen by validation",
    "parameters": "weights that are learned",
    "seconds": ("s", "time of the training steps on one core, which other work may have shared"),
    **interval_meanings("test_accuracy", "test accuracy with the weights at the end"),
    **interval_meanings("epochs_to_target", "epochs until the validation accuracy reaches the target"),
    **interval_meanings("difference", "test accuracy less that of linear attention, paired by seed"),
    **interval_meanings("ratio", "epochs to the target over those of linear attention, paired by seed"),
}


def simulate(
    data_sets: Sequence[str] = ("digits", "imdb", "cifar10"),
    *,
    data: Path | None = None,
    seeds: int | None = None,
    epochs: float | None = None,
    evaluations: int | None = None,
    target: float | None = None,
    learning_rates: Sequence[float] = (0.5, 1.0, 2.0),
    conditions: Sequence[str] = tuple(CONDITIONS),
    seed: int = 0,
    parts: Path = Path("attention-ablation.parts"),
) -> xr.Dataset:
    """Tune and train every condition on every data set; finished trainings are kept, and the command goes on there.

    Args:
        data_sets: digits, imdb, cifar10, or some of them, in this order.
        data: folder that holds the data sets; else ASTROMORPH_DATA, else the user's cache folder.
        seeds: trainings of each condition; 3, or 8 of digits, if left out.
        epochs: passes through the training part, of which there may be less than one; 2, 0.6 and 20 if left out.
        evaluations: validations an epoch; 8, 10 and 1 if left out.
        target: validation accuracy whose first crossing is measured in epochs; 0.85, 0.6 and 0.85 if left out.
        learning_rates: multiples of the data set's learning rate that are tried.
        conditions: attentions; linear is always among them.
        seed: of the first training.
        parts: folder that keeps finished trainings.

    Returns accuracies with dims data_set, condition, repetition (and part), means and intervals without repetition.
    Raises OSError or ValueError in one sentence for bad input.
    """
    check_seed(seed)
    changes = {"seeds": seeds, "epochs": epochs, "evaluations": evaluations, "target": target}
    check_lists(data_sets=data_sets)
    budgets = [_budget(name, changes) for name in dict.fromkeys(data_sets)]
    chosen = _chosen(conditions)
    check_factors(learning_rates)
    for budget in budgets:
        for condition in chosen:
            settings_of(condition, budget, seed, 1.0)  # what is wrong with them is said before anything is trained
    root, factors = data_root(data), sorted(set(map(float, learning_rates)))
    results = []
    for budget in budgets:
        folder = parts / budget.data_set
        open_parts(folder, _plan(budget, factors, seed))
        results.append(_of_data_set(_trainings(budget, chosen, factors, seed, root, folder), budget))
    dataset = xr.concat(results, "data_set", join="outer")
    dataset = dataset.assign_coords(data_set=[budget.data_set for budget in budgets])
    return labelled(dataset, MEANINGS, _attributes(budgets, factors, seed))


def _budget(name: str, changes: Mapping[str, Any]) -> Budget:
    """The data set's budget with what is asked in its place. ValueError if it leaves nothing to do."""
    if name not in BUDGETS:
        raise ValueError(f"data set {name!r} is not used here; use {', '.join(BUDGETS)}")
    budget = BUDGETS[name]._replace(**{field: value for field, value in changes.items() if value is not None})
    check_at_least(1, seeds=budget.seeds, evaluations=budget.evaluations)
    if not 0 < budget.epochs < np.inf:
        raise ValueError(f"epochs {budget.epochs:g} train nothing; use a number above 0")
    if not 0 < budget.target < 1:
        raise ValueError(f"target {budget.target:g} is a share; use a number between 0 and 1")
    return budget


def _chosen(conditions: Sequence[str]) -> list[str]:
    """The conditions in their order, with the baseline and those whose gain others have."""
    for name in conditions:
        if name not in CONDITIONS:
            raise ValueError(f"condition {name!r} is not known; use some of {', '.join(CONDITIONS)}")
    wanted = {*conditions, BASELINE, *(MATCHED[name] for name in conditions if name in MATCHED)}
    return [name for name in CONDITIONS if name in wanted]


def _plan(budget: Budget, factors: Sequence[float], seed: int) -> dict[str, Any]:
    """What a folder of finished trainings is begun for; the budget's changes name settings that came after 0.4.0."""
    settings = asdict(settings_of("astromorphic", budget, seed, 1.0))
    del settings["rule"]
    return {"settings": settings, **budget._asdict(), "learning_rates": factors, "seed": seed}


class Row(NamedTuple):
    """A condition's trainings, one a seed."""

    learning_rate: float
    given_gains: list[float]
    runs: list[Trained]


def _trainings(
    budget: Budget, conditions: Sequence[str], factors: Sequence[float], seed: int, root: Path, folder: Path
) -> dict[str, Row]:
    """Tuning of every condition, then every condition with every seed; all conditions of a seed before the next."""
    tuned = len(factors) if len(factors) > 1 else 0
    runs: dict[tuple[str, int], Trained] = {}
    best = dict.fromkeys(conditions, factors[0])
    given: dict[tuple[str, int], float] = {}

    def run(condition: str, number: int, factor: float) -> Trained:
        final = number < budget.seeds
        own = budget if final else budget._replace(epochs=budget.epochs / 2)
        source = MATCHED.get(condition)
        given[condition, number] = 1.0 if source is None else runs[source, number].measured["gain"]
        settings = settings_of(condition, own, seed + number, given[condition, number], factor)
        name = f"{condition}-seed{settings.seed}" + ("" if final else f"-rate{factor:g}")
        bar.set_postfix_str(name)
        result = trained(name, settings, own, root, folder, test=final)
        bar.update()
        return result

    with progress(total=len(conditions) * (tuned + budget.seeds), desc=budget.data_set, unit="run") as bar:
        for condition in conditions if tuned else ():
            tries = {factor: run(condition, budget.seeds, factor) for factor in factors}
            best[condition] = max(tries, key=lambda factor: tries[factor].validation[-1])
            runs[condition, budget.seeds] = tries[best[condition]]
        for number in range(budget.seeds):
            for condition in conditions:
                runs[condition, number] = run(condition, number, best[condition])
    numbers = range(budget.seeds)
    rate = lambda name: settings_of(name, budget, seed, 1.0, best[name]).learning_rate
    return {
        name: Row(rate(name), [given[name, k] for k in numbers], [runs[name, k] for k in numbers])
        for name in conditions
    }


def _of_data_set(rows: Mapping[str, Row], budget: Budget) -> xr.Dataset:
    """What was measured, with means, differences and their intervals."""
    each = lambda read: [[read(run) for run in row.runs] for row in rows.values()]
    parts = len(rows[BASELINE].runs[0].validation)
    epoch = np.arange(1, parts + 1) / budget.evaluations
    two = ("condition", "repetition")
    found = xr.Dataset(
        {
            "test_accuracy": (two, each(lambda run: run.test_accuracy)),
            "validation_accuracy": ((*two, "part"), each(lambda run: run.validation)),
            "epochs_to_target": (two, each(lambda run: first_crossing(epoch, np.array(run.validation), budget.target))),
            "gain": (two, each(lambda run: run.measured["gain"])),
            "given_gain": (two, [row.given_gains for row in rows.values()]),
            "learning_rate": ("condition", [row.learning_rate for row in rows.values()]),
            "parameters": ("condition", [row.runs[0].measured["parameters"] for row in rows.values()]),
            "seconds": (two, each(lambda run: run.measured["seconds"])),
            "target": budget.target,
            "epoch": ("part", epoch),
        },
        {"condition": list(rows), "repetition": np.arange(budget.seeds), "part": np.arange(1, parts + 1)},
    )
    accuracy, learned = found.test_accuracy, np.log(found.epochs_to_target)
    return with_intervals(
        found,
        test_accuracy=interval(accuracy),
        epochs_to_target=interval(found.epochs_to_target),
        difference=interval(accuracy - accuracy.sel(condition=BASELINE)),
        ratio=[xr.apply_ufunc(np.exp, end) for end in interval(learned - learned.sel(condition=BASELINE))],
    )


def _attributes(budgets: Sequence[Budget], factors: Sequence[float], seed: int) -> dict[str, Any]:
    tried = ", ".join(f"{factor:g}" for factor in factors)
    budget = "; ".join(
        f"{each.data_set} {each.epochs:g} epoch{'s' * (each.epochs != 1)}, {counted(each.seeds, 'seed')}"
        for each in budgets
    )
    return {
        "study": "attention-ablation",
        "title": "What each effect of the astrocyte buys, beside controls",
        "source": "Mia, Bal and Sengupta (2025), IEEE TCDS: Table I and section IV-C4",
        "caption": (
            f"Trained alike: {budget}; multiples of the learning rate tried for each: {tried}. Means and 95 % "
            "intervals (Student's t) over pairs of one seed, against linear attention. Epochs to a validation "
            "accuracy of "
            + ", ".join(f"{100 * each.target:g} % ({each.data_set})" for each in budgets)
            + "; no mark where a seed does not reach it. Curves: means over seeds."
        ),
        "seed": seed,
        "learning_rates": tried,
        **{f"changes_{each.data_set}": json.dumps(dict(each.changes)) for each in budgets},
    }
