"""Units of measured tables: what `units` says is read, and numbers are converted to those that a fit works in.

A unit is a product of powers, as people write it: "umolar", "nM", "µM", "mmol/m^3", "nmol L-1", "kHz", "1/min",
"spikes/s", "mm", "%". A table without `units` is taken to be in the unit that
the fit names, with a warning that says so.
"""

import re
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

Dimensions = tuple[float, ...]  # powers of metre, second, mole, volt

ONE: Dimensions = (0, 0, 0, 0)
LENGTH, TIME, RATE, AMOUNT, VOLUME = (1, 0, 0, 0), (0, 1, 0, 0), (0, -1, 0, 0), (0, 0, 1, 0), (3, 0, 0, 0)
MOLAR, VOLT = (-3, 0, 1, 0), (0, 0, 0, 1)

# symbol or word: factor to SI and dimensions; words may have an s behind them
PREFIXED: dict[str, tuple[float, Dimensions]] = {
    "m": (1, LENGTH), "metre": (1, LENGTH), "meter": (1, LENGTH),
    "s": (1, TIME), "sec": (1, TIME), "second": (1, TIME),
    "Hz": (1, RATE), "hz": (1, RATE), "hertz": (1, RATE),
    "mol": (1, AMOUNT), "mole": (1, AMOUNT),
    "M": (1e3, MOLAR), "molar": (1e3, MOLAR),
    "L": (1e-3, VOLUME), "l": (1e-3, VOLUME), "litre": (1e-3, VOLUME), "liter": (1e-3, VOLUME),
    "V": (1, VOLT), "volt": (1, VOLT),
}  # fmt: skip
PLAIN: dict[str, tuple[float, Dimensions]] = {
    "": (1, ONE), "1": (1, ONE), "dimensionless": (1, ONE), "fraction": (1, ONE), "ratio": (1, ONE),
    "%": (0.01, ONE), "percent": (0.01, ONE), "spike": (1, ONE), "event": (1, ONE), "count": (1, ONE),
    "vesicle": (1, ONE), "synapse": (1, ONE), "micron": (1e-6, LENGTH), "angstrom": (1e-10, LENGTH),
    "min": (60, TIME), "minute": (60, TIME), "h": (3600, TIME), "hr": (3600, TIME), "hour": (3600, TIME),
    "d": (86400, TIME), "day": (86400, TIME),
}  # fmt: skip
SYMBOLS = {"p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "d": 1e-1, "k": 1e3, "M": 1e6, "G": 1e9}
WORDS = {"pico": 1e-12, "nano": 1e-9, "micro": 1e-6, "milli": 1e-3, "centi": 1e-2, "deci": 1e-1, "kilo": 1e3}
WORDS |= {"mega": 1e6, "giga": 1e9}
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹µμ·×−", "-0123456789uu**-")
FACTOR = re.compile(r"(%|1(?![0-9])|[A-Za-z]+)\s*(?:(?:\*\*|\^)?\s*\(?([+-]?\d+)\)?)?")


def in_units(dataset: xr.Dataset, units: Mapping[str, str]) -> xr.Dataset:
    """The dataset with these variables and coordinates in these units, of those that it has.

    ValueError in one sentence for a dimension without values, or a unit that is not known or of another quantity.
    """
    for name, unit in units.items():
        if name not in dataset.variables:
            if name in dataset.dims:
                raise ValueError(f"{name} has no values; give the dataset a coordinate {name} in {unit}")
            continue
        measured = dataset[name]
        if measured.dtype.kind not in "biufm":
            raise ValueError(f"{name} holds no numbers but {measured.dtype}; give numbers in {unit}")
        scale, numbers = 1.0, measured
        if measured.dtype.kind == "m":  # times that xarray has read already
            scale, numbers = conversion("s", unit, name), measured / np.timedelta64(1, "s")
        elif "units" in measured.attrs:
            scale = conversion(_text(measured.attrs["units"]), unit, name)
        elif unit != "1":
            warnings.warn_explicit(f"{name} has no units; it is taken in {unit}", UserWarning, "measurement", 1)
        converted = numbers.astype(float) if scale == 1 else numbers.astype(float) * scale
        dataset = dataset.assign({name: converted.assign_attrs({**measured.attrs, "units": unit})})
    return dataset


def conversion(given: str, wanted: str, name: str) -> float:
    """What numbers in the unit `given` are multiplied by to be in `wanted`. ValueError, naming what is measured."""
    to, dimensions = known = _read(wanted) or (1.0, ONE)
    read = known if given == wanted else _read(given)
    if read is None:
        raise ValueError(f"{name} is in {given!r}, which is no known unit; give it in {wanted}")
    if read[1] != dimensions:
        raise ValueError(f"{name} is in {given!r}, which is no unit like {wanted}; give it in {wanted}")
    ratio = read[0] / to
    return float(f"{ratio:.15g}")  # 1e-9 / 1e-6 is 0.001


def plain_number(value: Any, unit: str, name: str) -> float:
    """A number in `unit`, given as such or as a quantity of Brian2. ValueError if that has another unit."""
    dimensions = getattr(value, "dim", None)
    if dimensions is None or getattr(value, "is_dimensionless", False):
        return float(value)
    to, wanted = _read(unit) or (1.0, ONE)
    named = ("metre", "second", "mole")
    powers = tuple(float(dimensions.get_dimension(base)) for base in named)
    if powers != wanted[:3] or wanted[3] or any(dimensions.get_dimension(base) for base in ("kg", "A", "K", "candle")):
        raise ValueError(f"{name} {value} has the wrong unit; give it in {unit}")
    return float(f"{float(value) / to:.15g}")


def _text(units: Any) -> str:
    return units.decode(errors="replace") if isinstance(units, bytes) else str(units)


def _read(text: str) -> tuple[float, Dimensions] | None:
    """Factor to SI and dimensions of a unit; None if it is not known."""
    text = text.strip().translate(SUPERSCRIPTS)
    text = re.sub(r"\bper\b", "/", text).replace("(", " ").replace(")", " ") if "/(" not in text else text
    scale, powers, sign, place = 1.0, np.zeros(4), 1, 0
    grouped = False
    while place < len(text):
        mark = text[place]
        if mark in " \t*.":
            place += 1
        elif mark == "/":
            sign, place = -1, place + 1
            if text[place : place + 1] == "(":
                grouped, place = True, place + 1
        elif mark == ")" and grouped:
            grouped, sign, place = False, 1, place + 1
        else:
            match = FACTOR.match(text, place)
            one = _one(match[1]) if match else None
            if match is None or one is None:
                return None
            power = sign * int(match[2] or 1)
            scale, powers = scale * one[0] ** power, powers + power * np.array(one[1])
            sign, place = sign if grouped else 1, match.end()
    return scale, tuple(powers.tolist())


def _one(word: str) -> tuple[float, Dimensions] | None:
    """One factor of a unit, such as "umolar", "kHz", "nanomoles"."""
    for each in (word, word.lower() if len(word) > 3 else word):
        for name in (each, each[:-1] if len(each) > 3 and each.endswith("s") else each):
            if name in PLAIN:
                return PLAIN[name]
            if name in PREFIXED:
                return PREFIXED[name]
            for prefixes in (WORDS, SYMBOLS):
                for prefix, scale in prefixes.items():
                    if name.startswith(prefix) and (base := name.removeprefix(prefix)) in PREFIXED:
                        return scale * PREFIXED[base][0], PREFIXED[base][1]
    return None
