"""Where data sets lie on this machine: --data DIR, else ASTROMORPH_DATA, else the user's cache folder."""

import os
import shlex
from pathlib import Path

import pooch

VARIABLE = "ASTROMORPH_DATA"


def data_root(data: Path | None = None) -> Path:
    """The folder that holds the data sets.

    A folder that is named must exist (FileNotFoundError, NotADirectoryError); the cache folder need not.
    """
    named = data if data is not None else os.environ.get(VARIABLE) or None
    if named is None:
        return cache_folder()
    source = "--data" if data is not None else VARIABLE
    try:
        root = Path(named).expanduser()
    except RuntimeError as error:
        raise FileNotFoundError(f"data folder {named} ({source}): there is no such user; name another one") from error
    if not root.exists():
        raise FileNotFoundError(f"data folder {root} ({source}) does not exist; make it or name another one")
    if not root.is_dir():
        raise NotADirectoryError(f"data folder {root} ({source}) is a file; name the folder that holds the data sets")
    return root


def fetch_command(name: str, root: Path) -> str:
    """What to type to get data set `name` into `root`."""
    return f"astromorph data fetch {name}" + ("" if root == cache_folder() else f" --data {shlex.quote(str(root))}")


def cache_folder() -> Path:
    """The user's cache folder of this project (need not exist); also keeps what is slow to compute."""
    return Path(pooch.os_cache("astromorph"))
