"""The network of a run on a spiking data set, as it is deployed; its recordings are not needed."""

from pathlib import Path

import numpy as np

from astromorph.data.spiking_hdf5 import SpikingRecordings
from astromorph.files.tensors import load_weights
from astromorph.models.spiking_classifier import DeployedClassifier, SpikingClassifier
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import SpikingSettings
from astromorph.tasks.spiking import spiking_task


def trained_network(run: Path) -> tuple[DeployedClassifier, SpikingSettings, RunFolder]:
    """With its settings and folder. ValueError or FileNotFoundError if the run has none."""
    folder = RunFolder.open(run)
    settings = folder.settings
    if not isinstance(settings, SpikingSettings):
        raise ValueError(
            f"run {run} is trained on {folder.data_set}, which has no spikes; use one on a spiking data set"
        )
    weights = folder.path / "weights.safetensors"
    if not weights.is_file():
        raise FileNotFoundError(f"run {run} has no weights yet; continue it with --resume {run}")
    nobody = np.zeros(0, np.int64)
    none = SpikingRecordings(np.zeros((0, settings.frames, settings.channels), np.uint8), nobody, nobody, ())
    model = spiking_task(settings, none, none, none).model
    load_weights(model, weights)
    assert isinstance(model, SpikingClassifier)
    return model.eval().deployed(), settings, folder
