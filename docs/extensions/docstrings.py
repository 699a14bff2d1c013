"""What the reference makes of the source: docstrings, the comments behind the fields of a record, short signatures.

A public name without a docstring is a warning, and `make docs` takes warnings for errors. Sections such as "Args:" are
Google's, read by napoleon; but the first words of a property are a sentence, not a type, whatever colon is in it. What
stands indented after a colon and an empty line is code.
"""

import inspect
import re
import sys

from numpy.typing import ArrayLike
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata, stringify_annotation

logger = logging.getLogger(__name__)
ARRAY_LIKE = stringify_annotation(ArrayLike, "smart")  # printed, it is the long union that it stands for
FIELD = re.compile(r"^    (\w+):.*?  # ((?:(?!  #).)*)$", re.MULTILINE)


def read(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    if not any(line.strip() for line in lines):
        logger.warning("%s has no docstring; say what it is, its shapes and units", name)
    lines[:] = [re.sub(r"\|([^\s|`]+)\|", r"\\|\1|", line) for line in lines]  # sizes |x|, not substitutions
    lines[:] = re.sub(r":\n\n(?=    )", "::\n\n", "\n".join(lines)).split("\n")
    if what not in ("attribute", "data", "property"):
        lines[:] = GoogleDocstring(lines, Config(), app, what, name, obj, options).lines()
    if inspect.isclass(obj):
        lines += ["", *fields(obj)]


def fields(record: type) -> list[str]:
    """A line for each field of a dataclass or named tuple that has a comment behind it."""
    names = getattr(record, "__dataclass_fields__", {}).keys() | set(getattr(record, "_fields", ()))
    parents = [parent for parent in reversed(record.__mro__) if names & vars(parent).get("__annotations__", {}).keys()]
    comments = dict(pair for parent in parents for pair in FIELD.findall(inspect.getsource(parent)))
    ordered = [name for name in inspect.signature(record).parameters if name in comments] if names else []
    return [f":param {name}: {comments[name]}" for name in ordered]


def left_out(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Plain values and default functions in a class, whose fields stand with it, and what a parent says already."""
    if what != "class":
        return None
    if isinstance(obj, property) and not obj.__doc__:
        return said_by_a_parent(obj, name) or None
    described = callable(obj) or isinstance(obj, property | classmethod | staticmethod)
    return True if not described or getattr(obj, "__name__", "") == "<lambda>" else None


def said_by_a_parent(given: property, name: str) -> bool:
    """Whether a class further up has a docstring for the property."""
    owner = getattr(sys.modules[given.fget.__module__], given.fget.__qualname__.split(".")[0])
    return any(getattr(vars(parent).get(name), "__doc__", None) for parent in owner.__mro__[1:])


def shorten(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    short = lambda text: text and text.replace(ARRAY_LIKE, "~numpy.typing.ArrayLike")
    return short(signature), short(returns)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("autodoc-process-docstring", read)
    app.connect("autodoc-process-signature", shorten)
    app.connect("autodoc-skip-member", left_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
