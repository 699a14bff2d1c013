"""Does a trained network with delays fire the same spikes when Brian2 runs it?

Test recordings of a spiking data set go through the deployed network three times: as neurons and synapses in Brian2
(mapping/delay_kernel.py), and in torch in double and in single precision. Brian2 computes in double precision too, so
those two must agree spike for spike; single precision, in which the network was trained, shows what rounding does.
"""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Literal, cast

import matplotlib.pyplot as plt
import numpy as np
import torch
import xarray as xr
from brian2 import second

from astromorph.data.locations import data_root
from astromorph.models.spiking_classifier import Activity
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import SpikingSettings
from astromorph.settings.checks import check_seed
from astromorph.tasks import build_task
from mapping.delay_kernel import simulate as simulate_network
from mapping.trained import spiking_network
from studies.circuits.inputs import check_counts, drawn, identity, stacked
from studies.figure import draw_panels
from studies.numerals import counted
from studies.study import Meaning, labelled

PRECISIONS = ("double", "single")
MEANINGS: dict[str, Meaning] = {
    "label": "true class",
    "circuit_class": "class predicted by the circuit",
    "model_class": "class predicted by the model",
    "spikes": "spikes of the circuit's layer",
    "different_spikes": "neurons and steps in which circuit and model do not agree",
    "logit_difference": "largest difference of a logit between circuit and model",
    "circuit_raster": "spikes of the circuit, first recording, all hidden layers",
    "model_raster": "spikes of the model in double precision, first recording, all hidden layers",
    "circuit_potential": "potential of the output neurons of the circuit, first recording, of the threshold",
    "model_potential": "potential of the output neurons of the model, first recording, of the threshold",
    "input_raster": "events of the input channels, first recording",
    "time": ("s", "time"),
}
BLUE, RED, GREY = "#0072B2", "#D55E00", "0.6"


def simulate(
    run: Path,
    *,
    examples: int = 100,
    seed: int = 0,
    target: Literal["numpy", "cython", "cpp_standalone"] = "numpy",
    data: Path | None = None,
) -> xr.Dataset:
    """Spikes, potentials and classes of the circuit and of the model over test recordings.

    Args:
        run: run folder of a training on a spiking data set.
        examples: test recordings, drawn by chance.
        seed: of their choice.
        target: Brian2 code target.
        data: where data sets lie.

    Returns a dataset over `input`, the number of a recording in the test set, precision and layer. ValueError in one
    sentence for bad input.
    """
    check_seed(seed)
    check_counts(examples=examples)
    folder = RunFolder.open(run)
    (model, _), settings = spiking_network(folder), cast(SpikingSettings, folder.settings)
    task = build_task(settings, None, data_root(data))
    chosen = drawn(task, folder, examples, None, seed)
    (spikes,) = stacked(chosen)
    circuit = simulate_network(model, spikes, dt=settings.frame * second, target=target)
    answers = {"double": deepcopy(model).double().activity(spikes), "single": model.activity(spikes)}
    dataset = compared(circuit, answers, spikes[0])
    dataset["label"] = "input", np.array([example.label for example in chosen])
    dataset = dataset.assign_coords(
        input=[example.number for example in chosen], time=settings.frame * np.arange(spikes.shape[1])
    )
    attributes = {
        "study": "delayed-circuit",
        "title": "A trained network with delays, in Brian2",
        "caption": _caption(dataset),
        "seed": seed,
        "target": target,
        "weights": identity(folder)["weights"],
        "data_set": folder.data_set,
        "delays": settings.delays,
        "longest": settings.longest,
    }
    return labelled(dataset, MEANINGS, attributes)


def compared(circuit: Activity, answers: Mapping[str, Activity], events: torch.Tensor) -> xr.Dataset:
    """Of each recording, and rasters of the first; events: (time, channels), its input."""

    def over_precisions(each) -> np.ndarray:
        return np.stack([np.asarray(each(answers[precision])) for precision in PRECISIONS])

    def differing(answer: Activity) -> list[list[int]]:
        pairs = zip(circuit.spikes, answer.spikes, strict=True)
        return [(ours != theirs.double()).sum((1, 2)).tolist() for ours, theirs in pairs]

    logits = over_precisions(lambda answer: (answer.logits.double() - circuit.logits).abs().amax(1))
    first = answers["double"]
    arrays = {
        "circuit_class": (("input",), circuit.logits.argmax(1).numpy()),
        "model_class": (("precision", "input"), over_precisions(lambda answer: answer.logits.argmax(1))),
        "spikes": (("layer", "input"), np.stack([each.sum((1, 2)).numpy() for each in circuit.spikes])),
        "different_spikes": (("precision", "layer", "input"), over_precisions(differing)),
        "logit_difference": (("precision", "input"), logits),
        "circuit_raster": (("time", "neuron"), torch.cat([each[0] for each in circuit.spikes], 1).bool().numpy()),
        "model_raster": (("time", "neuron"), torch.cat([each[0] for each in first.spikes], 1).bool().numpy()),
        "circuit_potential": (("time", "class"), circuit.membrane[0].numpy()),
        "model_potential": (("time", "class"), first.membrane[0].numpy()),
        "input_raster": (("time", "channel"), events.numpy()),
    }
    return xr.Dataset(arrays, {"precision": list(PRECISIONS)})


def _caption(dataset: xr.Dataset) -> str:
    different = {name: int(dataset.different_spikes.sel(precision=name).sum()) for name in PRECISIONS}
    touched = int((dataset.different_spikes.sel(precision="single").sum("layer") > 0).sum())
    same = {name: int((dataset.model_class.sel(precision=name) == dataset.circuit_class).sum()) for name in PRECISIONS}
    right = float((dataset.circuit_class == dataset.label).mean())
    return (
        f"{counted(dataset.sizes['input'], 'test recording')}, {counted(int(dataset.spikes.sum()), 'spike')} of hidden "
        "neurons in Brian2. "
        f"Against double precision {_differ(different['double'])} and {_alike(same['double'])}; "
        f"largest difference of a logit {float(dataset.logit_difference.sel(precision='double').max()):.2g}. "
        f"Against single precision {_differ(different['single'])}, in {counted(touched, 'recording')}, "
        f"and {_alike(same['single'])}. Accuracy of the circuit on these recordings {right:.4f}."
    )


def _differ(spikes: int) -> str:
    return f"{counted(spikes, 'spike')} differ{'s' * (spikes == 1)}"


def _alike(classes: int) -> str:
    return f"{counted(classes, 'class')} {'is' if classes == 1 else 'are'} the same"


def draw(dataset: xr.Dataset) -> plt.Figure:
    """The first recording in circuit and model, and differences of logits over all."""
    layout = [[_draw_spikes, _draw_potential], [_draw_spikes, _draw_logits]]
    return draw_panels(dataset, layout, (7.2, 5.2), caption=dataset.attrs["caption"], width_ratios=[1.2, 1])


def _draw_spikes(axes: plt.Axes, dataset: xr.Dataset) -> None:
    time, below = dataset.time.values, dataset.sizes["channel"] + 3
    at, channel = np.nonzero(dataset.input_raster.values)
    axes.plot(time[at], channel, ".", color=GREY, ms=2, label="input")
    at, neuron = np.nonzero(dataset.model_raster.values)
    axes.plot(time[at], neuron + below, "o", mfc="none", mec=RED, mew=0.5, ms=3.2, label="torch")
    at, neuron = np.nonzero(dataset.circuit_raster.values)
    axes.plot(time[at], neuron + below, ".", color=BLUE, ms=1.6, label="Brian2")
    axes.set(xlabel="time (s)", ylabel="input channel, then hidden neuron", title="A   Spikes, first recording")
    axes.set_ylim(-2, 1.09 * (below + dataset.sizes["neuron"]))
    axes.legend(loc="upper center", ncols=3, markerscale=1.5)


def _draw_potential(axes: plt.Axes, dataset: xr.Dataset) -> None:
    label = int(dataset.label[0])
    for which, color in ((label, BLUE), *((other, GREY) for other in range(dataset.sizes["class"]) if other != label)):
        front = 2 if which == label else 1
        axes.plot(dataset.time, dataset.circuit_potential[:, which], color=color, lw=0.9, zorder=front)
        axes.plot(dataset.time[::4], dataset.model_potential[::4, which], ".", color=color, ms=3, zorder=front)
    axes.plot([], [], color=BLUE, label="right class, Brian2")
    axes.plot([], [], color=GREY, label="other classes, Brian2")
    axes.plot([], [], ".", color="k", ms=3, label="torch (dots)")
    axes.set(xlabel="time (s)", ylabel="potential (thresholds)", title="B   Output neurons, first recording")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.45 * (high - low))
    axes.legend(loc="upper left", fontsize=7, ncols=2)


def _draw_logits(axes: plt.Axes, dataset: xr.Dataset) -> None:
    edges = np.arange(-18, -2.9, 0.25)
    for precision, color in zip(PRECISIONS, (BLUE, RED), strict=True):
        difference = dataset.logit_difference.sel(precision=precision).values
        label = f"torch in {precision} precision, {np.sum(difference == 0)} equal"
        axes.hist(difference[difference > 0].clip(1e-18, 1e-3), (10**edges).tolist(), color=color, label=label)
    axes.set(xscale="log", xlabel="largest difference of a logit", ylabel="recordings", title="C   All recordings")
    axes.set_ylim(0, 1.4 * axes.get_ylim()[1])
    axes.legend(loc="upper left", fontsize=7)
