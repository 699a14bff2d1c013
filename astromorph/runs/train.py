"""Start a training from Python, as `astromorph train` does from the command line."""

import os
from pathlib import Path
from typing import Any

from astromorph.data.locations import data_root
from astromorph.files.locks import alone
from astromorph.runs.provenance import provenance
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, TrainingSettings, named
from astromorph.training import loop


def train(
    settings: TrainingSettings | str,
    out: str | os.PathLike,
    data: str | os.PathLike | None = None,
    response: CalciumResponse | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Train a model, test it once with the weights of its best epoch, and return the summary.

    Args:
        settings: what is trained and how, such as `DigitsSettings(epochs=5)`; the name of a data set for its defaults.
        out: folder of the run: settings, metrics of every epoch, weights, summary.
        data: where data sets lie; else the folder that ASTROMORPH_DATA names, else the user's cache folder.
        response: calcium response of astromorphic attention, as `mapping.as_settings` makes it from what was measured;
            the published one if left out.
        resume: go on with the run in `out` if it was begun; its settings must be these.
        overwrite: replace a run in `out`.

    Raises:
        ValueError: a setting that cannot work, a response that nothing takes up, a finished run, a loss that runs away.
        FileExistsError: `out` holds a run or other files.
        FileNotFoundError: the data set is not there; the sentence says how to get it.
    """
    match settings:
        case str():
            settings = named(settings)()
    if response is not None and not settings.takes_response:
        raise ValueError(f"a calcium response has no effect on {settings.variant}; leave it out")
    response = response or (CalciumResponse() if settings.takes_response else None)
    with alone(Path(out)):
        if resume and (Path(out) / "settings.yaml").is_file():
            folder = RunFolder.open(out)
            if (folder.settings, folder.response) != (settings, response):
                raise ValueError(f"{out} was begun with other settings; go on with those, or name another folder")
        else:
            origin = provenance(f"astromorph.train({settings}, {str(out)!r})")
            folder = RunFolder.create(
                out, settings.data_set, settings, response, overwrite=overwrite, provenance=origin
            )
        return loop.train(folder, data_root(None if data is None else Path(data)))
