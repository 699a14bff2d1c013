"""Names chosen from a table: an unknown one gets a sentence with the known ones and the likely intention.

A room of parts that can be exchanged (astromorph/neurons, learning_rules, quantisation, early_exit, equilibrium) is
such a table and one contract. A part is the public class (CamelCase) or function (snake_case) of the file of its name,
imported when it is asked for.
"""

import importlib
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any


def choose(what: str, word: str, known: Iterable[str]) -> str:
    """`word` if it is known. ValueError that lists the known ones otherwise."""
    names = list(known)
    if word in names:
        return word
    raise ValueError(f"there is no {what} {word!r}{meant(str(word), names)}; use one of {', '.join(names)}")


def meant(word: str, names: Iterable[str]) -> str:
    """ " (did you mean ...?)" if a name is close or begins like it, else nothing."""
    known = list(names)
    close = get_close_matches(word, known, n=1) or [name for name in known if word and name.startswith(word)]
    return f" (did you mean {close[0]}?)" if close else ""


def room(package: str, what: str, table: dict[str, str]) -> tuple[Callable[[], dict[str, str]], Callable[[str], Any]]:
    """`names` and `named` of a room, from its package, what it holds, and a sentence about each part."""

    def names() -> dict[str, str]:
        """The parts of this room and a sentence about each."""
        return dict(table)

    def named(name: str) -> Any:
        """The class or function of a part. ValueError with the known ones if there is none of this name."""
        file = choose(what, name, table).replace("-", "_")
        module = importlib.import_module(f"{package}.{file}")
        camel_case = "".join(word.capitalize() for word in name.split("-"))
        return getattr(module, camel_case if hasattr(module, camel_case) else file)

    return names, named
