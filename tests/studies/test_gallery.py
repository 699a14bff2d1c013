"""The gallery of the results: at most eight figures, each of which one command draws again from a committed dataset."""

import re
from pathlib import Path

import pytest

from studies.command_line import main

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "studies" / "results"
PAGE = (RESULTS / "README.md").read_text(encoding="utf-8")
FIGURES = re.findall(r"^!\[.*\]\((.*)\)$", PAGE, flags=re.MULTILINE)
FITTED = {"astrocyte.png": "calcium-response.nc"}  # drawn by astromorph map


def data_of(figure: str) -> Path:
    path = RESULTS / figure
    found = [path.with_suffix(ending) for ending in (".nc", ".csv") if path.with_suffix(ending).is_file()]
    return found[0] if found else path.with_name(FITTED[path.name])


def test_the_results_show_at_most_eight_figures_all_of_them_in_the_gallery():
    gallery = PAGE.split("## Gallery")[1].split("\n## ")[0]
    assert 1 <= len(FIGURES) <= 8 and all(f"]({figure})" in gallery for figure in FIGURES)
    assert all((RESULTS / figure).is_file() and data_of(figure).is_file() for figure in FIGURES)


def test_the_front_page_shows_one_figure_of_the_gallery():
    shown = re.findall(r"!\[.*\]\((.*)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(shown) == 1 and Path(shown[0]).name in FIGURES


def test_every_committed_result_stands_on_the_page():
    files = [file.name for file in RESULTS.iterdir() if file.suffix in (".nc", ".csv", ".yaml", ".png")]
    assert [name for name in files if not re.search(rf"\b{re.escape(name)}\b", PAGE)] == []


@pytest.mark.slow
@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_is_drawn_again(figure, tmp_path):
    name, data = Path(figure).name, str(data_of(figure))
    if name in FITTED:
        assert main(["map", data, "--out", str(tmp_path / Path(name).with_suffix(".yaml"))]) == 0
    else:
        assert main(["plot", data, "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / name).stat().st_size > 10_000
