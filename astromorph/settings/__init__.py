"""Every setting of a training run, one frozen dataclass a data set.

A run is described by the differences from the defaults (`--config FILE.yaml` or single options); the resolved settings
are stored in the run folder. What can be wrong with a value is said here, before anything is loaded. A new data set is
a file here, its class in the table below, and a file of astromorph/tasks.
"""

from astromorph.names import choose
from astromorph.settings.cifar10 import Cifar10Settings
from astromorph.settings.digits import DigitsSettings
from astromorph.settings.imdb import ImdbSettings
from astromorph.settings.responses import CalciumResponse, SynapticRelease
from astromorph.settings.spiking import ReadoutOf, ShdSettings, SpikingSettings, SpokenDigitsSettings, SscSettings
from astromorph.settings.training import TrainingSettings
from astromorph.settings.transformers import ClassifierSettings, TransformerSettings
from astromorph.settings.wikitext2 import Wikitext2Settings

__all__ = [
    "SETTINGS",
    "CalciumResponse",
    "Cifar10Settings",
    "ClassifierSettings",
    "DigitsSettings",
    "ImdbSettings",
    "ReadoutOf",
    "Settings",
    "ShdSettings",
    "SpikingSettings",
    "SpokenDigitsSettings",
    "SscSettings",
    "SynapticRelease",
    "TrainingSettings",
    "TransformerSettings",
    "Wikitext2Settings",
    "named",
    "names",
]

Settings = TrainingSettings
SETTINGS: dict[str, type[TrainingSettings]] = {
    settings.data_set: settings
    for settings in (
        ImdbSettings,
        Cifar10Settings,
        Wikitext2Settings,
        DigitsSettings,
        SpokenDigitsSettings,
        ShdSettings,
        SscSettings,
    )
}


def names() -> dict[str, str]:
    """The data sets that can be trained on, and what is trained."""
    return {name: (settings.__doc__ or "").split("\n")[0] for name, settings in SETTINGS.items()}


def named(name: str) -> type[TrainingSettings]:
    """The settings of a data set. ValueError with the known ones if there is none of this name."""
    return SETTINGS[choose("data set", name, SETTINGS)]
