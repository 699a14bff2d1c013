"""A report holds what the files say: results, figures, commands, links; and refuses what is neither run nor dataset."""

import html
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import xarray as xr
import yaml

from astromorph.runs.run_folder import METRICS, RunFolder
from astromorph.settings import DigitsSettings, ShdSettings
from biophys.simulation.recording import save
from studies.commands import report as verb
from studies.report.report import found, write_report
from studies.report.run_section import heading, side_by_side

ACCURACIES = {("linear", 0): 0.95, ("linear", 1): 0.93, ("softmax", 0): 0.9}
PROVENANCE = {"command": "astromorph train digits --seed 7", "commit": "0123456789abcdef", "date": "2026-01-02T03:04"}


def made_run(path: Path, attention="linear", seed=0, *, finished=True) -> RunFolder:
    settings = DigitsSettings(attention=attention, seed=seed, epochs=2)
    run = RunFolder.create(path, "digits", settings, None, provenance=PROVENANCE)
    rows = [dict.fromkeys(METRICS, 0.5) | {"epoch": epoch} for epoch in (1, 2)]
    run.write_metrics(rows)
    if finished:
        accuracy = ACCURACIES[attention, seed]
        run.write_json(
            "summary.json",
            {
                "data_set": "digits", "attention": attention, "seed": seed, "test_accuracy": accuracy, "test_loss": 0.2,
                "chosen_epoch": 2, "validation_accuracy": 0.97, "epochs": 2, "seconds": 1.5, "parameters": 10250,
                "class_names": ["0", "1"], "confusion": [[40, 2], [3, 55]], "perplexity": 12.5, **PROVENANCE,
            },
        )  # fmt: skip
    return run


def made_dataset(path: Path) -> None:
    time = xr.Variable("time", np.arange(5.0), {"units": "s"})
    calcium = xr.DataArray([[0.1, 0.2, 0.4, np.nan, 0.3]], {"time": time}, ["astrocyte", "time"])
    calcium.attrs = {"units": "umolar", "long_name": "free calcium"}
    attributes = {"study": "traces", "network": "chi", "seed": 3, "seconds": 5.0, "astrocyte.O_P": "0.9 umolar/second"}
    attributes |= {f"provenance_{name}": text for name, text in PROVENANCE.items()}
    save(xr.Dataset({"calcium": calcium}, attrs=attributes), path)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    for attention, seed in ACCURACIES:
        made_run(folder / "runs" / f"{attention} {seed}", attention, seed)
    made_dataset(folder / "a & b.nc")
    return folder


@pytest.fixture(scope="module")
def reported(results):
    """A report of everything in a folder: the folder, the page's source, its addresses."""
    out = results / "report.html"
    assert write_report(out, [results], {"command": "astromorph report"}) == 4
    source = out.read_text(encoding="utf-8")
    return results, source, [html.unescape(address) for address in re.findall(r'(?:href|src)="([^"]*)"', source)]


def test_the_report_loads_nothing(reported):
    _, source, addresses = reported
    assert not re.search(r"https?:|url\(|@import", source)
    assert source.count("<img ") == 2 + 4  # side by side, every run; one a result
    assert sum(address.startswith("data:image/png;base64,") for address in addresses) == 6
    assert source.count("<script>") == 1 and "<link" not in source and "src=" not in source.replace('src="data:', "")


def test_links_lead_to_files_and_sections_that_are_there(reported):
    folder, source, addresses = reported
    links = [address for address in addresses if not address.startswith("data:")]
    inside = [address.removeprefix("#") for address in links if address.startswith("#")]
    outside = [unquote(address) for address in links if not address.startswith("#")]
    assert all(source.count(f'id="{address}"') == 1 for address in inside) and len(inside) > 4
    assert all((folder / address).exists() for address in outside)
    assert {"a & b.nc", "runs/linear 0/metrics.csv", "runs/softmax 0/settings.yaml"} <= set(outside)
    assert not any(address.startswith("/") for address in outside)


def test_the_report_says_what_was_made_how(reported):
    words = html.unescape(re.sub(r"<[^>]*>", "\n", reported[1]))
    assert words.count("astromorph train digits --seed 7 (seed 3)") == 1  # the dataset's figure
    for told in ("Test accuracy 95.00 %", "epoch 2 of 2", "012345678", "2026-01-02", "0.9 umolar/second", "12.5"):
        assert told in words
    assert "94.00 ± 1.41" in words and "90.00" in words  # mean and n - 1 spread of two seeds; a single run has none
    (row,) = re.findall(r"<tr><td[^>]*>calcium</td>.*?</tr>", reported[1])
    assert re.findall(r'data-number="([\d.]+)"', row) == ["0.1", "0.25", "0.4"]  # least, mean, largest: nan left out
    assert "astrocyte 1 × time 5" in row and "umolar" in row


def test_runs_are_not_compared_with_their_copies(results, tmp_path):
    (told,) = side_by_side([RunFolder.open(results / "runs" / "linear 0"), made_run(tmp_path / "copy")], {})
    assert "repeats" in told.text and told.figure is None and told.table is None


@pytest.mark.parametrize(
    ("data_set", "settings", "title"),
    [
        ("digits", DigitsSettings(attention="softmax", seed=3), "digits, softmax attention, seed 3"),
        ("digits", DigitsSettings(attention="none"), "digits, no attention, seed 0"),
        ("shd", ShdSettings(delays="learned"), "shd, learned delays, seed 0"),
        ("shd", ShdSettings(delays="none"), "shd, no delays, seed 0"),
    ],
)
def test_a_run_is_called_by_what_it_compares(tmp_path, data_set, settings, title):
    run = RunFolder.create(tmp_path / "mine", data_set, settings, None)
    assert run.title == title and heading(run) == f"mine: {title}"


def test_an_unfinished_run_says_how_to_go_on(tmp_path):
    run = made_run(tmp_path / "run", finished=False)
    write_report(tmp_path / "out.html", [run.path], {})
    source = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "Not finished: 2 of 2 epochs" in source and f"--resume {run.path}" in source
    (run.path / "metrics.csv").unlink()
    write_report(tmp_path / "out.html", [run.path], {})
    assert "0 of 2 epochs" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_an_exported_model_is_no_broken_off_training(tmp_path):
    run = RunFolder.create(tmp_path / "m", "digits", DigitsSettings(), None, provenance={"weights_sha256": "ab"})
    write_report(tmp_path / "out.html", [run.path], {})
    source = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "Not finished" not in source and "astromorph evaluate" in source


def test_a_language_model_has_no_confusion(tmp_path):
    run = made_run(tmp_path / "run")
    run.write_json("summary.json", run.summary() | {"confusion": [], "class_names": []})
    write_report(tmp_path / "out.html", [run.path], {})
    source = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "true class" not in source and "Test accuracy" in source


def spoiled(folder: Path, kind: str) -> Path:
    """Something that is no result, by the kind of its fault."""
    path = folder / {"text": "a.nc", "yaml": "c.yaml", "empty": "empty"}.get(kind, f"{kind}.nc")
    if kind == "text":
        path.write_text("no dataset")
    elif kind == "yaml":
        path.write_text(yaml.safe_dump({"status": "ok"}))
    elif kind == "empty":
        path.mkdir()
    elif kind == "unknown":
        save(xr.Dataset(attrs={"study": "phrenology"}), path)
    elif kind == "hollow":
        save(xr.Dataset(attrs={"study": "traces", "caption": "c"}), path)
    elif kind == "settings":
        path = folder / "run"
        path.mkdir()
        (path / "settings.yaml").write_text("data_set: [")
    return path


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("missing", "there is no .*name run folders and datasets"),
        ("text", "not a readable NetCDF file"),
        ("yaml", "neither the folder of a run nor a dataset"),
        ("empty", "holds no run and no dataset"),
        ("unknown", "phrenology"),
        ("hollow", "lacks what the figure of traces shows|at least|number of rows"),
        ("settings", "not the settings of a run"),
    ],
)
def test_what_is_no_result_is_refused_and_nothing_written(tmp_path, kind, told):
    path = spoiled(tmp_path, kind)
    with pytest.raises((ValueError, OSError), match=told) as refusal:
        write_report(tmp_path / "out.html", [path], {})
    assert str(path.name) in str(refusal.value) and "\n" not in str(refusal.value)
    assert not (tmp_path / "out.html").exists() and not list(tmp_path.glob(".*.part"))


def test_a_folder_stands_for_what_is_in_it(results):
    names = [path.name for path in found(results)]
    assert names == ["a & b.nc", "linear 0", "linear 1", "softmax 0"]
    assert [path.name for path in found(results / "runs")] == names[1:]
    assert found(results / "runs" / "linear 0") == [results / "runs" / "linear 0"]


def test_the_verb_overwrites_only_when_asked(results, monkeypatch, capsys):
    monkeypatch.chdir(results / "runs" / "linear 0")
    Path("page.html").write_text("mine")
    with pytest.raises(FileExistsError, match="--overwrite"):
        verb.run([".", "--out", "page.html"])
    with pytest.raises(ValueError, match="must end in .html"):
        verb.run([".", "--out", "page.pdf"])
    assert Path("page.html").read_text() == "mine"
    verb.run([".", "--out", "page.html", "--overwrite"])
    assert capsys.readouterr().out == "1 result\nwrote page.html\n"
    assert Path("page.html").read_text().startswith("<!DOCTYPE html>")
    Path("page.html").unlink()


def test_no_name_means_this_folder(results, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr("studies.report.report.write_report", lambda out, sources, made: asked.extend(sources) or 4)
    monkeypatch.chdir(results)
    verb.run(["--out", "all.html"])
    assert asked == [Path()] and capsys.readouterr().out.startswith("4 results")


def test_a_result_named_twice_is_reported_once(results, tmp_path):
    run = results / "runs" / "linear 0"
    assert write_report(tmp_path / "out.html", [run, run], {}) == 1
