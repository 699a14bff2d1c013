"""Small trained models that come with the package, known by name wherever the folder of a run is expected.

Each is a folder of `astromorph/trained/` as `astromorph export` writes it; its settings.yaml says which command, seed
and commit made it.
"""

import os
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "trained"


def shipped_models() -> dict[str, Path]:
    """The folders of the shipped models by name."""
    return {file.parent.name: file.parent for file in sorted(FOLDER.glob("*/settings.yaml"))}


def run_path(path: str | os.PathLike) -> Path:
    """The folder that `path` means: itself, or that of the shipped model of this name if there is no such folder."""
    return Path(path) if Path(path).exists() else shipped_models().get(str(path), Path(path))
