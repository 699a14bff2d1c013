"""Runs of version 0.4.0 load and answer as they did: settings, weights, outputs and gradients of every kind of model.

The reference was made at commit e87a51a, the last before the rooms: an untrained model of each kind with weights drawn
from a seed, inputs drawn alike, what it answered, and the gradient of that along a drawn direction. Language models and
spiking networks computed in double precision, classifiers in single. The unfinished run trained one epoch of two there,
and its loss after both is what that commit reached without a stop.
"""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from astromorph.files.older_names import in_todays_names
from astromorph.files.tensors import load_weights
from astromorph.runs.run_folder import RunFolder
from astromorph.tasks import build_model
from astromorph.training.loop import train

DATA = Path(__file__).parents[2] / "reference_data"
with safe_open(DATA / "runs_0.4.safetensors", "pt") as file:
    SETTINGS = dict(file.metadata())
WORDS = 20  # in the vocabularies


def stored(name: str) -> dict[str, torch.Tensor]:
    with safe_open(DATA / "runs_0.4.safetensors", "pt") as file:
        return {key.removeprefix(f"{name}/"): file.get_tensor(key) for key in file.keys() if key.startswith(f"{name}/")}


def part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}


@pytest.fixture(params=sorted(SETTINGS))
def older(request, tmp_path) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
    """The model of a run folder of version 0.4.0 in the precision of its reference, and the reference."""
    tensors = stored(request.param)
    (tmp_path / "settings.yaml").write_text(SETTINGS[request.param], encoding="utf-8")
    save_file(part(tensors, "weights/"), tmp_path / "weights.safetensors")
    folder = RunFolder.open(tmp_path)
    model = build_model(folder.settings, folder.response, WORDS)
    load_weights(model, tmp_path / "weights.safetensors")
    return model.to(tensors["outputs/0"].dtype).eval(), tensors


def close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    tolerance = {torch.float32: 2e-5, torch.float64: 1e-12}[theirs.dtype] if theirs.is_floating_point() else 0
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


def test_a_run_of_version_0_4_answers_as_it_did(older):
    model, reference = older
    dtype = reference["outputs/0"].dtype
    inputs = [x.to(dtype) if x.is_floating_point() else x for _, x in sorted(part(reference, "inputs/").items())]
    outputs = model(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    for ours, (_, theirs) in zip(outputs, sorted(part(reference, "outputs/").items()), strict=True):
        close(ours, theirs)
    answer = outputs[0]
    if "losses" in reference:  # no gradient passes through what is deployed, and language models train on losses
        answer = model.train()(*inputs)
        close(answer, reference["losses"])
    expected = in_todays_names(part(reference, "gradients/"))
    learned = {name: parameter for name, parameter in model.named_parameters() if name in expected}
    assert learned.keys() == expected.keys()
    gradients = torch.autograd.grad((answer * reference["cotangent"]).sum(), list(learned.values()))
    for name, ours in zip(learned, gradients, strict=True):
        theirs = expected[name]
        tolerance = 3e-5 * float(theirs.abs().max()) if theirs.numel() else 0.0
        torch.testing.assert_close(
            ours.float(), theirs, rtol=1e-3, atol=tolerance, msg=lambda text, at=name: f"{at}: {text}"
        )


def test_an_unfinished_run_of_version_0_4_goes_on_and_ends_as_it_would_have(tmp_path):
    shutil.copytree(DATA / "run_0.4_unfinished", tmp_path / "run")
    summary = train(RunFolder.open(tmp_path / "run"), tmp_path)
    assert summary["epochs"] == 2 and summary["test_loss"] == pytest.approx(2.229837760925293, rel=1e-5)
