"""Trainings of a study, each kept in a folder when it is done, so that a study that was stopped goes on."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from astromorph.files.whole_files import whole
from studies.threads import processor_threads


def kept(name: str, folder: Path, train: Callable[[Path], Any]) -> dict[str, Any]:
    """The fields of what `train` found, a NamedTuple of plain numbers; `folder` keeps them under `name`.

    `train` gets a folder of its own, with its last checkpoint if it was begun, and one thread.
    """
    file, working = folder / f"{name}.json", folder / name
    if not file.is_file():
        with processor_threads(1):
            found = train(working)
        with whole(file) as part:
            part.write_text(json.dumps(found._asdict(), indent=1))
    shutil.rmtree(working, ignore_errors=True)
    return json.loads(file.read_text())
