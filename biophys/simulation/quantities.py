"""Quantities as text: "0.9*umolar/second" read without running code, and written back in a fitting unit.

A list of values is a list of numbers (lists.py) with the unit that holds for all of them: "1,2,5*Hz".
"""

import ast
import operator
import re
from collections.abc import Callable
from numbers import Real
from typing import Any

import brian2
import numpy as np
from brian2 import Quantity, ms, second
from brian2.core.namespace import DEFAULT_UNITS
from brian2.units.fundamentalunits import get_dimensions, have_same_dimensions

from biophys.simulation.debug_log import drop_debug_log
from biophys.simulation.lists import read_numbers

drop_debug_log()

UNREADABLE: tuple[type[Exception], ...] = (
    SyntaxError,
    ZeroDivisionError,
    OverflowError,
    TypeError,
    RecursionError,
    MemoryError,
)
UNREADABLE += (brian2.DimensionMismatchError,)
MOST_VALUES = 100_000  # of one list
LONG_TIME = 0.1 * second  # shorter ones are written in ms
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def unit_text(like: Any) -> str:
    """The unit that quantities such as `like` are written in: "umolar/second", "1" for a pure number."""
    return _written_unit(like)[1]


def written(value: Any, digits: int = 12) -> str:
    """One quantity as text: "0.9 umolar/second", "0.6", "3"."""
    unit, text = _written_unit(value)
    number = f"{float(value / unit):.{digits}g}"
    return number if text == "1" else f"{number} {text}"


def typed(value: Any) -> str:
    """One quantity as it is typed: "0.9*umolar/second"."""
    return written(value).replace(" 1/", "/").replace(" ", "*")


def magnitudes(values: Any, like: Any) -> np.ndarray:
    """Plain numbers of `values` in the unit that `like` is written in."""
    return np.asarray(values / _written_unit(like)[0], float)


def read_quantity(value: Any, like: Any, name: str) -> Any:
    """A quantity or number, or the one that a text spells, with the dimensions of `like` (whole if `like` is).

    ValueError, naming `name`, if it is no quantity or has other units.
    """
    if isinstance(value, str):
        return _checked(evaluated(value, name), like, name, value)
    single = value.ndim == 0 if isinstance(value, Quantity) else isinstance(value, Real)
    if not single or isinstance(value, bool):
        raise ValueError(f"{name}={value} is no quantity; give a number with a unit, such as {typed(like)}")
    return _checked(value, like, name, typed(value))


def read_quantities(values: Any, like: Any, name: str) -> list[Any]:
    """A list of quantities, or the one that a text spells (see above).

    ValueError as for read_quantity, or if a value comes twice.
    """
    if isinstance(values, str):
        split = re.fullmatch(r"([^*/]*)([*/].+)?", values.replace(" ", ""))
        plain, unit = split.groups(default="") if split else (values, "")
        read = read_numbers(plain, name, counts=isinstance(like, int), most=MOST_VALUES)
        several = [_checked(evaluated(f"{number:.12g}{unit}", name), like, name, values) for number in read]
    else:
        several = [read_quantity(value, like, name) for value in (values if np.ndim(values) else [values])]
    if len({float(value) for value in several}) < len(several):
        raise ValueError(f"{name} holds a value twice; give each once")
    return several


def _written_unit(like: Any) -> tuple[Any, str]:
    if not isinstance(like, Quantity) or like.is_dimensionless:
        return 1, "1"
    for text, unit in WRITTEN_UNITS.items():
        if have_same_dimensions(like, unit):
            short = text == "second" and abs(np.max(like)) < LONG_TIME
            return (ms, "ms") if short else (unit, text)
    unit = like.get_best_unit()
    return unit, str(unit)


def evaluated(text: str, name: str) -> Any:
    """Numbers, unit names, * / ** and a leading minus, and nothing else."""
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    wrong = f"{name}={shown} is no quantity; write a number with a unit, such as 0.9*umolar/second"

    def value(node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return float(number)  # so that 9**9**9 overflows instead of running for ever
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return OPERATORS[type(op)](value(left), value(right))
            case ast.Name(id=unit) if unit in DEFAULT_UNITS:
                return DEFAULT_UNITS[unit]
            case ast.Name(id=unit):
                raise ValueError(f"{name}={text}: there is no unit {unit!r}; use units of Brian2 such as Hz or umolar")
        raise ValueError(wrong)

    try:
        read = value(ast.parse(text, mode="eval").body)
        float(read)  # a root of a negative number is none
        return read
    except UNREADABLE as error:
        raise ValueError(wrong) from error


def _checked(value: Any, like: Any, name: str, text: str) -> Any:
    if get_dimensions(value) is not get_dimensions(like):
        unit = unit_text(like)
        if unit == "1":
            raise ValueError(f"{name}={text} has a unit, but {name} is a pure number; leave the unit out")
        told = "has no unit" if get_dimensions(value) is get_dimensions(1) else "has the wrong unit"
        raise ValueError(f"{name}={text} {told}; write it in {unit}, such as {name}={typed(like)}")
    if not np.isfinite(float(value)):
        raise ValueError(f"{name}={text} is not finite; use a number")
    if isinstance(like, int) and not isinstance(like, bool):
        if float(value) != int(float(value)):
            raise ValueError(f"{name}={text} is not a whole number; use one such as {like}")
        return int(float(value))
    return value if isinstance(value, Quantity) else float(value)


# units a quantity is written in, the first that fits
UNIT_TEXTS = "umolar umolar/second 1/(umolar*second) 1/umolar second 1/second mV mV/ms pA nS pF Mohm um um**2/second"
UNIT_TEXTS += " 1/mV ohm*cm ohm*cm**2 uF/cm**2"
WRITTEN_UNITS = {text: evaluated(text, "unit") for text in UNIT_TEXTS.split()}
