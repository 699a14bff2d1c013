"""One point on the way from physiology to accuracy: an astrocyte measured and fitted, a transformer trained with it.

A point is kept as soon as it is known, calcium and training apart, in a folder that knows what it was begun for; so a
study that is stopped goes on as if it had not been. A training is that of astromorph/training/loop.py, validated
several times an epoch: what the loop takes for an epoch is a part of one.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from brian2 import second
from torch import Tensor

import mapping
from astromorph.attention import MultiheadAttention
from astromorph.files.whole_files import whole
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, DigitsSettings, ImdbSettings, Settings
from astromorph.tasks import Task, build_task
from astromorph.training.evaluation import evaluate
from astromorph.training.hardware import Processor
from astromorph.training.loop import run_epochs
from astromorph.training.parts import in_parts
from biophys.astrocyte import AstrocyteParameters, parameter_set, settling_time
from biophys.simulation.recording import load, save
from biophys.simulation.simulate import run
from biophys.simulation.stimulus import spike_trains
from biophys.synapse import SynapseParameters
from biophys.tripartite import build_units, largest_step, recorded
from mapping import fits
from mapping.calcium_response import CalciumFit
from mapping.circuit import attention_layers, hidden_activity, watching
from studies.kept import kept

RATES = (0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0)  # Hz
STEP = 0.01  # s; the coupling is right to 2e-4 of each state (biophys/tripartite.py)
SYNAPSES = 20
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


class Trained(NamedTuple):
    """test_accuracy: with the weights at the end; validation: after each part of an epoch; drive: the
    typical one, that is the median mean activity of a hidden neuron over the validation inputs; below and above: the
    shares of drives that lie outside the measured range.
    """

    test_accuracy: float
    validation: list[float]
    drive: float
    below: float
    above: float


def open_points(folder: Path, plan: Plan) -> None:
    """Begins the folder of points, or goes on with it; ValueError if it was begun for something else."""
    file, asked = folder / "plan.json", plan._asdict()
    if not file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with whole(file) as part:
            part.write_text(json.dumps(asked, indent=1))
    elif json.loads(file.read_text()) != asked:
        raise ValueError(
            f"{folder} keeps the points of another study; repeat its command to go on with it, remove it, or name "
            "another folder with --parts"
        )


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
    trains = spike_trains("poisson", np.repeat(RATES, plan.trials * SYNAPSES), end, STEP, plan.seed)
    units = {
        "rate": xr.Variable("rate", np.array(RATES), {"units": "Hz", "long_name": "presynaptic rate"}),
        "trial": xr.Variable("trial", np.arange(plan.trials), {"units": "1", "long_name": "repetition, other spikes"}),
    }
    states = run(
        lambda: build_units(trains, SYNAPSES, synapse=SynapseParameters(), astrocyte=cell, step=STEP * second),
        lambda network: recorded(network, units),
        end * second,
        seed=plan.seed,
    )
    calcium = states["calcium"].sel(time=slice(settling, None))
    swing = calcium.max("time") - calcium.min("time")
    found = xr.Dataset({"calcium_mean": calcium.mean("time"), "calcium_swing": swing})
    found["calcium_mean"].attrs = {"units": "umolar", "long_name": "mean free calcium, after settling"}
    found["calcium_swing"].attrs = {"units": "umolar", "long_name": "largest minus least calcium, after settling"}
    return found


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
    """Trains with `response`, or goes on, and keeps what came out in `folder` under `name`."""

    def compiled(working: Path) -> Trained:
        with torch._dynamo.config.patch(recompile_limit=GRAPHS):
            return train(response, settings_of(plan, seed), plan.evaluations, root, working)

    return Trained(**kept(f"{name}-seed{seed}", folder, compiled))


def train(response: CalciumResponse, settings: Settings, evaluations: int, root: Path, working: Path) -> Trained:
    """One training in the run folder `working`; the test part is read once, by the weights at its end.

    The best of so many validations, a few examples ahead, would be weights of some moment before the learning rate has
    come down, and their test accuracy another.
    """
    torch.manual_seed(settings.seed)
    task = in_parts(build_task(settings, response, root), evaluations)
    begun = (working / "settings.yaml").is_file()
    run_folder = RunFolder.open(working) if begun else RunFolder.create(working, settings.data_set, settings, response)
    processor = Processor.choose(settings.precision)
    rows = run_epochs(run_folder, task, processor)
    tested = evaluate(task.model, task.test(), len(task.class_names), processor)
    drive = drives(task, processor)
    return Trained(
        test_accuracy=tested.accuracy,
        validation=[row["validation_accuracy"] for row in rows],
        drive=float(drive.median()),
        below=float((drive < response.lowest).double().mean()),
        above=float((drive > response.highest).double().mean()),
    )


def settings_of(plan: Plan, seed: int) -> Settings:
    """The defaults of the data set but for the plan; ValueError says what is wrong with a value."""
    asked: Mapping[str, Any] = {"epochs": plan.epochs * plan.evaluations, "seed": seed, "threads": 1}
    if plan.data_set == "imdb":
        return ImdbSettings(**asked, tokens=plan.tokens, first_tokens=plan.tokens // 4)
    if plan.data_set == "digits":
        return DigitsSettings(**asked)
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


def first_crossing(times: np.ndarray, accuracy: np.ndarray, target: float) -> float:
    """When accuracy first reaches `target`, on straight lines between the validations; NaN if it does not.

    If it does so by the first validation, that one's time: how it rose before is not known.
    """
    reached = np.flatnonzero(accuracy >= target)
    if not len(reached):
        return np.nan
    after = reached[0]
    if after == 0:
        return float(times[0])
    around = slice(after - 1, after + 1)
    return float(np.interp(target, accuracy[around], times[around]))
