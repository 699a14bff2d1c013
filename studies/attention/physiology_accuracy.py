"""Does the physiology of the astrocyte reach the accuracy of a transformer trained with it?

In the amplitude- and the frequency-modulated cell of De Pitta, Goldberg, Volman, Berry & Ben-Jacob (J Biol Phys
35:383, 2009) the degradation of IP3 (Omega_5P) and the maximal pump rate into the reticulum (SERCA, O_P) are changed
one at a time. Every cell goes the whole way: tripartite synapses at many rates, a fitted calcium response, a training
with that response in the attention, and the accuracy on the test set, which is read once by each, with the weights at
the end.

A response that saturates divides the attention's output by less than linear attention does, so that a change of
accuracy might be one of gain alone. The control has nothing but the gain: ρ(x) = gain x, in gains around those which
the fitted responses have at the drive x that is typical (the median) of the models trained with them, ρ(x) / x.

What was found (IMDB, 128 tokens, 2 epochs, 2 seeds). Between a half and twice the published values mean calcium at high
rates differs 2-fold in the amplitude-modulated cell and 25-fold in the other, which falls silent at twice the SERCA
uptake. The fitted responses, divided by their own value at the reference rate, differ far less, and accuracy does not
differ at all: with one seed all 14 cells lie within 0.12 points of test accuracy, where two seeds of one cell are up to
0.11 apart; 85 % takes 1.00 to 1.02 epochs on average. Changing the gain alone four-fold moves accuracy from 86.77 to
86.89 %, as much or as little. The silent cell, whose response is nearly constant, does as well as any: on this task
the normaliser may do without an astrocyte that responds.

That the weights at the end are tested was decided after ten trainings of a first attempt, in which those of the best of
six validations differed more by the moment they came from than by the cell. Those trainings were thrown away.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from brian2 import second, umolar
from numpy.typing import ArrayLike

from astromorph.astrocyte import response_module
from astromorph.data.locations import data_root
from astromorph.settings import CalciumResponse
from astromorph.settings.checks import check_at_least
from biophys.simulation.progress import progress
from mapping.calcium_response import CalciumFit
from studies.attention.physiology_accuracy_figure import draw
from studies.attention.physiology_points import (
    RATES,
    Astrocyte,
    Plan,
    fitted,
    gain_only,
    settings_of,
    trained,
)
from studies.kept import open_parts
from studies.numerals import counted
from studies.study import Meaning, labelled
from studies.trainings import Trained, first_crossing

__all__ = ["draw", "simulate"]

REGIMES = ("de-pitta-amplitude", "de-pitta-frequency")
PARAMETERS = {"Omega_5P": 1 / second, "O_P": umolar / second}
AROUND = 2.0  # the gains of the control reach this factor beyond the matched ones, on both sides
CURVE_RATES = np.geomspace(min(RATES), max(RATES), 100)  # Hz
Fits = Mapping[str, tuple[xr.Dataset, CalciumFit, CalciumResponse | None]]  # by the cell's name
Arrays = dict[str, tuple[tuple[str, ...], np.ndarray]]  # dims after those of the row, and values
CELL = ("regime", "parameter", "value")

ACCURACIES = {
    "test_accuracy": "test accuracy with the weights at the end of the training",
    "validation_accuracy": "validation accuracy",
    "epochs_to_target": "epochs until the validation accuracy reaches the target",
    "drive": "typical drive of the trained model: median over hidden neurons and validation inputs",
    "drives_below": "share of the drives of the trained model below the measured range",
    "drives_above": "share of the drives of the trained model above the measured range",
}
MEANINGS: dict[str, Meaning] = {
    "regime": "published parameter set of the astrocyte",
    "parameter": "parameter that is changed",
    "value": "value of the parameter over the published one",
    "repetition": "training with a seed of its own",
    "curve_rate": ("Hz", "presynaptic rate"),
    "fitted_calcium": ("umolar", "fitted calcium"),
    "epoch": "epochs trained at a validation",
    "parameter_value": ("1/s, umolar/s", "value of the parameter"),
    "status": "ok, or why the response could not be fitted",
    "form": "fitted curve",
    "baseline": "coefficient of the fitted response",
    "amplitude": "coefficient of the fitted response",
    "exponent": "coefficient of the fitted response",
    "half": "coefficient of the fitted response (Hill)",
    "r_squared": "share of the variance of calcium that the fit explains",
    "reference_rate": ("Hz", "presynaptic rate at which the drive is 1"),
    "reference_calcium": ("umolar", "fitted calcium at a drive of 1"),
    "lowest": "lowest measured drive",
    "highest": "highest measured drive",
    "response_lowest": "fitted response at the lowest measured drive",
    "response_highest": "fitted response at the highest measured drive",
    "matched_gain": "gain of the fitted response at the typical drive",
    "gain": "gain of the control",
    **ACCURACIES,
    **{f"control_{name}": meaning for name, meaning in ACCURACIES.items()},
}


def simulate(
    values: Sequence[float] = (0.5, 1.4, 2.0),
    *,
    data_set: str = "imdb",
    data: Path | None = None,
    seeds: int = 2,
    epochs: int = 2,
    tokens: int = 128,
    evaluations: int = 3,
    gains: int = 3,
    target_accuracy: float = 0.85,
    averaged: float = 120.0,
    trials: int = 2,
    seed: int = 0,
    parts: Path = Path("physiology-accuracy.parts"),
) -> xr.Dataset:
    """Measure, fit and train for every cell, then the control; finished points are kept, and the command goes on there.

    Args:
        values: of each changed parameter over the published one, which is always among them.
        data_set: imdb or digits.
        data: folder that holds the data sets; else ASTROMORPH_DATA, else the user's cache folder.
        seeds: trainings of each response.
        epochs: passes through the training part.
        tokens: longest review; longer ones keep a quarter of it from their beginning and the rest from their end.
        evaluations: validations an epoch.
        gains: responses of the control.
        target_accuracy: validation accuracy whose first crossing is measured in epochs.
        averaged: simulated time in s over which calcium is averaged after three lifetimes of IP3.
        trials: repetitions of each rate with other spikes.
        seed: of the spikes and of the first training.
        parts: folder that keeps finished points.

    Returns calcium and fits with dims regime, parameter, value (and rate, trial), accuracies also with repetition (and
    epoch), those of the control with gain. Raises OSError or ValueError in one sentence for bad input.
    """
    _check(values, target_accuracy, seeds=seeds, epochs=epochs, evaluations=evaluations, gains=gains, trials=trials)
    if not averaged >= 20:
        raise ValueError(f"{averaged:g} s are too short to average oscillations of up to 14 s; use at least 20 s")
    plan, root = Plan(data_set, epochs, tokens, evaluations, averaged, trials, seed), data_root(data)
    settings_of(plan, seed)  # refuses what is wrong with them before anything is simulated
    open_parts(parts, plan._asdict())
    cells = [Astrocyte(*key) for key in product(REGIMES, PARAMETERS, sorted({1.0, *map(float, values)}))]
    fits = _all_fitted(cells, plan, parts)
    responses = {name: response for name, (_, _, response) in fits.items() if response is not None}
    repetitions = range(seed, seed + seeds)
    runs = _all_trained(responses, repetitions, plan, root, parts)
    matched = {name: _matched_gain(response, runs[name]) for name, response in responses.items()}
    chosen = np.geomspace(min(matched.values()) / AROUND, max(matched.values()) * AROUND, gains)
    like = next(iter(responses.values()))
    control = {f"gain-{k}": gain_only(float(gain), like) for k, gain in enumerate(chosen)}
    controls = _all_trained(control, repetitions, plan, root, parts)
    accuracies = _accuracies([runs.get(cell.name) for cell in cells], plan, target_accuracy)
    dataset = _of_cells(cells, fits, _fits(cells, fits, matched), accuracies)
    of_control = _accuracies(list(controls.values()), plan, target_accuracy)
    dataset = dataset.assign({f"control_{name}": (("gain", *dims), each) for name, (dims, each) in of_control.items()})
    dataset = dataset.assign_coords(
        curve_rate=CURVE_RATES, gain=chosen, epoch=_times(plan), repetition=np.arange(seeds)
    )
    return labelled(dataset, MEANINGS, _attributes(dataset, plan, target_accuracy))


def _check(values: Sequence[float], target: float, **counts: int) -> None:
    for value in values:
        if not 0 < value < np.inf:
            raise ValueError(f"value {value:g} is no multiple of a rate; use numbers above 0")
    if not 0 < target < 1:
        raise ValueError(f"target accuracy {target:g} is a share; use a number between 0 and 1")
    check_at_least(1, **counts)


def _all_fitted(cells: Sequence[Astrocyte], plan: Plan, folder: Path) -> Fits:
    """Every cell's calcium and fit. ValueError if none could be fitted."""
    names = {cell.name: cell for cell in cells}
    shown = progress(names.items(), desc="simulating", unit="cell")
    fits = {name: fitted(cell, plan, folder) for name, cell in shown}
    if all(response is None for _, _, response in fits.values()):
        reason = next(fit.reason for _, fit, _ in fits.values())
        raise ValueError(f"no calcium response could be fitted ({reason}); use other values")
    return fits


def _all_trained(
    responses: Mapping[str, CalciumResponse], seeds: Sequence[int], plan: Plan, root: Path, folder: Path
) -> dict[str, list[Trained]]:
    """Every response with every seed; all responses of a seed before the next."""
    runs: dict[str, list[Trained]] = {name: [] for name in responses}
    trainings = [(name, seed) for seed in seeds for name in responses]
    for name, seed in progress(trainings, desc="training", unit="run"):
        runs[name].append(trained(name, responses[name], seed, plan, root, folder))
    return runs


def _matched_gain(response: CalciumResponse, runs: Sequence[Trained]) -> float:
    """ρ(x) / x at the typical drive x."""
    drive = float(np.mean([run.measured["drive"] for run in runs]))
    return float(_at(response, drive)) / drive


def _at(response: CalciumResponse, drive: ArrayLike) -> np.ndarray:
    """ρ(x) in float64, shape of x."""
    return response_module(response)(torch.tensor(drive, dtype=torch.float64)).numpy()


def _fits(cells: Sequence[Astrocyte], fits: Fits, matched: Mapping[str, float]) -> dict[str, list[Any]]:
    """Of every cell the fit and its measures; NaN or an empty word where there are none."""
    rows = []
    for cell in cells:
        _, fit, response = fits[cell.name]
        chosen = fit.curve if fit.form == "curve" else fit.candidates.get(fit.form or "")
        row: dict[str, Any] = {"status": fit.reason or "ok", "form": fit.form or ""}
        row["parameter_value"] = float(getattr(cell.parameters, cell.parameter) / PARAMETERS[cell.parameter])
        row |= {name: getattr(fit, name) for name in ("reference_rate", "reference_calcium", "lowest", "highest")}
        for name in ("baseline", "amplitude", "exponent", "half", "r_squared"):
            coefficient = getattr(chosen, name, None)
            row[name] = np.nan if coefficient is None else coefficient
        ends = [np.nan, np.nan] if response is None else _at(response, [fit.lowest, fit.highest]).tolist()
        row["response_lowest"], row["response_highest"] = ends
        row["matched_gain"] = matched.get(cell.name, np.nan)
        rows.append(row)
    return {name: [row[name] for row in rows] for name in rows[0]}


def _curve(fit: CalciumFit, response: CalciumResponse | None) -> np.ndarray:
    """Fitted calcium (umolar) at CURVE_RATES; NaN without a fit."""
    if response is None:
        return np.full(len(CURVE_RATES), np.nan)
    return fit.reference_calcium * _at(response, CURVE_RATES / fit.reference_rate)


def _times(plan: Plan) -> np.ndarray:
    """Epochs trained at every validation."""
    return np.arange(1, plan.epochs * plan.evaluations + 1) / plan.evaluations


def _accuracies(runs: Sequence[list[Trained] | None], plan: Plan, target: float) -> Arrays:
    """Arrays of what trainings gave, one row an entry of `runs`; NaN where there was none."""
    times, one = _times(plan), ("repetition",)
    seeds = max(len(each) for each in runs if each)
    missing = [Trained(np.nan, [np.nan] * len(times), dict.fromkeys(("drive", "below", "above"), np.nan))] * seeds
    gather = lambda read: np.array([[read(run) for run in each or missing] for each in runs])
    return {
        "test_accuracy": (one, gather(lambda run: run.test_accuracy)),
        "validation_accuracy": ((*one, "epoch"), gather(lambda run: run.validation)),
        "epochs_to_target": (one, gather(lambda run: first_crossing(times, np.array(run.validation), target))),
        "drive": (one, gather(lambda run: run.measured["drive"])),
        "drives_below": (one, gather(lambda run: run.measured["below"])),
        "drives_above": (one, gather(lambda run: run.measured["above"])),
    }


def _of_cells(cells: Sequence[Astrocyte], fits: Fits, measures: dict[str, list[Any]], accuracies: Arrays) -> xr.Dataset:
    """What was found for every cell, with dims regime, parameter and value before all others."""
    curves = [_curve(*fits[cell.name][1:]) for cell in cells]
    arrays: dict[str, Any] = {"fitted_calcium": (("cell", "curve_rate"), curves)}
    arrays |= {name: ("cell", each) for name, each in measures.items()}
    arrays |= {name: (("cell", *dims), each) for name, (dims, each) in accuracies.items()}
    dataset = xr.concat([fits[cell.name][0] for cell in cells], "cell").assign(arrays)
    dataset = dataset.assign_coords({name: ("cell", [getattr(cell, name) for cell in cells]) for name in CELL})
    dataset = dataset.set_index(cell=CELL).unstack("cell").reindex(regime=list(REGIMES), parameter=list(PARAMETERS))
    return dataset.transpose(*CELL, ...)


def _attributes(dataset: xr.Dataset, plan: Plan, target: float) -> dict[str, Any]:
    return {
        "study": "physiology-accuracy",
        "title": "From the physiology of an astrocyte to the accuracy of a transformer",
        "source": "De Pitta et al. (2009), J Biol Phys 35:383: both parameter sets",
        "caption": _caption(dataset, plan),
        "target_accuracy": target,
        **plan._asdict(),
    }


def _caption(dataset: xr.Dataset, plan: Plan) -> str:
    """What is drawn, and how far apart cells and seeds are."""
    cut = f" of {counted(plan.tokens, 'token')}" if plan.data_set == "imdb" else ""
    accuracy = 100 * dataset.test_accuracy
    by_cell = float((accuracy.max(CELL) - accuracy.min(CELL)).max())
    by_seed = float((accuracy.max("repetition") - accuracy.min("repetition")).max())
    seeds = dataset.sizes["repetition"]
    apart = f"; with one cell the seeds are up to {by_seed:.2f} apart" if seeds > 1 else ""
    return (
        "IP3 degradation Omega_5P and maximal SERCA uptake O_P in multiples of the published values. A, B: mean "
        f"calcium of {counted(plan.trials, 'trial')} a rate over {plan.averaged:g} s after settling, and the fitted "
        f"curves (crosses: none fits). C, D: trainings on {plan.data_set}{cut}, {counted(plan.epochs, 'epoch')}, "
        f"{counted(seeds, 'seed')}, mean and sd. Grey and dotted: only the gain is changed, to that of the "
        f"fitted response at the model's typical drive. With one seed all cells lie within {by_cell:.2f} points of "
        f"test accuracy{apart}."
    )
