"""What the reference makes of the source: docstrings, the comments behind the fields of a record, short signatures.

A public name without a docstring is a warning, and `make docs` takes warnings for errors. Sections such as "Args:" are
Google's, read by napoleon; but the first words of a property are a sentence, not a type, whatever colon is in it.
"""

import inspect
import re

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
    if what not in ("attribute", "data", "property"):
        lines[:] = GoogleDocstring(lines, Config(), app, what, name, obj, options).lines()
    if inspect.isclass(obj):
        lines += ["", *fields(obj)]


def fields(record: type) -> list[str]:
    """A line for each field of a dataclass or named tuple that has a comment behind it, those of its parents first."""
    parents = [parent for parent in reversed(record.__mro__) if "__annotations__" in vars(parent)]
    comments = dict(pair for parent in parents for pair in FIELD.findall(inspect.getsource(parent)))
    return [f":param {field}: {comment}" for field, comment in comments.items() if hasattr(record, field)]


def undescribed(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Plain values in a class are left out: fields stand with their record, others are inside."""
    described = callable(obj) or isinstance(obj, property | classmethod | staticmethod)
    return True if what == "class" and not described else None


def shorten(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    short = lambda text: text and text.replace(ARRAY_LIKE, "~numpy.typing.ArrayLike")
    return short(signature), short(returns)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("autodoc-process-docstring", read)
    app.connect("autodoc-process-signature", shorten)
    app.connect("autodoc-skip-member", undescribed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
