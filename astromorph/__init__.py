"""Attention modules built from neuron-astrocyte steady states, and the transformers trained with them.

`from astromorph import AstromorphicClassifier` loads a trained model (pretrained.py) and, only then, torch.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astromorph.runs.pretrained import AstromorphicClassifier

__all__ = ["AstromorphicClassifier"]
__version__ = "0.4.0"


def __getattr__(name: str) -> Any:
    if name == "AstromorphicClassifier":
        from astromorph.runs.pretrained import AstromorphicClassifier

        return AstromorphicClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
