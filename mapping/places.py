"""Where a measurement is taken along its further dimensions, such as {"loop": "none", "degradation": 0.5}."""

from collections.abc import Collection, Mapping

import xarray as xr

Place = float | str


def indices(measured: xr.DataArray, along: Collection[str], at: Mapping[str, Place]) -> dict[str, int]:
    """Index of the place along every dimension but those of `along`, to give to `isel`.

    Numbers may be given as text. A dimension of one place need not be named. ValueError for a dimension or a place that
    is not there, or a dimension of several places that is not named.
    """
    others = [str(dim) for dim in measured.dims if dim not in along]
    if unknown := [name for name in at if name not in others]:
        raise ValueError(
            f"{measured.name} does not vary with {unknown[0]}; choose along {', '.join(others) or 'nothing'}"
        )
    return {dim: _index(measured, dim, at.get(dim)) for dim in others}


def _index(measured: xr.DataArray, dim: str, place: Place | None) -> int:
    places = measured[dim].values.tolist()
    if place is None and len(places) == 1:
        return 0
    for number, each in enumerate(places):
        if _same(each, place):
            return number
    state = f"varies with {dim} too" if place is None else f"is not known at {dim} {_text(place)}"
    raise ValueError(f"{measured.name} {state}; choose one of {', '.join(map(_text, places))}")


def _same(place: Place, wanted: Place | None) -> bool:
    if wanted is None or isinstance(place, str):
        return place == wanted
    try:
        return float(wanted) == place
    except ValueError:
        return False


def _text(place: Place) -> str:
    return place if isinstance(place, str) else f"{place:g}"
