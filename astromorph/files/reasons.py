"""Why a file is refused, in words of this project: those of a library tell about its insides, not about the file."""

import linecache
import re
import traceback
from pathlib import Path

PACKAGES = {"astromorph", "biophys", "mapping", "studies"}
HERE = Path(__file__).parents[2]
LONGEST = 250


def reason_of(error: BaseException, otherwise: str) -> str:
    """The message of an error that this project raised, or of the operating system; `otherwise` for a library's."""
    if isinstance(error, OSError) and error.errno and error.strerror:
        return error.strerror
    message = " ".join(str(error).split())[:LONGEST]
    return message if message and _is_of_this_project(error) else otherwise


def lacking(error: BaseException) -> str:
    """What a reader of a dataset or table missed: the name that is not there, where the error tells it."""
    names = re.findall(r"'([\w./-]+)'", str(error))
    if names and isinstance(error, KeyError | AttributeError):
        return f"no {names[-1 if isinstance(error, AttributeError) else 0]}"
    return reason_of(error, "its numbers have other shapes or names")


def _is_of_this_project(error: BaseException) -> bool:
    """Whether a `raise` of these packages has made it, rather than a library or Python itself below them."""
    frames = list(traceback.walk_tb(error.__traceback__))
    if not frames:
        return False
    frame, line = frames[-1]
    file = frame.f_code.co_filename
    ours = Path(file).is_relative_to(HERE) and Path(file).relative_to(HERE).parts[0] in PACKAGES
    return ours and linecache.getline(file, line).lstrip().startswith("raise ")
