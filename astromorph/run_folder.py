"""A run is a folder: what was asked, how it went, what came out.

settings.yaml        data set, every resolved setting, the calcium response, provenance
metrics.csv          a row an epoch
weights.safetensors  the weights of the epoch with the best validation accuracy so far
summary.json         the test result, written once at the end
checkpoint.safetensors  everything needed to go on; only while the run is unfinished
vocabulary.json      the words by number (text only)
pieces.model         how words are cut into byte pairs (wikitext2 with tokenisation bpe only)
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from astromorph.settings import SETTINGS, CalciumResponse, Settings
from astromorph.shipped import run_path, shipped_models
from astromorph.whole_files import whole

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


@dataclass(frozen=True)
class RunFolder:
    """An existing run; `response` is None unless the attention is astromorphic."""

    path: Path
    data_set: str
    settings: Settings
    response: CalciumResponse | None
    provenance: Mapping[str, str]

    @classmethod
    def create(
        cls,
        path: str | os.PathLike,
        data_set: str,
        settings: Settings,
        response: CalciumResponse | None,
        *,
        overwrite: bool = False,
        provenance: Mapping[str, str] = {},
    ) -> "RunFolder":
        """A new run in `path`; FileExistsError if it already holds one (or other files) and not `overwrite`."""
        path = Path(path)
        refuse_foreign_folder(path, overwrite)
        path.mkdir(parents=True, exist_ok=True)
        for name in OWN_FILES:
            (path / name).unlink(missing_ok=True)
        content = {
            "data_set": data_set,
            "settings": asdict(settings),
            "calcium_response": None if response is None else asdict(response),
            "provenance": dict(provenance),
        }
        with whole(path / "settings.yaml") as part:
            part.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
        return cls(path, data_set, settings, response, dict(provenance))

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
            content = yaml.safe_load(file.read_text())
            settings = SETTINGS[content["data_set"]](**content["settings"])
            response = content["calcium_response"] and CalciumResponse(**content["calcium_response"])
            return cls(path, content["data_set"], settings, response, dict(content["provenance"]))
        except (yaml.YAMLError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise ValueError(f"{file} is not the settings of a run ({reason}); train again") from error

    @property
    def finished(self) -> bool:
        return (self.path / "summary.json").is_file()

    def metrics(self) -> pd.DataFrame:
        """A row an epoch with the columns METRICS; FileNotFoundError before the first epoch has ended."""
        file = self.path / "metrics.csv"
        if not file.is_file():
            raise FileNotFoundError(f"{self.path} has no finished epoch yet; continue it with --resume")
        return pd.read_csv(file)

    def summary(self) -> dict[str, Any]:
        """The test result; FileNotFoundError while the run is unfinished."""
        if not self.finished:
            raise FileNotFoundError(f"run {self.path} is not finished; continue it with --resume {self.path}")
        return json.loads((self.path / "summary.json").read_text())

    def write_metrics(self, rows: Sequence[Mapping[str, float]]) -> None:
        with whole(self.path / "metrics.csv") as part:
            pd.DataFrame(rows, columns=list(METRICS)).to_csv(part, index=False)

    def write_json(self, name: str, content: Any) -> None:
        with whole(self.path / name) as part:
            part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def refuse_foreign_folder(path: Path, overwrite: bool) -> None:
    """FileExistsError unless `path` is absent, empty, or a run that may be overwritten."""
    if not path.exists():
        return
    if not path.is_dir():
        raise FileExistsError(f"{path} is a file; name another output folder")
    if (path / "settings.yaml").exists():
        if not overwrite:
            raise FileExistsError(f"{path} already holds a run; give another folder, --resume {path}, or --overwrite")
    elif any(path.iterdir()):
        raise FileExistsError(f"{path} holds files that are no run; name a new or empty output folder")
