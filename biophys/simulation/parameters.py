"""Parameters of a network: named sections of values, each with a unit and a meaning.

A mechanism's file lists its parameters as a NamedTuple of quantities, a line each, with the meaning as the comment
behind it; `section` takes them from there. A user changes one by its path: `astrocyte.O_P=0.9*umolar/second`.
"""

import inspect
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from biophys.simulation.quantities import read_quantities, read_quantity, written


class Parameter(NamedTuple):
    """A default value (a Quantity, a pure number, or a whole number that shapes the network) and its meaning."""

    value: Any
    meaning: str


Section = dict[str, Parameter]
Sections = Mapping[str, Section]


def section(defaults: NamedTuple, *names: str) -> Section:
    """The parameters of a NamedTuple, or those named, with the comments behind its fields as meanings."""
    comments = dict(re.findall(r"^    (\w+):.*?  # ((?:(?!  #).)*)", inspect.getsource(type(defaults)), re.MULTILINE))
    values = defaults._asdict()
    return {name: Parameter(values[name], comments.get(name, "")) for name in names or values}


def assigned(sections: Sections, texts: Sequence[str]) -> dict[str, Any]:
    """Values by path from texts such as "astrocyte.O_P=0.9*umolar/second". ValueError in one sentence."""
    values: dict[str, Any] = {}
    for text in texts:
        path, value = _split(text)
        if path in values:
            raise ValueError(f"{path} is set twice; set it once")
        values[path] = read_quantity(value, parameter(sections, path).value, path)
    return values


def axis(sections: Sections, text: str) -> tuple[str, list[Any]]:
    """Path and values from a text such as "stimulus.rate=1,2,5*Hz". ValueError in one sentence."""
    path, values = _split(text)
    return path, read_quantities(values, parameter(sections, path).value, path)


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
        (f"{name}.{field}", written(parameter.value), parameter.meaning)
        for name, fields in sections.items()
        for field, parameter in fields.items()
    ]
    path, value = (max(len(line[column]) for line in lines) for column in (0, 1))
    return "\n".join(f"  {line[0]:<{path}}  {line[1]:<{value}}  {line[2]}".rstrip() for line in lines)


def _split(text: str) -> tuple[str, str]:
    path, equals, value = text.partition("=")
    if not (equals and path.strip() and value.strip()):
        raise ValueError(f"{text!r} sets nothing; write section.parameter=value*unit, such as stimulus.rate=5*Hz")
    return path.strip(), value.strip()
