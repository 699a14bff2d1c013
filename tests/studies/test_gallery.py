"""The gallery of the README: at most eight figures, each of which one command draws again from a committed dataset."""

import re
from pathlib import Path

import pytest

from studies.command_line import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIGURES = re.findall(r"^!\[.*\]\((.*)\)$", README, flags=re.MULTILINE)
FITTED = {"astrocyte.png": "calcium-response.nc"}  # drawn by astromorph map


def data_of(figure: str) -> Path:
    path = ROOT / figure
    found = [path.with_suffix(ending) for ending in (".nc", ".csv") if path.with_suffix(ending).is_file()]
    return found[0] if found else path.with_name(FITTED[path.name])


def test_the_readme_shows_at_most_eight_figures_all_of_them_in_the_gallery():
    gallery = README.split("### Gallery")[1].split("\n### ")[0]
    assert 1 <= len(FIGURES) <= 8 and all(f"]({figure})" in gallery for figure in FIGURES)
    assert all((ROOT / figure).is_file() and data_of(figure).is_file() for figure in FIGURES)


@pytest.mark.slow
@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_is_drawn_again(figure, tmp_path):
    name, data = Path(figure).name, str(data_of(figure))
    if name in FITTED:
        assert main(["map", data, "--out", str(tmp_path / Path(name).with_suffix(".yaml"))]) == 0
    else:
        assert main(["plot", data, "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / name).stat().st_size > 10_000
