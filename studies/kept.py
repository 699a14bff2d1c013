"""What a long study has finished is kept in a folder until all of it is, so that a study that was stopped goes on."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from astromorph.files.whole_files import whole

PLAN = "plan.json"  # what a folder was begun for


def open_parts(folder: Path | None, plan: Mapping[str, Any]) -> None:
    """Begins a folder of finished parts for `plan`, or goes on with it; without a folder nothing is kept.

    ValueError if it was begun for something else.
    """
    if folder is None:
        return
    begun, planned = read_plan(folder), json.loads(json.dumps(plan))
    if begun is None:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(planned, folder / PLAN)
    elif begun != planned:
        raise ValueError(
            f"{folder} keeps parts of another command; repeat that to go on with it, remove the folder, or name "
            "another --out"
        )


def read_plan(folder: Path) -> Any:
    """What the folder was begun for, None if it was not. ValueError if that cannot be read."""
    file = folder / PLAN
    return _read(file, to_remove=folder) if file.is_file() else None


def kept(file: Path, compute: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """What `compute` gives, numbers and texts by name: from `file`, or computed and written there."""
    if not file.is_file():
        write_json(compute(), file)
    return _read(file, to_remove=file)


def _read(file: Path, to_remove: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is damaged; remove {to_remove} and repeat the command") from error


def write_json(content: Any, file: Path) -> None:
    with whole(file) as part:
        part.write_text(json.dumps(content, indent=1), encoding="utf-8")


def forget(folder: Path) -> None:
    """Removes a folder of parts under another name: whoever kills that leaves nothing that looks begun."""
    away = folder.with_name(f".{folder.name}.removed")
    shutil.rmtree(away, ignore_errors=True)
    if folder.is_dir():
        folder.rename(away)
        shutil.rmtree(away, ignore_errors=True)
