"""Train a transformer, and write its settings, metrics of every epoch, weights and test result to a folder.

The attention is softmax, linear or astromorphic; --astrocyte gives the last one a calcium response that
`astromorph map` has fitted. A run that was stopped goes on with --resume.

example: astromorph train digits --astrocyte astrocyte.yaml --seed 1 --out runs/digits
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import jsonargparse

from astromorph.settings import SETTINGS, CalciumResponse, Settings
from studies.commands.outputs import save_bytes
from studies.commands.parser import add_field_comments, given_names, parse, verb_parser
from studies.commands.words import first_word
from studies.provenance import provenance

HELP = f"""usage: astromorph train {" | ".join(SETTINGS)} [--option value ...]

{__doc__}
`astromorph train digits --help` lists every setting."""
OWN = (
    "config",
    "astrocyte",
    "out",
    "resume",
    "data",
    "overwrite",
    "print_config",
)  # options that are no settings
BESIDE_RESUME = ("resume", "data")


def run(words: list[str]) -> None:
    data_set, rest = first_word("train", "data set", words, SETTINGS, HELP)
    asked = parse(_parser(data_set), rest)
    own = {name: asked.pop(name) for name in OWN}
    if own["resume"] is not None:
        _resume(data_set, own["resume"], own["data"], rest)
        return
    settings = SETTINGS[data_set](**asked)
    response = _response(settings, own["astrocyte"])
    if own["print_config"]:
        print(_written(settings, response), end="")
        return
    _start(data_set, settings, response, own, ["train", *words])


def _parser(data_set: str) -> jsonargparse.ArgumentParser:
    """Every field of the data set's settings as an option, and the options of OWN."""
    parser = verb_parser(f"astromorph train {data_set}", __doc__ or "")
    add = parser.add_argument
    add("--config", action="config", help="YAML file of settings that differ from the defaults")
    add("--print_config", action="store_true", help="print every resolved setting and stop")
    add("--astrocyte", type=Path, default=None, metavar="FILE", help="coefficients written by astromorph map")
    add(
        "--out",
        type=Path,
        default=None,
        metavar="DIR",
        help="run folder; runs/DATA-ATTENTION-seedN if left out",
    )
    add("--resume", type=Path, default=None, metavar="DIR", help="go on with the run in this folder")
    add(
        "--data",
        type=Path,
        default=None,
        metavar="DIR",
        help="where data sets lie; else ASTROMORPH_DATA, else cache",
    )
    add("--overwrite", action="store_true", help="replace the run in the output folder")
    parser.add_class_arguments(SETTINGS[data_set])
    add_field_comments(parser, SETTINGS[data_set])
    return parser


def _response(settings: Settings, file: Path | None) -> CalciumResponse | None:
    """The calcium response of an astromorphic run: the measured one of `file`, or the published one."""
    if settings.attention != "astromorphic":
        if file is not None:
            raise ValueError(
                f"--astrocyte has no effect on {settings.attention} attention; "
                "use --attention astromorphic or leave it out"
            )
        return None
    if file is None:
        return CalciumResponse()
    from mapping import read_coefficients, response_settings

    return response_settings(read_coefficients(file))


def _written(settings: Settings, response: CalciumResponse | None) -> str:
    """Settings as YAML that --config reads again; the calcium response of --astrocyte as comments."""
    import yaml

    lines = yaml.safe_dump(asdict(settings), sort_keys=False)
    if response is not None:
        lines += "# calcium response (--astrocyte):\n"
        lines += "".join(f"#   {name}: {value}\n" for name, value in asdict(response).items())
    return lines


def _start(
    data_set: str, settings: Settings, response: CalciumResponse | None, own: dict[str, Any], words: list[str]
) -> None:
    """Everything that can be refused is refused before the run folder is touched."""
    from astromorph.data.locations import data_root
    from astromorph.run_folder import RunFolder, refuse_foreign_folder
    from studies.commands.data import require

    out = own["out"] or Path("runs") / f"{data_set}-{settings.attention}-seed{settings.seed}"
    root = data_root(own["data"])
    refuse_foreign_folder(out, own["overwrite"])
    require(data_set, root)
    coefficients = None if own["astrocyte"] is None else own["astrocyte"].read_bytes()
    from astromorph.training import train  # loads torch, so that provenance can name the graphics processor

    folder = RunFolder.create(
        out, data_set, settings, response, overwrite=own["overwrite"], provenance=provenance(words)
    )
    if coefficients is not None:
        save_bytes(coefficients, out / "coefficients.yaml")
    _finish(folder, root, train)


def _resume(data_set: str, path: Path, data: Path | None, words: list[str]) -> None:
    others = [f"--{name}" for name in given_names(words) if name not in BESIDE_RESUME]
    if others:
        raise ValueError(f"--resume goes on with the settings of {path}; leave out {', '.join(others)}")
    from astromorph.data.locations import data_root
    from astromorph.run_folder import RunFolder

    folder = RunFolder.open(path)
    if folder.data_set != data_set:
        raise ValueError(
            f"the run in {path} trains on {folder.data_set}, not {data_set}; "
            f"use astromorph train {folder.data_set} --resume {path}"
        )
    from astromorph.training import train

    _finish(folder, data_root(data), train)


def _finish(folder: Any, root: Path, train: Any) -> None:
    """Train, and say in three lines what came out."""
    try:
        summary = train(folder, root)
    except KeyboardInterrupt as interruption:
        again = f"astromorph train {folder.data_set} --resume {folder.path}"
        raise KeyboardInterrupt(f"continue with: {again}") from interruption
    print(
        f"test accuracy {summary['test_accuracy']:.4f} with epoch {summary['chosen_epoch']} of "
        f"{summary['epochs']}, chosen by its validation accuracy of {summary['validation_accuracy']:.4f}"
    )
    print(f"{summary['parameters']:,} parameters, {summary['seconds']:.1f} s of training")
    print(f"wrote {folder.path}")
