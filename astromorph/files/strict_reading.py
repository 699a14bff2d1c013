"""Reading what was written as a dataclass, strictly: every entry is there (unless it has a default), known, and of
its type. Whatever else a file holds is refused by the name of its entry.
"""

import reprlib
import sys
import types
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints


def read_as(expected: Any, value: Any, where: str = "the file") -> Any:
    """`value` as the expected type, through dataclasses and dictionaries; ValueError names the place."""
    origin, inner = get_origin(expected), get_args(expected)
    if expected is Any:
        return value
    if origin in (types.UnionType, Union):
        return None if value is None else read_as(inner[0], value, where)
    if is_dataclass(expected) or is_dataclass(origin):
        return _read_dataclass(expected, value, where)
    if origin is Literal:
        if value not in inner:
            raise ValueError(f"{where} is {shown(value)}, not one of {', '.join(inner)}")
        return value
    if origin is dict and isinstance(value, dict):
        return {read_as(str, key, where): read_as(inner[1], each, f"{where}.{key}") for key, each in value.items()}
    if origin in (list, tuple) and isinstance(value, list):
        return origin(read_as(inner[0], each, where) for each in value)
    if expected is float and type(value) in (int, float) and abs(value) <= sys.float_info.max:
        return float(value)
    if expected in (bool, int, str) and type(value) is expected:
        return value
    names = {float: "a finite number", int: "a whole number", str: "text", bool: "true or false"}
    raise ValueError(f"{where} is {shown(value)}, not {names.get(expected, 'a list or section')}")


def _read_dataclass(expected: Any, value: Any, where: str) -> Any:
    """Of a generic dataclass, the field of the type variable is read as its argument."""
    if not isinstance(value, dict):
        raise ValueError(f"{where} is {shown(value)}, not a section of named entries")
    kind, arguments = get_origin(expected) or expected, get_args(expected)
    names, prefix = {field.name: field.default for field in fields(kind)}, "" if where == "the file" else f"{where}."
    for name in value:
        if name not in names:
            raise ValueError(f"{prefix}{str(name)[:60]} is not a known entry of {where}")
    for name, default in names.items():
        if name not in value and default is MISSING:
            raise ValueError(f"{prefix}{name} is missing")
    hints = {name: arguments[0] if isinstance(hint, TypeVar) else hint for name, hint in get_type_hints(kind).items()}
    return kind(**{name: read_as(hints[name], value[name], f"{prefix}{name}") for name in value})


def shown(value: Any) -> str:
    """The value as Python writes it, cut short (also where it would be endless)."""
    text = reprlib.repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
