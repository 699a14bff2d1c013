"""What the reference makes of the source: docstrings, the comments behind the fields of a record, short signatures.

A public name without a docstring is a warning, and `make docs` takes warnings for errors. Sections such as "Args:" are
Google's, read by napoleon; but the first words of a property are a sentence, not a type, whatever colon is in it. Lines
that begin with an argument and a colon describe it, with or without such a section, and their further lines may be
indented. What stands indented after a colon and an empty line is code.
"""

import inspect
import re
import sys
from collections.abc import Iterable

from numpy.typing import ArrayLike
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util import logging
from sphinx.util.typing import ExtensionMetadata, stringify_annotation

logger = logging.getLogger(__name__)
ARRAY_LIKE = stringify_annotation(ArrayLike, "smart")  # printed, it is the long union that it stands for
FIELD = re.compile(r"^    (\w+):.*?  # ((?:(?!  #).)*)$", re.MULTILINE)
DESCRIPTION = re.compile(r"(\w+(?:, \w+)*): (.+)")
SECTIONS = ("Args:", "Raises:", "Returns:", "Yields:", "Example:", "Examples:", "Note:")


def read(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Turns a docstring into reStructuredText."""
    if not any(line.strip() for line in lines):
        logger.warning("%s has no docstring; say what it is, its shapes and units", name)
    text = re.sub(r"\|([^|`\n]+)\|", r"\\|\1|", "\n".join(lines))  # sizes |x|, not substitutions
    text = re.sub(r":\n\n(?=    )", "::\n\n", text)
    known = arguments(obj)
    lines[:] = "\n\n".join(described(paragraph, known) for paragraph in text.split("\n\n")).split("\n")
    if what not in ("attribute", "data", "property"):
        lines[:] = GoogleDocstring(lines, Config(), app, what, name, obj, options).lines()
    if inspect.isclass(obj):
        lines += ["", *fields(obj, known, "\n".join(lines))]


def arguments(obj: object) -> list[str]:
    """Names of the arguments of what can be called."""
    try:
        return list(inspect.signature(obj).parameters) if callable(obj) else []
    except (TypeError, ValueError):
        return []


def described(paragraph: str, known: Iterable[str]) -> str:
    """The paragraph, with a field for each line that begins with arguments and a colon."""
    if paragraph.startswith((" ", *SECTIONS)) or re.search(r"^[-*] ", paragraph, re.MULTILINE):
        return paragraph
    lines, hanging = [], ""
    for line in paragraph.split("\n"):
        match = DESCRIPTION.fullmatch(line)
        if match and all(name in known for name in match[1].split(", ")):
            hanging = "   "
            lines.append(f":param {match[1].replace(' ', '')}: {match[2]}")
        else:
            lines.append(hanging + line.strip())
    return "\n".join(lines)


def fields(record: type, known: Iterable[str], text: str) -> list[str]:
    """A line for each field of a dataclass or named tuple with a comment behind it, unless the text has one."""
    names = getattr(record, "__dataclass_fields__", {}).keys() | set(getattr(record, "_fields", ()))
    parents = [parent for parent in reversed(record.__mro__) if names & vars(parent).get("__annotations__", {}).keys()]
    comments = dict(pair for parent in parents for pair in FIELD.findall(inspect.getsource(parent)))
    told = [name for names in re.findall(r":param ([\w,]+):", text) for name in names.split(",")]
    return [f":param {name}: {comments[name]}" for name in known if name in comments and name not in told]


def left_out(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """Plain values and default functions in a class, whose fields stand with it, and what a parent says already."""
    if what != "class":
        return None
    if isinstance(obj, property) and not obj.__doc__:
        return said_by_a_parent(obj, name) or None
    visible = callable(obj) or isinstance(obj, property | classmethod | staticmethod)
    return True if not visible or getattr(obj, "__name__", "") == "<lambda>" else None


def said_by_a_parent(given: property, name: str) -> bool:
    """Whether a class further up has a docstring for the property."""
    owner = getattr(sys.modules[given.fget.__module__], given.fget.__qualname__.split(".")[0])
    return any(getattr(vars(parent).get(name), "__doc__", None) for parent in owner.__mro__[1:])


def shorten(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """ArrayLike by its name; nothing where a module takes no arguments of its own."""
    if signature == "(*args: ~typing.Any, **kwargs: ~typing.Any)":
        return "()", returns
    short = lambda text: text and text.replace(ARRAY_LIKE, "~numpy.typing.ArrayLike")
    return short(signature), short(returns)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("autodoc-process-docstring", read)
    app.connect("autodoc-process-signature", shorten)
    app.connect("autodoc-skip-member", left_out)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
