"""Recipes: settings that differ from the defaults, one YAML file each, named DATA-NAME.yaml.

`astromorph train DATA --config NAME` reads one by its name.
"""

from pathlib import Path

FOLDER = Path(__file__).parent


def recipes(data_set: str) -> dict[str, Path]:
    """The recipes for a data set by name."""
    return {file.stem.removeprefix(f"{data_set}-"): file for file in sorted(FOLDER.glob(f"{data_set}-*.yaml"))}
