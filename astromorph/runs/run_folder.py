"""A run is a folder: what was asked, how it went, what came out.

settings.yaml        data set, every resolved setting, the calcium response, provenance
metrics.csv          a row an epoch
weights.safetensors  the weights of the epoch with the best validation accuracy so far
summary.json         the test result, written once at the end
checkpoint.safetensors  everything needed to go on; only while the run is unfinished
vocabulary.json      the words by number (text only)
pieces.model         how words are cut into byte pairs (wikitext2 with tokenisation bpe only)
"""

import hashlib
import json
import math
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pandas.api.types import is_numeric_dtype

from astromorph.files.plain_yaml import read_yaml
from astromorph.files.reasons import reason_of
from astromorph.files.strict_reading import read_as
from astromorph.files.whole_files import whole
from astromorph.runs.shipped import run_path, shipped_models
from astromorph.settings import SETTINGS, CalciumResponse, TrainingSettings

METRICS = (
    "epoch",
    "training_loss",
    "validation_loss",
    "validation_accuracy",
    "learning_rate",
    "seconds",
    "examples_per_second",
)
OWN_FILES = (
    "settings.yaml",
    "metrics.csv",
    "weights.safetensors",
    "summary.json",
    "checkpoint.safetensors",
    "vocabulary.json",
    "pieces.model",
    "coefficients.yaml",
    "learning_curves.png",
)
LARGEST_COUNT = 2**53  # above it, double precision skips whole numbers
SUMMARY: Mapping[str, Callable[[Any], bool]] = {  # what every summary holds, and what is none
    **dict.fromkeys(("test_accuracy", "validation_accuracy"), lambda value: is_number(value) and 0 <= value <= 1),
    **dict.fromkeys(("test_loss", "seconds"), lambda value: is_number(value) and 0 <= value < math.inf),
    **dict.fromkeys(("chosen_epoch", "epochs", "parameters"), lambda value: is_count(value)),
    **dict.fromkeys(("class_names", "confusion"), lambda value: isinstance(value, list)),
}
DIGESTS = {  # entries of a summary, or of the provenance of what was exported: sha256 of what belongs to the model
    "weights_sha256": "weights.safetensors",
    "settings_sha256": "settings.yaml",
    "vocabulary_sha256": "vocabulary.json",
    "pieces_sha256": "pieces.model",
    "metrics_sha256": "metrics.csv",
}
RESULT = "result_sha256"  # entry of a summary: sha256 of all others


@dataclass(frozen=True)
class Content:
    """settings.yaml; what `settings` holds depends on the data set."""

    data_set: str
    settings: dict[str, Any]
    calcium_response: CalciumResponse | None
    provenance: dict[str, str]


@dataclass(frozen=True)
class RunFolder:
    """An existing run; `response` is None unless the attention is astromorphic."""

    path: Path
    data_set: str
    settings: TrainingSettings
    response: CalciumResponse | None
    provenance: Mapping[str, str]

    @property
    def title(self) -> str:
        """What was trained, such as "imdb, linear attention, seed 0" or "shd, learned delays, seed 0"."""
        return f"{self.data_set}, {self.settings.variant}, seed {self.settings.seed}"

    @classmethod
    def create(
        cls,
        path: str | os.PathLike,
        data_set: str,
        settings: TrainingSettings,
        response: CalciumResponse | None,
        *,
        overwrite: bool = False,
        provenance: Mapping[str, str] = {},
    ) -> "RunFolder":
        """A new run in `path`; FileExistsError if it already holds one (or other files) and not `overwrite`."""
        path = Path(path)
        response = response or (CalciumResponse() if settings.takes_response else None)
        if response is not None:
            response.check_reference()
        refuse_foreign_folder(path, overwrite)
        path.mkdir(parents=True, exist_ok=True)
        for name in OWN_FILES[1:]:  # settings.yaml, which is replaced, says to the last that this is a run
            (path / name).unlink(missing_ok=True)
        folder = cls(path, data_set, settings, response, dict(provenance))
        folder.write_settings(provenance)
        return folder

    @classmethod
    def open(cls, path: str | os.PathLike) -> "RunFolder":
        """The run in `path`, or the shipped model of that name.

        FileNotFoundError if there is none, ValueError if its settings cannot be read.
        """
        path = run_path(path)
        file = path / "settings.yaml"
        if not file.is_file():
            known = ", ".join(shipped_models())
            raise FileNotFoundError(
                f"{path} holds no run (no settings.yaml); name the folder a training wrote"
                + (f", or a shipped model: {known}" if known else "")
            )
        try:
            content = read_as(Content, read_yaml(file))
            settings = read_as(SETTINGS[content.data_set], content.settings, "settings")
            if content.calcium_response is not None:
                content.calcium_response.check_reference()
            elif settings.takes_response:
                raise ValueError(f"calcium_response is null, which {settings.variant} cannot do without")
            return cls(path, content.data_set, settings, content.calcium_response, content.provenance)
        except (ValueError, KeyError) as error:
            reason = " ".join(str(error).removeprefix(f"{file} ").split())
            raise ValueError(f"{file} is not the settings of a run ({reason}); train again") from error

    @property
    def finished(self) -> bool:
        return (self.path / "summary.json").is_file()

    @property
    def weights(self) -> Path:
        """The file of the weights. FileNotFoundError while no epoch has ended, ValueError if they are not the run's."""
        file = self.path / "weights.safetensors"
        if not file.is_file():
            raise FileNotFoundError(
                f"run {self.path} has no weights yet; continue it with --resume {shlex.quote(str(self.path))}"
            )
        self.check_digests(self.summary() if self.finished else {})
        return file

    def digests(self) -> dict[str, str]:
        """sha256 of each file that belongs to the model, as far as it is there; of the settings, their content."""
        found = {}
        for entry, name in DIGESTS.items():
            file = self.path / name
            if name == "settings.yaml" and file.is_file():
                content = {key: value for key, value in read_yaml(file).items() if key != "provenance"}
                found[entry] = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
            elif file.is_file():
                found[entry] = hashlib.sha256(file.read_bytes()).hexdigest()
        return found

    def check_digests(self, summary: Mapping[str, Any]) -> None:
        """ValueError unless settings, weights and words are those that were measured, as far as a digest says so."""
        stated = {**summary, **self.provenance}
        for entry, actual in self.digests().items():
            if stated.get(entry, actual) != actual:
                raise ValueError(
                    f"{self.path / DIGESTS[entry]} was altered since it was saved (its sha256 differs); copy the "
                    "whole folder again, or train again"
                )

    def metrics(self) -> pd.DataFrame:
        """A row an epoch with the columns METRICS; FileNotFoundError before the first epoch has ended."""
        file = self.path / "metrics.csv"
        if not file.is_file():
            raise FileNotFoundError(f"{self.path} has no finished epoch yet; continue it with --resume")
        try:
            table = pd.read_csv(file)
            lacking = [name for name in METRICS if name not in table or not is_numeric_dtype(table[name])]
            fault = f"no numbers of {lacking[0]}" if lacking else "" if len(table) else "no rows"
        except (ValueError, OSError) as error:
            fault = reason_of(error, "it is no table of comma-separated values")
        if not fault and table.epoch.tolist() != list(range(1, len(table) + 1)):
            fault = "epochs are not numbered from 1"
        if fault or table[["epoch", "validation_accuracy"]].isna().any(axis=None):
            raise ValueError(f"{file} is not the table of a run ({fault or 'numbers are missing'}); train again")
        if self.finished and len(table) != (epochs := self.summary()["epochs"]):
            raise ValueError(
                f"{file} has {len(table)} epochs, not those of summary.json, {epochs}; copy the whole folder again"
            )
        return table

    def summary(self) -> dict[str, Any]:
        """The test result; FileNotFoundError while the run is unfinished."""
        if not self.finished:
            raise FileNotFoundError(
                f"run {self.path} is not finished; continue it with --resume {shlex.quote(str(self.path))}"
            )
        file = self.path / "summary.json"
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            counts, classes = found["confusion"], len(found["class_names"])
            square = all(len(row) == classes == len(counts) and all(map(is_count, row)) for row in counts)
            fault = next((f"no {name}" for name, holds in SUMMARY.items() if not holds(found[name])), "")
            further = [name for name in found if name.startswith("perplexity") and not is_number(found[name])]
            fault = fault or "".join(f"no {name}" for name in further[:1])
            fault = fault or ("" if square else "no confusion")
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            fault = reason_of(error, "it is cut short, or lacks what a result has")
        if fault:
            raise ValueError(f"{file} is not the result of a run ({fault}); train again")
        if found.get(RESULT, digest_of_result(found)) != digest_of_result(found):
            raise ValueError(
                f"{file} was altered since it was saved (its sha256 differs); copy the whole folder again, "
                "or train again"
            )
        self.check_digests(found)
        return found

    def write_settings(self, provenance: Mapping[str, str]) -> None:
        content = {
            "data_set": self.data_set,
            "settings": asdict(self.settings),
            "calcium_response": None if self.response is None else asdict(self.response),
            "provenance": dict(provenance),
        }
        with whole(self.path / "settings.yaml") as part:
            part.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")

    def write_metrics(self, rows: Sequence[Mapping[str, float]]) -> None:
        with whole(self.path / "metrics.csv") as part:
            pd.DataFrame(rows, columns=list(METRICS)).to_csv(part, index=False)

    def write_json(self, name: str, content: Any) -> None:
        with whole(self.path / name) as part:
            part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def refuse_foreign_folder(path: Path, overwrite: bool) -> None:
    """FileExistsError unless `path` is absent, empty, or a run that may be overwritten."""
    if not path.exists():
        return
    if not path.is_dir():
        raise FileExistsError(f"{path} is a file; name another output folder")
    if (path / "settings.yaml").exists():
        if not overwrite:
            raise FileExistsError(
                f"{path} already holds a run; give another folder, --resume {shlex.quote(str(path))}, or --overwrite"
            )
    elif not all(file.match(".*.part") for file in path.iterdir()):  # left by a killed process
        raise FileExistsError(f"{path} holds files that are no run; name a new or empty output folder")


def digest_of_result(summary: Mapping[str, Any]) -> str:
    """sha256 of a summary without its own digest."""
    content = {name: value for name, value in summary.items() if name != RESULT}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def is_number(value: Any) -> bool:
    return type(value) in (int, float)


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_COUNT
