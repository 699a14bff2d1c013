"""Physiology of neurons and astrocytes in SI units; knows nothing of torch or of learning.

    networks    the ready-made networks and a sentence about each
    ready       one of them; printed, it lists its parameters and what can be recorded
    simulate    one of them at one point of its parameters
    sweep       one of them at every point of a grid
    load, save  datasets as NetCDF files
    patterns    the exact theory of sparse patterns on dendritic segments

Each is loaded when it is used: `import biophys` loads neither Brian2 nor xarray, and `biophys.patterns` needs neither.

A network of one's own is made of the modules: `biophys.synapse` and `biophys.astrocyte` hold parameters and equations,
`biophys.simulation.stimulus` makes spikes, `biophys.tripartite` assembles a network and labels what it recorded,
`biophys.simulation.simulate` runs it and `biophys.simulation.recording` writes the dataset.
"""

import sys

BRIAN2_CAME_FIRST = "brian2" in sys.modules  # whose log is then its owner's (biophys/simulation/debug_log.py)
TYPE_CHECKING = False  # type checkers take it for True; `typing` and `importlib` would make the import slow
if TYPE_CHECKING:
    from biophys import patterns
    from biophys.ready_networks import networks, ready
    from biophys.simulation.by_name import simulate, sweep
    from biophys.simulation.recording import load, save

__all__ = ["load", "networks", "patterns", "ready", "save", "simulate", "sweep"]
MODULES = {
    "load": "biophys.simulation.recording",
    "networks": "biophys.ready_networks",
    "ready": "biophys.ready_networks",
    "save": "biophys.simulation.recording",
    "simulate": "biophys.simulation.by_name",
    "sweep": "biophys.simulation.by_name",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "patterns":
        return import_module("biophys.patterns")
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(MODULES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
