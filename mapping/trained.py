"""The torch network that goes down the bridge: a model as it is, or that of the run of a training."""

import os

from torch import nn

from astromorph.models.from_settings import CLASS_NAMES
from astromorph.models.spiking_classifier import SpikingClassifier
from astromorph.runs.pretrained import AstromorphicClassifier
from astromorph.runs.run_folder import RunFolder
from astromorph.runs.trained_network import trained_network

Model = nn.Module | AstromorphicClassifier | RunFolder | str | os.PathLike


def name_of(model: Model) -> str:
    """What a message calls it."""
    if isinstance(model, nn.Module | AstromorphicClassifier):
        return type(model).__name__
    return f"run {model.path if isinstance(model, RunFolder) else model}"


def network_of(model: Model) -> tuple[nn.Module, float | None]:
    """The network, a spiking one as it is deployed, and its time step in s where a run says it.

    model: a network, an AstromorphicClassifier, or a run (its folder, path, or the name of a shipped model).
    FileNotFoundError or ValueError if a run has none.
    """
    if isinstance(model, SpikingClassifier):
        return model.deployed(), None
    if isinstance(model, nn.Module):
        return model, None
    if isinstance(model, AstromorphicClassifier):
        return model.model, None
    folder = model if isinstance(model, RunFolder) else RunFolder.open(model)
    if folder.data_set in CLASS_NAMES:
        return AstromorphicClassifier.from_pretrained(folder.path).model, None
    network, settings, _ = trained_network(folder.path)
    return network, settings.frame
