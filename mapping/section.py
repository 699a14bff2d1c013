"""What is kept of a fit: a section of the coefficients file, with the dataset that was fitted and how that was made.

Every kind of section has `status` (ok or failed), `reason`, `source`, `provenance`, and `check`, which says what the
types alone do not. Most are a `Section` around the outcome of their fit.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

import xarray as xr

Status = Literal["ok", "failed"]


@dataclass(frozen=True)
class Source:
    """The dataset that was fitted: its name without folder, its checksum, and what was simulated."""

    file: str
    sha256: str
    parameters: dict[str, str]

    @property
    def label(self) -> str:
        """Name and the beginning of the checksum."""
        return f"{self.file} {self.sha256[:12]}"


def source_of(dataset: xr.Dataset, file: str | os.PathLike | None = None) -> Source:
    """What was simulated, and the file it lies in (read for its checksum); of a dataset without a file its content."""
    simulated = {
        str(name): str(value)
        for name, value in dataset.attrs.items()
        if name != "title" and not str(name).startswith("provenance_")
    }
    name = f"{dataset.attrs.get('study', 'dataset')} in memory" if file is None else Path(file).name
    content = repr(dataset.to_dict()).encode() if file is None else Path(file).read_bytes()
    return Source(name, hashlib.sha256(content).hexdigest(), simulated)


class Outcome(Protocol):
    """What a fit returns: the result named RESULT is None where it failed, `reason` says why, and CURE what helps."""

    RESULT: ClassVar[str]
    CURE: ClassVar[str]

    @property
    def status(self) -> Status: ...
    @property
    def reason(self) -> str: ...


Fit = TypeVar("Fit", bound=Outcome)


@dataclass(frozen=True)
class Section(Generic[Fit]):
    """All that is kept of a fit."""

    fit: Fit
    source: Source
    provenance: dict[str, str]

    @property
    def status(self) -> Status:
        """Whether the fit is of use."""
        return self.fit.status

    @property
    def reason(self) -> str:
        """Why it is of none; empty otherwise."""
        return self.fit.reason

    def result(self) -> Any:
        """What was fitted for. ValueError with reason and cure if the fit failed."""
        if self.status == "failed":
            raise failed(self, self.fit.CURE)
        return getattr(self.fit, self.fit.RESULT)

    def check(self) -> None:
        """ValueError if status and result contradict each other."""
        check_status(self.status, self.fit.RESULT, getattr(self.fit, self.fit.RESULT))


def check_status(status: str, name: str, result: Any) -> None:
    """ValueError unless a good fit has the result `name`, and a failed one has none."""
    if (status == "ok") != (result is not None):
        raise ValueError(f"status {status} does not go with {name} {result}")


def failed(section: Any, cure: str) -> ValueError:
    """What is said where a section is needed whose fit failed."""
    return ValueError(
        f"the fit to {section.source.file} failed ({section.reason}); {cure} and run astromorph map on it"
    )
