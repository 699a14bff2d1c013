"""Train a transformer or a spiking network: settings, metrics of every epoch, weights and test result go to a folder.

The attention is softmax, linear or astromorphic; --astrocyte builds the last one from what `astromorph map` has fitted:
calcium response, distance kernel (in place of position_scale), feature map and, for --segments above 1, retention, as
far as the file holds them. A run that was stopped goes on with --resume.

On several GPUs: torchrun --nproc-per-node 4 -m studies.command_line train cifar10 --config gpu

example: astromorph train digits --astrocyte astrocyte.yaml --seed 1 --out runs/digits
"""

import os
import shlex
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonargparse

import mapping
from astromorph.runs.provenance import provenance
from astromorph.settings import SETTINGS, CalciumResponse, Settings
from studies.recipes import recipes
from studies.shell.outputs import save_bytes
from studies.shell.parser import add_field_comments, given_names, parse, verb_parser
from studies.shell.settings_text import written
from studies.shell.words import first_word

if TYPE_CHECKING:
    from astromorph.runs.run_folder import RunFolder

HELP = f"""usage: astromorph train {" | ".join(SETTINGS)} [--option value ...]

{__doc__}
`astromorph train digits --help` lists every setting."""
NO_SETTINGS = ("config", "astrocyte", "out", "resume", "data", "overwrite", "print_config")  # options besides them
BESIDE_RESUME = ("resume", "data")


def run(words: list[str]) -> None:
    data_set, rest = first_word("train", "data set", words, SETTINGS, HELP)
    rest = _with_recipe(data_set, rest)
    values = parse(_parser(data_set), rest)
    options = {name: values.pop(name) for name in NO_SETTINGS}
    if options["resume"] is not None:
        _resume(data_set, options["resume"], options["data"], rest)
        return
    settings = SETTINGS[data_set](**values)
    measured = _measured(settings, options["astrocyte"])
    if measured is not None:
        settings = _with_measured(settings, measured, options["astrocyte"], given_names(rest))
    response = _response(settings, measured)
    if options["print_config"]:
        print(written(settings, response, measured, options["astrocyte"], rest), end="")
        return
    _start(data_set, settings, response, options, ["train", *words])


def _parser(data_set: str) -> jsonargparse.ArgumentParser:
    """Every field of the data set's settings as an option, and NO_SETTINGS."""
    parser = verb_parser(f"astromorph train {data_set}", __doc__ or "")
    add = parser.add_argument
    add("--config", action="config", help=_config_help(data_set))
    add("--print_config", action="store_true", help="print every resolved number, where it came from, and stop")
    add("--astrocyte", type=Path, default=None, metavar="FILE", help="coefficients written by astromorph map")
    add(
        "--out",
        type=Path,
        default=None,
        metavar="DIR",
        help="run folder; runs/DATA-ATTENTION-seedN, or runs/DATA-KIND-delays-seedN, if left out",
    )
    add("--resume", type=Path, default=None, metavar="DIR", help="go on with the run in this folder")
    add("--data", type=Path, default=None, metavar="DIR", help="where data sets lie; else ASTROMORPH_DATA, else cache")
    add("--overwrite", action="store_true", help="replace the run in the output folder")
    parser.add_class_arguments(SETTINGS[data_set])
    add_field_comments(parser, SETTINGS[data_set])
    return parser


def _config_help(data_set: str) -> str:
    known = ", ".join(recipes(data_set))
    return "YAML file of settings that differ from the defaults" + (f", or a recipe: {known}" if known else "")


def _with_recipe(data_set: str, words: list[str]) -> list[str]:
    """The words with the file of a recipe where --config names one."""
    files = {f"--config={name}": f"--config={file}" for name, file in recipes(data_set).items()}
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "--config":
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return [files.get(word, word) for word in joined]


def _measured(settings: Settings, file: Path | None) -> "mapping.Coefficients | None":
    """What --astrocyte names; ValueError if the attention has no use for it."""
    if file is None:
        return None
    if not settings.takes_response:
        raise ValueError(
            f"--astrocyte has no effect on {settings.variant}; use --attention astromorphic or leave it out"
        )
    return mapping.read(file)


def _response(settings: Settings, measured: "mapping.Coefficients | None") -> CalciumResponse | None:
    """Response and synapses of an astromorphic run: the measured ones, or those published."""
    if not settings.takes_response:
        return None
    return CalciumResponse() if measured is None else mapping.as_settings(measured)


def _with_measured(settings: Settings, measured: "mapping.Coefficients", file: Path, given: list[str]) -> Settings:
    """Settings with the measured distance kernel and retention, if the model has a use for them; ValueError if they ask
    for other numbers.
    """
    for name, part in settings.measured.items():
        section, before = getattr(measured, part), getattr(settings, name)
        if section is None or (value := section.result()) == before:
            continue
        if name in given or before != getattr(type(settings), name):
            raise ValueError(f"{name} {before:g} is not what {file} holds, {value:.4g}; leave {name} out")
        changed: dict[str, Any] = {name: value}
        settings = replace(settings, **changed)
    return settings


def _start(
    data_set: str, settings: Settings, response: CalciumResponse | None, options: dict[str, Any], words: list[str]
) -> None:
    """Everything that can be refused is refused before the run folder is touched."""
    from astromorph.data.locations import data_root
    from astromorph.runs.run_folder import RunFolder, refuse_foreign_folder
    from studies.commands.data import require

    out = options["out"] or Path("runs") / f"{data_set}-{settings.variant_name}-seed{settings.seed}"
    root = data_root(options["data"])

    def refuse() -> None:
        refuse_foreign_folder(out, options["overwrite"])
        require(data_set, root)

    def create() -> None:
        coefficients = None if options["astrocyte"] is None else options["astrocyte"].read_bytes()
        import astromorph.training.loop  # noqa: F401 - loads torch, so that provenance can name the graphics processor

        made_by = provenance(words)
        RunFolder.create(out, data_set, settings, response, overwrite=options["overwrite"], provenance=made_by)
        if coefficients is not None:
            save_bytes(coefficients, out / "coefficients.yaml")

    _in_one_process(refuse)
    with _alone(out):
        _in_one_process(create)
        _finish(RunFolder.open(out), root)


def _resume(data_set: str, path: Path, data: Path | None, words: list[str]) -> None:
    others = [f"--{name}" for name in given_names(words) if name not in BESIDE_RESUME]
    if others:
        raise ValueError(f"--resume goes on with the settings of {path}; leave out {', '.join(others)}")
    from astromorph.data.locations import data_root
    from astromorph.runs.run_folder import RunFolder

    folder = RunFolder.open(path)
    if folder.data_set != data_set:
        raise ValueError(
            f"the run in {path} trains on {folder.data_set}, not {data_set}; "
            f"use astromorph train {folder.data_set} --resume {shlex.quote(str(path))}"
        )
    root = data_root(data)
    with _alone(folder.path):
        _finish(folder, root)


def _alone(folder: Path) -> AbstractContextManager[None]:
    """Keeps other commands out of the folder; of several processes that torchrun started, the first does."""
    from astromorph.files.locks import alone

    return alone(folder) if os.environ.get("RANK", "0") == "0" else nullcontext()


def _in_one_process(action: Callable[[], None]) -> None:
    """Runs `action` in this process or, of several that torchrun started, in the first, while the others wait."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        action()
        return
    from astromorph.training import distributed

    distributed.join()
    with distributed.leader_first() as leads:
        if leads:
            action()


def _finish(folder: "RunFolder", root: Path) -> None:
    """Train, and say in three lines what came out."""
    from astromorph.training import distributed
    from astromorph.training.loop import train

    distributed.join()
    try:
        summary = train(folder, root)
    except KeyboardInterrupt as interruption:
        again = f"astromorph train {folder.data_set} --resume {shlex.quote(str(folder.path))}"
        raise KeyboardInterrupt(f"continue with: {again}") from interruption
    if not distributed.leads():
        return
    print(
        f"test accuracy {summary['test_accuracy']:.4f} with epoch {summary['chosen_epoch']} of "
        f"{summary['epochs']}, chosen by its validation accuracy of {summary['validation_accuracy']:.4f}"
    )
    print(f"{summary['parameters']:,} parameters, {summary['seconds']:.1f} s of training")
    print(f"wrote {folder.path}")
