"""A small spiking classifier and inputs for it, as functions; without torch, tests that need it are left out."""

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest


def needs_torch(source: str) -> bool:
    """Whether what a file imports at its head leads to torch, which is not installed."""
    try:
        for node in ast.parse(source).body:
            if isinstance(node, ast.Import):
                for name in node.names:
                    import_module(name.name)
            elif isinstance(node, ast.ImportFrom) and node.module:
                module = import_module(node.module)
                for name in node.names:
                    getattr(module, name.name, None)
    except ModuleNotFoundError as error:
        return error.name == "torch"
    return False


collect_ignore: list[str] = []
if find_spec("torch") is None:
    tests = Path(__file__).parent.glob("test_*.py")
    collect_ignore = [test.name for test in tests if needs_torch(test.read_text(encoding="utf-8"))]


@pytest.fixture
def classifier():
    return _classifier


@pytest.fixture
def inputs():
    return _inputs


def _classifier(kind="synapse", delays="learned", *, seed=0, readout="softmax", tau=1.5):
    """Deployed, 12 inputs, 16 and 10 hidden neurons, 4 classes; batch norm as after training."""
    import torch

    from astromorph.models.spiking_classifier import SpikingClassifier

    torch.manual_seed(seed)
    model = SpikingClassifier(12, [16, 10], 4, 9, delays=delays, kind=kind, tau=tau, readout=readout)
    for layer in model.hidden:
        layer.norm.running_mean.normal_(0, 0.3)
        layer.norm.running_var.uniform_(0.3, 1.5)
        with torch.no_grad():
            layer.norm.weight.uniform_(0.5, 1.5)
            layer.norm.bias.normal_(0.3, 0.4)
    return model.deployed()


def _inputs(count, time=20, channels=12, *, rate=0.2, most=1, seed=1):
    import torch

    chance = np.random.default_rng(seed)
    return torch.tensor(chance.binomial(most, rate, (count, time, channels)))
