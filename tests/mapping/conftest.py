"""A small spiking classifier and inputs for it, as functions."""

import numpy as np
import pytest
import torch

from astromorph.models.spiking_classifier import SpikingClassifier


@pytest.fixture
def classifier():
    return _classifier


@pytest.fixture
def inputs():
    return _inputs


def _classifier(kind="synapse", delays="learned", *, seed=0, readout="softmax", tau=1.5):
    """Deployed, 12 inputs, 16 and 10 hidden neurons, 4 classes; batch norm as after training."""
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
    chance = np.random.default_rng(seed)
    return torch.tensor(chance.binomial(most, rate, (count, time, channels)))
