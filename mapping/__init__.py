"""The bridge between physiology and networks, both ways.

Upwards, what biophys has measured becomes numbers without units, of which astromorph makes its networks:

    fit          datasets, or their files, fitted; what each holds is recognised
    read, write  the coefficients of fits, as a YAML file
    as_settings  coefficients as settings of a training

Downwards, a trained network runs as neurons and astrocytes:

    to_brian2         a model or the run of a training, in Brian2
    to_nir, from_nir  a spiking network, as a file for other libraries

Each is loaded when it is used: `import mapping` loads neither torch nor Brian2. The single fits are in their modules.
"""

import os
import sys

HOME = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TYPE_CHECKING = False  # type checkers take it for True; `typing` and `importlib` would make the import slow
if TYPE_CHECKING:
    from typing import Any

    from mapping.brian2_models import to_brian2
    from mapping.coefficients import Coefficients, as_settings, read, write
    from mapping.fits import fit
    from mapping.nir_exchange import from_nir, to_nir

__all__ = ["Coefficients", "as_settings", "fit", "from_nir", "read", "to_brian2", "to_nir", "write"]
MODULES = {"fit": "fits", "from_nir": "nir_exchange", "to_brian2": "brian2_models", "to_nir": "nir_exchange"}


def refuse_shadows() -> None:
    """ImportError in one sentence if another file has the place of a package of ours, which then cannot be imported."""
    for name in ("astromorph", "biophys"):
        module = sys.modules.get(name)
        finders = () if module is not None else sys.meta_path  # importlib.util would cost twenty modules
        specs = (finder.find_spec(name, None) for finder in finders)
        spec = module.__spec__ if module is not None else next(filter(None, specs), None)
        file = spec and spec.origin
        if file and os.path.dirname(os.path.dirname(os.path.realpath(file))) != HOME:
            raise ImportError(f"{file} hides the package {name} of Astromorph; rename it, or start Python elsewhere")


refuse_shadows()


def __getattr__(name: str) -> "Any":
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"mapping.{MODULES.get(name, 'coefficients')}"), name)


def __dir__() -> list[str]:
    return __all__
