"""Every setting of a training run, one frozen dataclass a data set.

A run is described by the differences from the defaults (`--config FILE.yaml` or single options); the resolved settings
are stored in the run folder. What can be wrong with a value is said here, before anything is loaded.
"""

from astromorph.settings.responses import CalciumResponse, SynapticRelease
from astromorph.settings.spiking import (
    ReadoutOf,
    ShdSettings,
    SpikingSettings,
    SpokenDigitsSettings,
    SscSettings,
)
from astromorph.settings.transformers import (
    Cifar10Settings,
    ClassifierSettings,
    DigitsSettings,
    ImdbSettings,
    TransformerSettings,
    Wikitext2Settings,
)

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
    "Wikitext2Settings",
]

Settings = TransformerSettings | SpikingSettings
SETTINGS = {
    "imdb": ImdbSettings,
    "cifar10": Cifar10Settings,
    "wikitext2": Wikitext2Settings,
    "digits": DigitsSettings,
    "spoken-digits": SpokenDigitsSettings,
    "shd": ShdSettings,
    "ssc": SscSettings,
}
