"""Parameters of a network: named sections of values, each with a unit and a meaning.

A mechanism's file lists its parameters as a NamedTuple of quantities, a line each, with the meaning as the comment
behind it; `section` takes them from there. A user changes one by its path: `astrocyte.O_P=0.9*umolar/second`.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

from biophys.simulation.quantities import read_quantities, read_quantity, written


class Range(NamedTuple):
    """Which values make sense, and what is said of another one."""

    holds: Callable[[Any], bool]
    rule: str


ANY = Range(lambda value: True, "")
NOT_NEGATIVE = Range(lambda value: value >= 0, "is negative; use 0 or more")
ABOVE_ZERO = Range(lambda value: value > 0, "is not above 0; use more")
SHARE = Range(lambda value: 0 <= value <= 1, "is no share; use one from 0 to 1")


class Parameter(NamedTuple):
    """A default value (a Quantity, a pure number, or a whole number that shapes the network), its meaning and range."""

    value: Any
    meaning: str
    range: Range = ANY


Fields = TypeVar("Fields")
Section = dict[str, Parameter]
Sections = Mapping[str, Section]
Values = Mapping[str, Mapping[str, Any]]  # by section and name: scalars, or arrays of one value a copy


def ranges(*, above_zero: str = "", shares: str = "", signed: str = "") -> Callable[[type[Fields]], type[Fields]]:
    """Decorates a NamedTuple of parameters with the names of those that must be above 0, shares, or of either sign.

    All others must be 0 or more. Parameters of a NamedTuple without this decorator may be anything.
    """
    named = {
        name: each
        for names, each in ((above_zero, ABOVE_ZERO), (shares, SHARE), (signed, ANY))
        for name in names.split()
    }

    def declared(fields: type[Fields]) -> type[Fields]:
        known = fields._fields  # type: ignore[attr-defined]
        if unknown := named.keys() - set(known):
            raise TypeError(f"{fields.__name__} has no parameter {min(unknown)}; name those that it has")
        fields.ranges = {name: named.get(name, NOT_NEGATIVE) for name in known}  # type: ignore[attr-defined]
        return fields

    return declared


def section(defaults: NamedTuple, *names: str, used_in: str = "") -> Section:
    """Parameters of a NamedTuple, or those named or used in equations, with the comments behind them as meanings."""
    try:
        source = inspect.getsource(type(defaults))
    except (OSError, TypeError):  # typed at a prompt: there is no file to read comments from
        source = ""
    comments = dict(re.findall(r"^    (\w+):.*?  # ((?:(?!  #).)*)", source, re.MULTILINE))
    known = getattr(type(defaults), "ranges", {})
    values, used = defaults._asdict(), re.findall(r"\w+", used_in)
    chosen = names or [name for name in values if not used_in or name in used]
    return {name: Parameter(values[name], comments.get(name, ""), known.get(name, ANY)) for name in chosen}


def assigned(texts: Sequence[str]) -> dict[str, str]:
    """Path and value of texts such as "astrocyte.O_P=0.9*umolar/second". ValueError if a path comes twice."""
    values: dict[str, str] = {}
    for text in texts:
        path, equals, value = map(str.strip, text.partition("="))
        if not (path and value):
            raise ValueError(f"{text!r} sets nothing; write section.parameter=value*unit, such as stimulus.rate=5*Hz")
        if path in values:
            raise ValueError(f"{path} is given twice; give it once")
        values[path] = value
    return values


def read_values(sections: Sections, values: Mapping[str, Any]) -> dict[str, Any]:
    """The quantity of each path, given as such, as a number or as a text. ValueError in one sentence."""
    return {path: read_quantity(value, parameter(sections, path).value, path) for path, value in values.items()}


def read_axes(sections: Sections, axes: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The quantities of each path, given as a list or as the text of one. ValueError in one sentence."""
    return {path: read_quantities(values, parameter(sections, path).value, path) for path, values in axes.items()}


def parameter(sections: Sections, path: str) -> Parameter:
    """The parameter at `path`. ValueError that names the known ones."""
    name, _, field = path.partition(".")
    if name in sections and field in sections[name]:
        return sections[name][field]
    paths = [f"{known}.{field}" for known, fields in sections.items() for field in fields]
    if close := get_close_matches(path, paths, n=1, cutoff=0.85):
        raise ValueError(f"there is no parameter {path!r}; did you mean {close[0]}?")
    known = ", ".join(paths if name not in sections else (f"{name}.{field}" for field in sections[name]))
    raise ValueError(f"there is no parameter {path!r}; use one of {known}")


def table(sections: Sections) -> str:
    """A line a parameter: path, default and meaning."""
    lines = [
        (f"{name}.{field}", written(parameter.value, digits=6), parameter.meaning)
        for name, fields in sections.items()
        for field, parameter in fields.items()
    ]
    path, value = (max(len(line[column]) for line in lines) for column in (0, 1))
    return "\n".join(f"  {line[0]:<{path}}  {line[1]:<{value}}  {line[2]}".rstrip() for line in lines)
