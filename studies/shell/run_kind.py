"""Which kind of model a run folder holds, for verbs that do something else with each kind."""

from pathlib import Path


def run_kind(path: Path) -> str:
    """The kind that its settings name, such as "classifier", "language model" or "spiking"; "" if it holds no run."""
    if not (path / "settings.yaml").is_file():
        return ""
    from astromorph.runs.run_folder import RunFolder

    return RunFolder.open(path).settings.kind
