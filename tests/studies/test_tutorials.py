"""The tutorials open as notebooks (the percent format by its rules), and each runs as a script on its own."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import studies

FOLDER = Path(studies.__file__).parent / "tutorials"
ROOT = FOLDER.parents[1]
MADE = {
    "1_first_simulation": {"first_simulation.nc", "1_first_simulation.png"},
    "2_sweep": {"sweep.nc", "2_sweep.png", "2_release.png"},
    "3_from_calcium_to_attention": {"response.nc", "astrocyte.yaml", "3_from_calcium_to_attention.png"},
    "4_train_and_explain": {"digits", "4_learning_curves.png", "4_explained.png"},
    "5_model_as_circuit": {"digits_for_circuit", "5_model_as_circuit.png"},
}


def cells(source: str) -> list[tuple[str, list[str]]]:
    """Kind (markdown or code) and lines of each cell of the percent format; ValueError for what is none."""
    found: list[tuple[str, list[str]]] = []
    for line in source.splitlines():
        if line.startswith("# %%"):
            if not (head := re.fullmatch(r"# %%( \[markdown\])?", line)):
                raise ValueError(f"unknown cell {line!r}")
            found.append(("markdown" if head[1] else "code", []))
        elif not found:
            raise ValueError(f"{line!r} stands before the first cell")
        else:
            found[-1][1].append(line)
    return found


def test_there_are_five_in_their_order():
    assert [file.stem for file in sorted(FOLDER.glob("*.py"))] == list(MADE)


@pytest.mark.parametrize("name", MADE)
def test_a_tutorial_opens_as_a_notebook(name):
    found = cells((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    assert found[0][0] == "markdown" and found[0][1][0].startswith("# # ")  # the title
    kinds = [kind for kind, _ in found]
    assert kinds.count("code") >= 3 and kinds[-1] == "markdown"
    for kind, lines in found:
        text = [line for line in lines if line]
        assert text
        if kind == "markdown":
            assert all(line == "#" or line.startswith("# ") for line in text)
            prose = "\n".join(line[2:] for line in text)
            assert prose.count("$") % 2 == 0 and prose.count("`") % 2 == 0 and prose.count("**") % 2 == 0
        else:
            ast.parse("\n".join(lines))
            assert not text[0].startswith("# ")  # a comment that lost its mark would read as code


@pytest.mark.parametrize("source", ["import os\n# %%\n", "# %% [raw]\n", "# %%\tcode\n"])
def test_what_is_no_cell_is_found(source):
    with pytest.raises(ValueError):
        cells(source)


@pytest.mark.parametrize("name", MADE)
def test_the_next_one_is_named(name):
    following = dict(zip(MADE, [*list(MADE)[1:], None], strict=True))[name]
    last = cells((FOLDER / f"{name}.py").read_text(encoding="utf-8"))[-1][1]
    assert following is None or f"{following}.py" in "\n".join(last)


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_a_tutorial_runs(name, tmp_path):
    """As a newcomer runs it; its own assertions are about the science."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-W", "error::UserWarning:__main__", str(FOLDER / f"{name}.py")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    made = {path.name for path in (tmp_path / "tutorials").iterdir()}
    assert made - {"4_words.png"} == MADE[name]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in tmp_path.rglob("*.png"))
