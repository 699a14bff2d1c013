"""The one road of verbs that make a dataset: claimed, made, stamped, written, drawn, told; kept while it lasts."""

from types import SimpleNamespace

import matplotlib
import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot as plt

from astromorph.files.locks import alone
from biophys.simulation.recording import load
from studies.command_line import main
from studies.kept import open_parts
from studies.shell.datasets import write_dataset

matplotlib.use("Agg")
CAME = {"command": "astromorph study made-up", "commit": "abc"}


def made(count: int = 2) -> xr.Dataset:
    return xr.Dataset({"x": ("n", list(range(count)))}, attrs={"study": "made-up", "caption": "Two numbers."})


def drawn(dataset):
    figure, axes = plt.subplots(figsize=(1, 1))
    axes.plot(dataset.x)
    return figure


STUDY = SimpleNamespace(draw=drawn)
TABLE = SimpleNamespace(
    draw=drawn, table=lambda dataset: pd.DataFrame({"x": dataset.x.values}), printed=lambda rows: "0 1"
)


def test_dataset_and_figure_are_written_and_the_caption_is_told(tmp_path, capsys):
    out = tmp_path / "new" / "a.nc"
    write_dataset(made, STUDY, {"out": out, "overwrite": False, "count": 3}, CAME)
    dataset = load(out)
    assert dataset.sizes["n"] == 3
    assert dataset.attrs == made().attrs | {"provenance_command": CAME["command"], "provenance_commit": "abc"}
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out == f"Two numbers.\nwrote {out} and {out.with_suffix('.png')}\n"


def test_a_table_is_written_beside_and_a_message_takes_the_place_of_the_caption(tmp_path, capsys):
    out = tmp_path / "a.nc"
    study = SimpleNamespace(**vars(TABLE), message=lambda dataset: "all is well")
    write_dataset(made, study, {"out": out, "overwrite": False}, CAME)
    assert out.with_suffix(".csv").read_text() == "x\n0\n1\n"
    printed = capsys.readouterr().out.splitlines()
    assert printed[:2] == ["0 1", "all is well"] and printed[2].endswith("a.png and " + str(out.with_suffix(".csv")))


def test_what_is_there_is_replaced_only_when_asked(tmp_path):
    out = tmp_path / "a.nc"
    out.with_suffix(".csv").write_text("mine")
    fails = lambda: pytest.fail("it was made before it was refused")
    with pytest.raises(FileExistsError, match="a.csv exists already"):
        write_dataset(fails, TABLE, {"out": out, "overwrite": False}, CAME)
    with pytest.raises(ValueError, match="must end in .nc"):
        write_dataset(fails, STUDY, {"out": tmp_path / "a.txt", "overwrite": False}, CAME)
    write_dataset(made, TABLE, {"out": out, "overwrite": True}, CAME)
    assert out.with_suffix(".csv").read_text() != "mine"


def test_a_stopped_study_goes_on_and_leaves_no_parts(tmp_path):
    out, seen = tmp_path / "a.nc", []

    def long(parts):
        open_parts(parts, {"seed": 1})
        seen.append(sorted(file.name for file in parts.iterdir()))
        if len(seen) == 1:
            raise KeyboardInterrupt
        return made()

    with pytest.raises(KeyboardInterrupt):
        write_dataset(long, STUDY, {"out": out, "overwrite": False}, CAME)
    assert (tmp_path / "a.nc.parts" / "plan.json").is_file() and not out.exists()
    write_dataset(long, STUDY, {"out": out, "overwrite": False}, CAME)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.nc", "a.png"]


def test_one_that_keeps_no_parts_leaves_the_parts_of_another_alone(tmp_path):
    """A sweep that was stopped and a study may have the same --out."""
    out = tmp_path / "a.nc"
    open_parts(tmp_path / "a.nc.parts", {"grid": 1})
    write_dataset(made, STUDY, {"out": out, "overwrite": False}, CAME)
    assert (tmp_path / "a.nc.parts" / "plan.json").is_file()


def test_two_commands_never_write_one_dataset(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["study", "union-property", "--populations", "1000", "--most-patterns", "3", "--out", "a.nc", "--overwrite"]
    with alone(tmp_path / ".a.nc.writing"):
        assert main(words) == 2
        assert "another process is writing a.nc; wait" in capsys.readouterr().err
        assert not (tmp_path / "a.nc").exists()
    assert main(words) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nc", "a.png"]
