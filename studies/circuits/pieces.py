"""Pieces of a long comparison: side by side in processes, each kept in its file when it is done."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import joblib
import xarray as xr

from biophys.simulation.progress import progress
from biophys.simulation.recording import load, save
from biophys.simulation.workers import ending_with_this

Progress = Callable[[float], Any]  # is told how much more is done


class Piece(Protocol):
    """Some inputs, and how they run."""

    @property
    def size(self) -> int: ...

    @property
    def file(self) -> Path | None: ...  # to keep the result in


P = TypeVar("P", bound=Piece)


def finished(
    pieces: Sequence[P], compute: Callable[[P, Progress], xr.Dataset], jobs: int, unit: str, parts: Path | None
) -> list[xr.Dataset]:
    """Every piece's result, from its file or from computing it; progress in units of their size."""
    results = {number: load(piece.file) for number, piece in enumerate(pieces) if piece.file and piece.file.is_file()}
    waiting = [number for number in range(len(pieces)) if number not in results]
    done = sum(pieces[number].size for number in results)
    try:
        with progress(total=sum(piece.size for piece in pieces), initial=done, unit=unit) as bar:
            if len(waiting) == 1 or joblib.effective_n_jobs(jobs) == 1:
                for number in waiting:
                    results[number] = _computed(pieces[number], compute, bar.update)
            else:
                work = [joblib.delayed(_numbered)(number, pieces[number], compute) for number in waiting]
                with joblib.parallel_config("loky"):
                    run = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
                    for number, result in run(ending_with_this(work)):
                        results[number] = result
                        bar.update(pieces[number].size)
    except KeyboardInterrupt as interruption:
        message = parts and f"finished chunks are kept in {parts}; the same command goes on"
        raise KeyboardInterrupt(message or "") from interruption
    return [results[number] for number in range(len(pieces))]


def _numbered(number: int, piece: P, compute: Callable[[P, Progress], xr.Dataset]) -> tuple[int, xr.Dataset]:
    return number, _computed(piece, compute, lambda more: None)


def _computed(piece: P, compute: Callable[[P, Progress], xr.Dataset], progress: Progress) -> xr.Dataset:
    result = compute(piece, progress)
    if piece.file is not None:
        save(result, piece.file)
    return result
