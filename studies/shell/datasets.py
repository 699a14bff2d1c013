"""Datasets of studies: one road for all verbs that make one, and the figure of a dataset from its file."""

import inspect
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from astromorph.files.locks import alone
from astromorph.files.reasons import lacking
from astromorph.runs.provenance import provenance
from studies.catalogue import MODULES, study_module
from studies.shell.outline import outline
from studies.shell.outputs import claim, save_figure, save_table
from studies.shell.parser import parse, verb_parser

MOST_COUNTED = 1_000_000
UNCOUNTED = {"population", "active", "comparisons", "seed"}  # may be larger

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure


def run_study(verb: str, name: str, words: list[str]) -> None:
    """`astromorph VERB NAME [parameters]`: the parameters are those of the study's `simulate`."""
    described = outline(f"studies.{MODULES[name]}", "simulate")
    command = f"astromorph {verb} {name}"
    opening = (described.__doc__ or "").split("\n\n")[0]
    parser = verb_parser(command, f"{opening}\n\nexample: {command} --out {name}.nc")
    parser.add_argument("--out", type=Path, default=Path(f"{name}.nc"), help="dataset to write, and a PNG beside it")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    parser.add_function_arguments(described.simulate, skip={"parts"})
    options = parse(parser, words)
    _check_counts(options)
    study = study_module(name)
    write_dataset(study.simulate, study, options, provenance([verb, name, *words]))


def _check_counts(options: Mapping[str, Any]) -> None:
    """ValueError for more repetitions, points or patterns than can be computed; cells are no matter to the theory."""
    for name, count in options.items():
        if isinstance(count, int) and count > MOST_COUNTED and not set(name.split("_")) & UNCOUNTED:
            raise ValueError(f"{name} {count} would take days; use at most {MOST_COUNTED:,}")


def write_dataset(
    simulate: Callable[..., "xr.Dataset"], study: ModuleType, options: dict[str, Any], made_by: Mapping[str, str]
) -> None:
    """Makes a dataset and writes it, the study's figure beside it, and its table if it has one; says what came out.

    Args:
        simulate: makes the dataset; if it takes `parts`, a folder that keeps what is finished until all of it is.
        study: draws the dataset.
        options: those of `simulate`, and `out` and `overwrite`.
        made_by: provenance to be stored in the dataset.
    """
    from biophys.simulation.recording import save
    from studies.kept import forget
    from studies.study import stamped

    out, overwrite = options.pop("out"), options.pop("overwrite")
    picture, sheet = out.with_suffix(".png"), out.with_suffix(".csv")
    written = [out, picture, *([sheet] if hasattr(study, "table") else [])]
    parts = out.with_name(f"{out.name}.parts")
    resumable = "parts" in inspect.signature(simulate).parameters
    with alone(parts) if resumable else nullcontext():
        begun = resumable and any(parts.iterdir())
        with claim(*written, overwrite=overwrite or begun, endings=(".nc",)):
            dataset = stamped(simulate(**options, **({"parts": parts} if resumable else {})), made_by)
            save(dataset, out)
            save_figure(study.draw(dataset), picture)
            if sheet in written:
                rows = study.table(dataset)
                save_table(rows, sheet)
                print(study.printed(rows))
        if resumable:
            forget(parts)
    if message := study.message(dataset) if hasattr(study, "message") else dataset.attrs.get("caption"):
        print(message)
    print(f"wrote {' and '.join(map(str, written))}")


def figure_of(file: Path, dataset: "xr.Dataset") -> "Figure":
    """The figure of the study that made a dataset. ValueError if none did, or the dataset lacks what is drawn."""
    study = study_of(file, dataset.attrs)
    try:
        return study.draw(dataset)
    except (KeyError, AttributeError, TypeError, IndexError, ValueError) as error:
        name, missing = dataset.attrs["study"], lacking(error)
        raise ValueError(f"{file} lacks what the figure of {name} shows ({missing}); make the dataset anew") from error


def study_of(file: Path, attributes: Mapping[str, object]) -> ModuleType:
    """The study whose dataset a file holds. ValueError if the file does not say."""
    name = str(attributes.get("study", ""))
    if name not in MODULES:
        problem = f"names the study {name!r}, which is not known" if name else "names no study"
        raise ValueError(f"{file} {problem}; plot a dataset of {', '.join(MODULES)}")
    return study_module(name)
