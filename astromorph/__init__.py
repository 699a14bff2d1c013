"""Attention modules built from neuron-astrocyte steady states, and the networks trained with them.

    AstromorphicClassifier          a trained model, to ask
    AstromorphicAttention           a layer for any model; astromorphic_attention is the function inside it
    Delays                          connections that learn how long a spike takes
    train, evaluate                 a run in a folder, and how good it is
    settings                        what a training can be told, a class a data set
    neurons, learning_rules, equilibrium, quantisation, early_exit     rooms of parts: names() and named(name)

Everything is imported when it is first asked for, so that the package loads at once.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from astromorph import early_exit, equilibrium, learning_rules, neurons, quantisation, settings
    from astromorph.attention import AstromorphicAttention, astromorphic_attention
    from astromorph.delays import Delays
    from astromorph.runs.pretrained import AstromorphicClassifier
    from astromorph.runs.train import train
    from astromorph.runs.trained import evaluate

__version__ = "0.6.0"
__all__ = [
    "AstromorphicAttention",
    "AstromorphicClassifier",
    "Delays",
    "astromorphic_attention",
    "early_exit",
    "equilibrium",
    "evaluate",
    "learning_rules",
    "neurons",
    "quantisation",
    "settings",
    "train",
]
_HOMES = {
    "AstromorphicAttention": "attention",
    "AstromorphicClassifier": "runs.pretrained",
    "Delays": "delays",
    "astromorphic_attention": "attention",
    "evaluate": "runs.trained",
    "train": "runs.train",
}


def __getattr__(name: str) -> "Any":
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    if name not in _HOMES:
        return importlib.import_module(f"{__name__}.{name}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
