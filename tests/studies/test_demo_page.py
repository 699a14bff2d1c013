"""The page is self-contained, escaped and whole; the demo walks the whole road in miniature and owns its folder."""

import base64
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot as plt

from astromorph.run_folder import RunFolder
from mapping import read_coefficients
from studies import compared_runs, demo, page
from studies.page import Section, write_page

ATTACK = "<script>alert('&')</script>"
VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Collects tags, attributes and text; fails on tags that do not nest."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [str(value) for name, value in attributes if name in ("src", "href", "srcset")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def small_figure():
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([0, 1])
    return figure


def test_everything_on_the_page_is_escaped(tmp_path):
    section = Section(ATTACK, ATTACK, small_figure(), ATTACK, ATTACK, pd.DataFrame({ATTACK: [ATTACK]}))
    write_page(tmp_path / "index.html", ATTACK, [section], {ATTACK: ATTACK})
    read = Reader((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert "script" not in read.tags
    # title twice; heading, text, caption, command, column, cell; provenance key and value
    assert "".join(read.words).count(ATTACK) == 10


def test_figures_are_inside_the_page_and_closed(tmp_path):
    figures = [small_figure(), small_figure()]
    open_before = len(plt.get_fignums())
    write_page(tmp_path / "index.html", "t", [Section("a", figure=figure) for figure in figures], {})
    source = (tmp_path / "index.html").read_text(encoding="utf-8")
    addresses = Reader(source).addresses
    assert len(addresses) == 2
    for address in addresses:
        head, data = address.split(",")
        assert head == "data:image/png;base64"
        assert base64.b64decode(data, validate=True).startswith(b"\x89PNG")
    assert not re.search(r"https?:|url\(|@import", source)
    assert len(plt.get_fignums()) == open_before - 2


def test_page_adapts_to_phone_and_darkness(tmp_path):
    write_page(tmp_path / "index.html", "t", [], {})
    source = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "width=device-width" in source and "prefers-color-scheme: dark" in source
    assert "How this was made" not in source  # no provenance, no section


def test_paragraphs_table_and_provenance_keep_their_order(tmp_path):
    section = Section("Heading", "one\n\ntwo", table=pd.DataFrame({"n": [3, 4]}))
    write_page(tmp_path / "index.html", "Title", [section], {"commit": "abc"})
    read = Reader((tmp_path / "index.html").read_text(encoding="utf-8"))
    words = [word.strip() for word in read.words if word.strip() and not word.startswith("\n:root")]
    expected = ["Title", "Title", "Heading", "one", "two", "n", "3", "4"]
    assert words == [*expected, "How this was made", "what", "value", "commit", "abc"]
    assert read.tags.count("p") == 2


def test_a_page_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    file = tmp_path / "index.html"
    file.write_text("old")

    def refuse(*paths):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_page(file, "t", [], {})
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"] and file.read_text() == "old"


def test_curves_are_the_mean_over_seeds_within_the_extremes():
    seeds = [
        pd.DataFrame({"epoch": [1, 2], "validation_accuracy": values, "training_loss": [2.0, 1.0]})
        for values in ([0.2, 0.8], [0.4, 1.0])
    ]
    figure = compared_runs.draw({"linear": seeds})
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [1, 2]
    assert line.get_ydata().tolist() == pytest.approx([0.3, 0.9])
    band = figure.axes[0].collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == pytest.approx((0.2, 1.0))
    plt.close(figure)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """A demo as short as it can be, and what it printed, in a process of its own (as a user runs it)."""
    out = tmp_path_factory.mktemp("demo") / "here"
    program = (
        "from pathlib import Path; from studies.demo import demo; "
        f"print(demo(Path({str(out)!r}), {{'commit': 'abc'}}, seconds=50.0, epochs=2, seeds=2))"
    )
    root = Path(demo.__file__).parents[1]
    finished = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return out, finished.stdout


def test_demo_leaves_what_each_step_makes(walked):
    out, _ = walked
    for name in ("calcium_response.nc", "union_property.nc", "nmda_threshold.nc"):
        assert xr.load_dataset(out / name, engine="h5netcdf").attrs["provenance_commit"] == "abc"
    coefficients = read_coefficients(out / "coefficients.yaml")
    runs = [RunFolder.open(path) for path in sorted((out / "runs").iterdir())]
    assert len(runs) == 6 and all(len(run.metrics()) == 2 for run in runs)
    fitted = {run.path.name: run.response for run in runs if run.response is not None}
    assert sorted(fitted) == ["astromorphic-seed0", "astromorphic-seed1"]
    assert coefficients.response is not None
    assert all(response.exponent == coefficients.response.exponent for response in fitted.values())
    assert not [path for path in out.rglob("*.part")]


def test_demo_prints_its_results_and_the_page(walked):
    out, printed = walked
    lines = printed.splitlines()
    steps, summary = lines[:4], lines[4:]
    assert [step[:5] for step in steps] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    names = [line.partition(":")[0] for line in summary[:-1]]
    assert names == ["calcium response", "fit", "digits", "dendrite"]
    accuracies = [
        [RunFolder.open(out / "runs" / f"{attention}-seed{seed}").summary()["test_accuracy"] for seed in (0, 1)]
        for attention in demo.ATTENTIONS
    ]
    shown = [float(value) for value in re.findall(r"([\d.]+) ±", summary[2])]
    assert shown == pytest.approx([50 * sum(pair) for pair in accuracies], abs=0.051)
    assert summary[-1] == str(out / "index.html")


def test_demo_page_tells_the_story(walked):
    out, _ = walked
    read = Reader((out / "index.html").read_text(encoding="utf-8"))
    assert read.tags.count("figure") == 5
    commands = [word for word in read.words if word.startswith("astromorph ")]
    files = ["calcium_response.nc", "calcium_response.nc", "runs/astromorphic-seed0"]
    files += ["union_property.nc", "nmda_threshold.nc"]
    assert [command.split()[2] for command in commands] == [str(out / file) for file in files]
    assert "".join(read.words).count("abc") == 1


def test_a_demo_folder_is_taken_over_and_no_other(tmp_path):
    demo.claim(tmp_path / "new" / "deep")
    demo.claim(tmp_path / "new" / "deep")
    (tmp_path / "new" / "deep" / "index.html").write_text("an earlier page")
    demo.claim(tmp_path / "new" / "deep")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError, match="file is a file; name a folder for the demo with --out"):
        demo.claim(tmp_path / "file")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FileExistsError, match="holds files that are no demo; name a new or empty folder"):
        demo.claim(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


def test_picture_keeps_a_readable_width(tmp_path):
    write_page(tmp_path / "index.html", "t", [Section("a", figure=small_figure())], {})
    source = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert f"width: {2 * page.CSS_PIXELS_PER_INCH}px; min-width: 144px" in source
