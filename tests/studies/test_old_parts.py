"""Folders of parts that version 0.4.0 has begun are gone on with: their plan is that of the same options today.

tests/reference_data/plans.json holds their plan.json, as that version wrote it for the options below.
"""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import mapping
from astromorph.data.images import Images
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import DigitsSettings
from astromorph.tasks import build_task
from studies.catalogue import study_module
from studies.circuits.inputs import RESULTS
from studies.dendrites import permuted_mnist

PLANS = json.loads((Path(__file__).parents[1] / "reference_data/plans.json").read_text(encoding="utf-8"))
OPTIONS = {
    "circuit": {"examples": 3, "chunk": 2, "jobs": 1, "presentation": 200.0, "target": "numpy"},
    "spiking-attention": {
        "rates": (100.0, 10_000.0), "presentations": (1000.0,), "examples": 3, "chunk": 2, "step": 50.0,
        "target": "numpy",
    },
    "attention-ablation": {
        "data_sets": ("digits",), "seeds": 2, "epochs": 1.0, "evaluations": 2, "target": 0.2,
        "learning_rates": (1.0, 2.0),
    },
    "physiology-accuracy": {"data_set": "digits", "epochs": 1, "evaluations": 2, "averaged": 20.0, "trials": 1},
    "delay-learning": {
        "tasks": ("planted",), "epochs": 1, "learning_rates": (0.5, 1.0), "neurons": 3, "longest": 4, "steps": 20,
    },
    "permuted-mnist": {
        "tasks": 3, "examples": 300, "validation": 60, "batch": 20, "units": 24, "segments": 3, "winners": 0.25,
    },
}  # fmt: skip


class Asked(Exception):
    """What a folder of parts is opened for."""


def opened(folder, plan):
    raise Asked(json.loads(json.dumps(plan)))


@pytest.fixture
def run(tmp_path):
    """A run of an untrained model with the measured response."""
    settings, path = DigitsSettings(), tmp_path / "digits"
    response = mapping.as_settings(mapping.read(RESULTS / "astrocyte.yaml"))
    RunFolder.create(path, "digits", settings, response)
    torch.manual_seed(0)
    save_file(build_task(settings, response, path).model.state_dict(), path / "weights.safetensors")
    return path


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_of_0_4_0_is_that_of_today(name, run, tmp_path, monkeypatch):
    study, options = study_module(name), OPTIONS[name]
    monkeypatch.setenv("ASTROMORPH_DATA", str(tmp_path))
    monkeypatch.setattr(permuted_mnist, "digits_of", lambda settings, seed: Images)
    monkeypatch.setattr(study, "open_parts", opened)
    if name in ("circuit", "spiking-attention"):
        options = {"run": run, **options}
    with pytest.raises(Asked) as asked:
        study.simulate(**options, parts=tmp_path / "parts")
    (plan,) = asked.value.args
    if "weights" in plan:  # of the run that it was begun for
        plan["weights"] = PLANS[name]["weights"]
    assert plan == PLANS[name]
