"""One point on the way from physiology to accuracy: an astrocyte measured and fitted, a transformer trained with it.

A point is kept as soon as it is known, calcium and training apart, in a folder that knows what it was begun for; so a
study that is stopped goes on as if it had not been. A training is that of astromorph/training/loop.py, validated
several times an epoch: what the loop takes for an epoch is a part of one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
import xarray as xr
from brian2 import second
from torch import Tensor

import mapping
from astromorph.attention import MultiheadAttention
from astromorph.settings import CalciumResponse, DigitsSettings, ImdbSettings, Settings
from astromorph.tasks import Task, build_task
from astromorph.training.evaluation import evaluate
from astromorph.training.hardware import Processor
from astromorph.training.parts import in_parts
from biophys.astrocyte import AstrocyteParameters, parameter_set, settling_time
from biophys.simulation.recording import load, save
from biophys.synapse import SynapseParameters
from biophys.tripartite import largest_step
from mapping import fits
from mapping.calcium_response import CalciumFit
from mapping.circuit import attention_layers, hidden_activity, watching
from studies.physiology.calcium_response import RATES, Drive, driven
from studies.study import Meaning, labelled
from studies.trainings import Rows, Trained, train_once

STEP = 0.01  # s; the coupling is right to 2e-4 of each state (biophys/tripartite.py)
SYNAPSES = 20
MEANINGS: dict[str, Meaning] = {
    "calcium_mean": ("umolar", "mean free calcium, after settling"),
    "calcium_swing": ("umolar", "largest minus least calcium, after settling"),
    "trial": "repetition, other spikes",
}
GRAPHS = 32  # compiled ones that are kept: three widths for each form of response, shared by all trainings with it


class Astrocyte(NamedTuple):
    """A published parameter set with one parameter changed."""

    regime: str
    parameter: str
    value: float  # over the published one

    @property
    def name(self) -> str:
        return f"{self.regime}-published" if self.value == 1 else f"{self.regime}-{self.parameter}-{self.value:g}"

    @property
    def parameters(self) -> AstrocyteParameters:
        published = parameter_set(self.regime)
        return published._replace(**{self.parameter: self.value * getattr(published, self.parameter)})


class Plan(NamedTuple):
    """What all points share."""

    data_set: str
    epochs: int
    tokens: int  # text only
    evaluations: int  # validations an epoch
    averaged: float  # s of calcium after settling
    trials: int
    seed: int  # of the simulations


def measured(cell: Astrocyte, plan: Plan, folder: Path) -> xr.Dataset:
    """Mean and swing of calcium (umolar) with dims (rate, trial), simulated or as kept in `folder`."""
    file = folder / f"{cell.name}.nc"
    if not file.is_file():
        save(calcium_response(cell.parameters, plan), file)
    return load(file)


def calcium_response(cell: AstrocyteParameters, plan: Plan) -> xr.Dataset:
    """The measurement of study calcium-response on any cell: Poisson spikes, SYNAPSES to an astrocyte."""
    settling = float(settling_time(cell) / second)
    end = settling + plan.averaged
    limit = float(largest_step(max(RATES) / second, SYNAPSES, SynapseParameters(), cell) / second)
    assert limit >= STEP, "the receptors of this cell need a smaller step"
    states = driven(cell, Drive(RATES, SYNAPSES, plan.trials, "poisson", end, STEP, plan.seed))
    calcium = states["calcium"].sel(time=slice(settling, None))
    swing = calcium.max("time") - calcium.min("time")
    return labelled(xr.Dataset({"calcium_mean": calcium.mean("time"), "calcium_swing": swing}), MEANINGS, {})


def fitted(cell: Astrocyte, plan: Plan, folder: Path) -> tuple[xr.Dataset, CalciumFit, CalciumResponse | None]:
    """Calcium, the better law by AICc (or the measured curve), and what training takes of it; None if that failed."""
    calcium = measured(cell, plan, folder)
    (result,) = results = fits.fit_each([fits.recognised(folder / f"{cell.name}.nc")], fits.Options())
    return calcium, result.fit, None if result.fit.form is None else mapping.as_settings(fits.joined(results))


def gain_only(gain: float, like: CalciumResponse) -> CalciumResponse:
    """ρ(x) = gain x: linear attention with its normaliser multiplied, over the range of a measured response."""
    return CalciumResponse(
        "power_law", 0.0, gain, 1.0, lowest=like.lowest, highest=like.highest, source=f"gain {gain:g}"
    )


def trained(name: str, response: CalciumResponse, seed: int, plan: Plan, root: Path, folder: Path) -> Trained:
    """Trains with `response`, or goes on, and keeps what came out in `folder` under `name`.

    The weights at the end are tested: the best of so many validations, a few examples ahead, would be weights of some
    moment before the learning rate has come down, and their test accuracy another. Measured are `drive`, the typical
    one, that is the median mean activity of a hidden neuron over the validation inputs, and `below` and `above`, the
    shares of drives that lie outside the measured range.
    """
    settings = settings_of(plan, seed)
    build = lambda: in_parts(build_task(settings, response, root), plan.evaluations)

    def measure(task: Task, processor: Processor, rows: Rows) -> dict[str, float]:
        drive = drives(task, processor)
        below, above = drive < response.lowest, drive > response.highest
        shares = {"below": float(below.double().mean()), "above": float(above.double().mean())}
        return {"drive": float(drive.median()), **shares}

    with torch._dynamo.config.patch(recompile_limit=GRAPHS):
        return train_once(folder / f"{name}-seed{seed}.json", settings, response, build, measure)


def settings_of(plan: Plan, seed: int) -> Settings:
    """The defaults of the data set but for the plan; ValueError says what is wrong with a value."""
    changes: Mapping[str, Any] = {"epochs": plan.epochs * plan.evaluations, "seed": seed, "threads": 1}
    if plan.data_set == "imdb":
        return ImdbSettings(**changes, tokens=plan.tokens, first_tokens=plan.tokens // 4)
    if plan.data_set == "digits":
        return DigitsSettings(**changes)
    raise ValueError(f"data set {plan.data_set!r} is not used here; use imdb or digits")


def drives(task: Task, processor: Processor) -> Tensor:
    """Mean activity of every hidden neuron for every validation input, in one row."""
    found: list[Tensor] = []

    def look(attention: MultiheadAttention, tokens: Tensor, keep: Tensor | None) -> None:
        with torch.no_grad():
            found.append(hidden_activity(attention, tokens, keep).float().flatten().cpu())

    with watching(attention_layers(task.model).values(), look):
        evaluate(task.model, task.validation(), len(task.class_names), processor, "drives")
    return torch.cat(found)
