"""The torch network that goes down the bridge: a model as it is, or that of the run of a training."""

import os
from typing import cast

from torch import nn

from astromorph.models.spiking_classifier import DeployedClassifier, SpikingClassifier
from astromorph.runs.pretrained import AstromorphicClassifier
from astromorph.runs.run_folder import RunFolder
from astromorph.runs.trained import trained_model
from astromorph.settings import SpikingSettings

Model = nn.Module | AstromorphicClassifier | RunFolder | str | os.PathLike


def spiking(run: RunFolder) -> bool:
    """Whether it trained a network that spikes."""
    return run.settings.kind == "spiking"


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
    if not spiking(folder):
        return AstromorphicClassifier.from_pretrained(folder.path).model, None
    return cast(SpikingClassifier, trained_model(folder)).deployed(), cast(SpikingSettings, folder.settings).frame


def spiking_network(model: Model) -> tuple[DeployedClassifier, float | None]:
    """The same of a spiking classifier. ValueError for any other network."""
    if isinstance(model, str | os.PathLike):
        model = RunFolder.open(model)
    network, step = (None, None) if isinstance(model, RunFolder) and not spiking(model) else network_of(model)
    if not isinstance(network, DeployedClassifier):
        raise ValueError(f"{name_of(model)} has no spikes; use one on a spiking data set")
    return network, step
