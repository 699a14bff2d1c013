"""Where coefficients came from: the dataset that was fitted, and how that was made."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import xarray as xr


@dataclass(frozen=True)
class Source:
    """The dataset that was fitted: its name without folder, its checksum, and what was simulated."""

    file: str
    sha256: str
    parameters: dict[str, str]

    @property
    def told(self) -> str:
        """Name and the beginning of the checksum."""
        return f"{self.file} {self.sha256[:12]}"


def source_of(dataset: xr.Dataset, file: str | os.PathLike) -> Source:
    """What was simulated, and the file it lies in (read for its checksum)."""
    simulated = {
        str(name): str(value)
        for name, value in dataset.attrs.items()
        if name != "title" and not str(name).startswith("provenance_")
    }
    return Source(Path(file).name, hashlib.sha256(Path(file).read_bytes()).hexdigest(), simulated)
