"""`astromorph study spiking-attention` on a small model: errors, early answers, what is kept, and refusals."""

import numpy as np
import pytest
import torch
from brian2 import Hz, ms
from matplotlib import pyplot
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.torch import save_file

from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.tasks import build_task
from biophys.circuits.attention_circuit import Layer, Stimulus, attend
from biophys.circuits.process_calcium import FittedCalcium
from biophys.circuits.rate_circuit import RateNeurons
from biophys.circuits.spiking_circuit import SpikingNeurons
from mapping.circuit import attention_layers
from studies.circuits import spiking_attention
from studies.circuits.early_answers import EarlyReading
from studies.circuits.inputs import drawn, stacked

QUICK = {"examples": 3, "chunk": 2, "jobs": 1, "step": 50.0, "target": "numpy"}
SWEEP = {"rates": (100.0, 10_000.0), "presentations": (1000.0,)}


def made(path, layers=1, attention="astromorphic"):
    """A run of an untrained model."""
    settings = DigitsSettings(attention=attention, width=8, heads=2, feedforward=8, layers=layers)
    response = CalciumResponse() if attention == "astromorphic" else None
    RunFolder.create(path, "digits", settings, response)
    torch.manual_seed(0)
    save_file(build_task(settings, response, path).model.state_dict(), path / "weights.safetensors")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return made(tmp_path_factory.mktemp("runs") / "digits")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return tmp_path_factory.mktemp("out") / "parts"


@pytest.fixture(scope="module")
def dataset(run, parts):
    return spiking_attention.simulate(run, **QUICK, **SWEEP, parts=parts)


def test_errors_fall_with_the_rate_and_lie_above_those_of_counting(dataset):
    error, counting = (
        np.sqrt(np.square(dataset[name]).mean("input"))[:, 0] for name in ("relative_error", "counting_error")
    )
    assert float(error[0] / error[1]) == pytest.approx(10, rel=0.3)  # root of the ratio of rates
    assert float(counting[0] / counting[1]) == pytest.approx(10, rel=1e-6)
    assert (error > 0.9 * counting).all() and (error < 3 * counting).all()
    assert (dataset.logit_difference.mean("input").diff("rate") < 0).all()


def test_the_last_early_answer_is_the_answer(dataset):
    assert_array_equal(dataset.early_class.sel(share=1.0), dataset.circuit_class)
    assert_allclose(dataset.early_error.sel(share=1.0), dataset.relative_error, rtol=1e-6)
    assert (dataset.early_error.sel(share=0.05) > 2 * dataset.relative_error).all()  # the query before is still there
    assert_array_equal(dataset.answered_after.sel(share=1.0), dataset.presentation)
    assert_array_equal(dataset.answered_after.sel(presentation=1000), [50, 100, 200, 400, 700, 1000])


def test_model_and_control_are_those_of_torch(dataset, run):
    folder = RunFolder.open(run)
    task = spiking_attention.trained_task(folder, run)
    chosen = drawn(task, folder, 3, None, 0)
    with torch.no_grad():
        assert_array_equal(dataset.model_class, task.model(*stacked(chosen)).argmax(1))
        (attention,) = attention_layers(task.model).values()
        attention.to_output.weight.zero_()
        assert_array_equal(dataset.silent_class, task.model(*stacked(chosen)).argmax(1))
    assert_array_equal(dataset.label, [example.label for example in chosen])
    assert_array_equal(dataset.tokens, 16)


def test_what_is_finished_is_kept_and_serves_nothing_else(dataset, run, parts, monkeypatch):
    assert len(list(parts.glob("*.nc"))) == 2 * 2
    monkeypatch.setattr(spiking_attention, "compared", lambda *_: pytest.fail("a finished chunk was run again"))
    again = spiking_attention.simulate(run, **QUICK, **SWEEP, parts=parts)
    assert dataset.identical(again)
    with pytest.raises(ValueError, match="keeps parts of another command"):
        spiking_attention.simulate(run, **QUICK | {"seed": 1}, **SWEEP, parts=parts)


def test_the_same_seed_gives_the_same_whatever_else_is_asked(dataset, run):
    alone = spiking_attention.simulate(run, **QUICK, rates=(100.0,), presentations=(1000.0,))
    for name in ("relative_error", "logit_difference", "early_class", "synapse_steps"):
        assert_array_equal(alone[name], dataset[name].sel(rate=[100]))


def test_figure_and_labels(dataset):
    assert all({"units", "long_name"} <= set(dataset[name].attrs) for name in dataset.variables)
    figure = spiking_attention.draw(dataset)
    assert len(figure.axes) == 4
    pyplot.close(figure)


def test_early_answers_are_those_of_shorter_queries():
    """At such a rate chance makes an error of 1e-4: after half a long presentation all has settled, early nothing."""
    draw = np.random.default_rng(0)
    layer = Layer(*(draw.standard_normal((5, 2, cells)) for cells in (3, 3, 4)))
    shown = [Stimulus(draw.standard_normal((count, 5)), draw.random((count, 2, 3))) for count in (3, 2)]
    neurons = EarlyReading(SpikingNeurons(T=3000 * ms, R=1e8 * Hz, dt=50 * ms), (1 / 60, 0.5, 1.0))
    found = attend(layer, shown, neurons, FittedCalcium())
    expected = attend(layer, shown, RateNeurons(T=300 * ms, dt=10 * ms), FittedCalcium())
    (answers,) = neurons.answers
    assert answers.shape == (3, 3, 2, 2, 4)
    for number, (output, right) in enumerate(zip(found.outputs, expected.outputs, strict=True)):
        early, half, whole = answers[:, : len(output), number]
        assert_allclose(whole, output, rtol=1e-9)
        assert_allclose(half, right, atol=5e-3 * np.abs(right).max())
        assert np.abs(early - right).max() > 0.1 * np.abs(right).max()


BAD = {
    "no rate": ({"rates": (0.0,)}, "rates .0.0. must be above 0"),
    "rate twice": ({"rates": (1.0, 1.0)}, "each named once"),
    "nothing": ({"presentations": ()}, "presentations .. must be above 0, at least one"),
    "between steps": ({"presentations": (210.0,)}, "210 ms is not four or more whole steps of 50 ms"),
    "too short": ({"presentations": (100.0,)}, "100 ms is not four or more whole steps of 50 ms"),
    "no step": ({"step": 0.0}, "step 0 ms does not move on"),
    "no example": ({"examples": 0}, "examples 0 runs nothing"),
}


@pytest.mark.parametrize(("changes", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(run, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        spiking_attention.simulate(run, **QUICK | SWEEP | changes)


def test_runs_that_cannot_be_read_early_are_refused(tmp_path):
    with pytest.raises(ValueError, match="has 2 attention layers.*use a run of one layer"):
        spiking_attention.simulate(made(tmp_path / "two", layers=2), **QUICK | SWEEP)
    with pytest.raises(ValueError, match="has no circuit"):
        spiking_attention.simulate(made(tmp_path / "softmax", attention="softmax"), **QUICK | SWEEP)
