"""What the dataset of a study says of itself: study and options, what each variable means, where it came from."""

import math
from collections.abc import Collection, Mapping
from typing import Any

import xarray as xr

MOST_NUMBERS = 10**7  # of a variable of a dataset
MOST_CELLS = 10**6  # and synapses that are simulated at once
PROVENANCE = "provenance_"
Meaning = str | tuple[str, str]  # unit and meaning; the meaning alone of a number without a unit


def labelled(dataset: xr.Dataset, meanings: Mapping[str, Meaning], attributes: Mapping[str, Any]) -> xr.Dataset:
    """`dataset` with these attributes (study, title, options, ...) and the unit and meaning of each named variable.

    They take the place of those that it had.
    """
    for name, meaning in meanings.items():
        units, text = ("1", meaning) if isinstance(meaning, str) else meaning
        dataset[name].attrs = {"units": units, "long_name": text}
    dataset.attrs = dict(attributes)
    return dataset


def check_size(most: float = MOST_NUMBERS, **counts: int) -> None:
    """ValueError, before anything is computed, for a study of so many numbers that it fits no memory and takes days."""
    size = math.prod(counts.values())
    if size > most:
        words = " x ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items())
        raise ValueError(f"{words} are too many to compute; use at most {most:,.0f} together")


def check_lists(**lists: Collection[Any]) -> None:
    """ValueError for a list that leaves nothing to compute."""
    for name, values in lists.items():
        if not len(values):
            raise ValueError(f"{name} holds no value; give at least one")


def unfolded(dataset: xr.Dataset, axes: Mapping[str, Any]) -> xr.Dataset:
    """`dataset` with these dims in place of `point`, its first, which counts all combinations of their values."""
    shape = [len(values) for values in axes.values()]
    arrays = {
        name: ([*axes, *array.dims[1:]], array.values.reshape(*shape, *array.shape[1:]), array.attrs)
        for name, array in dataset.items()
    }
    return xr.Dataset(arrays, {**axes, **dataset.coords}, dataset.attrs)


def stamped(dataset: xr.Dataset, provenance: Mapping[str, str]) -> xr.Dataset:
    """`dataset` with its provenance, as whoever runs a study knows it (astromorph/runs/provenance.py)."""
    return dataset.assign_attrs({f"{PROVENANCE}{key}": text for key, text in provenance.items()})


def provenance_of(dataset: xr.Dataset) -> dict[str, str]:
    """What `stamped` has written."""
    attributes = {str(name): str(text) for name, text in dataset.attrs.items()}
    return {name.removeprefix(PROVENANCE): text for name, text in attributes.items() if name.startswith(PROVENANCE)}
