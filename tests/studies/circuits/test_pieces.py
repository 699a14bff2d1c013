"""Pieces of a comparison: in order whatever the processes, each computed once, and kept when the rest is stopped."""

from pathlib import Path
from typing import NamedTuple

import pytest
import xarray as xr

from studies.circuits.pieces import finished


class Part(NamedTuple):
    number: int
    size: int
    file: Path | None = None


def squared(part: Part, progress) -> xr.Dataset:
    progress(part.size)
    return xr.Dataset({"square": ("n", [part.number**2])})


def squares(results):
    return [int(each.square[0]) for each in results]


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_the_order_of_the_pieces(jobs):
    pieces = [Part(number, 10 - number) for number in range(4)]
    assert squares(finished(pieces, squared, jobs, "token", None)) == [0, 1, 4, 9]


def test_what_is_finished_is_kept_and_gone_on_with(tmp_path):
    pieces = [Part(number, 1, tmp_path / f"{number}.nc") for number in range(3)]

    def stopped(part, progress):
        if part.number == 1:
            raise KeyboardInterrupt
        return squared(part, progress)

    with pytest.raises(KeyboardInterrupt, match="finished chunks are kept in .*; the same command goes on"):
        finished(pieces, stopped, 1, "token", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["0.nc"]
    done = []
    again = lambda part, progress: done.append(part.number) or squared(part, progress)
    assert squares(finished(pieces, again, 1, "token", tmp_path)) == [0, 1, 4] and done == [1, 2]


def test_without_a_folder_nothing_is_said_to_be_kept():
    def stopped(part, progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interruption:
        finished([Part(0, 1)], stopped, 1, "token", None)
    assert not str(interruption.value)  # the command line says that nothing was written
