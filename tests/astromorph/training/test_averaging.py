"""The averaged weights: the exponential average by hand, and a run that uses it."""

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from astromorph.runs.run_folder import RunFolder
from astromorph.settings import DigitsSettings
from astromorph.training.averaging import AveragedWeights
from astromorph.training.loop import train


def test_the_average_is_exponential_from_the_first_step_on():
    model = nn.Linear(3, 2).double()
    average = AveragedWeights(model, 4)
    expected = None
    draw = torch.Generator().manual_seed(0)
    for _ in range(12):
        with torch.no_grad():
            model.weight.copy_(torch.randn(2, 3, generator=draw, dtype=torch.float64))
        average.update(model)
        now = model.weight.detach().clone()
        expected = now if expected is None else expected + (now - expected) / 4
    torch.testing.assert_close(average.model.weight.detach(), expected, rtol=1e-14, atol=0)


def test_statistics_of_batch_normalisation_are_averaged_too():
    model = nn.BatchNorm1d(2)
    average = AveragedWeights(model, 2)
    for value in (1.0, 3.0):
        model.running_mean.fill_(value)
        average.update(model)
    assert average.model.running_mean.tolist() == [2.0, 2.0]


def test_without_steps_it_is_the_model_itself():
    model = nn.Linear(2, 2)
    average = AveragedWeights(model, 0)
    average.update(model)
    assert average.model is model


@pytest.mark.parametrize("steps", [0, 30])
def test_a_run_saves_what_it_validated(steps, tmp_path):
    folder = RunFolder.create(
        tmp_path / "run", "digits", DigitsSettings(attention="linear", epochs=2, average=steps), None
    )
    train(folder, tmp_path)
    assert all(tensor.isfinite().all() for tensor in load_file(folder.path / "weights.safetensors").values())
    assert folder.summary()["validation_accuracy"] == folder.metrics().validation_accuracy.max()
