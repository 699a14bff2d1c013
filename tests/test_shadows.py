"""A file of the user's that is called like a package of ours is named, with what to do."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONSOLE = "import sys; sys.argv[0] = '/bin/astromorph'; from studies.command_line import command; sys.exit(command())"

FILES, WAYS = ["astromorph.py", "biophys.py", "mapping.py", "mapping/__init__.py"], ["console", "-m", "-c", "script"]
QUICK = [("biophys.py", "script"), ("mapping/__init__.py", "console"), ("astromorph.py", "-m")]  # the others are slow


def ended(*words: str, at: Path) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": f"{at}{os.pathsep}{ROOT}"}
    return subprocess.run([sys.executable, *words], cwd=at, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("name", "way"),
    [
        pytest.param(*each, marks=[] if each in QUICK else [pytest.mark.slow], id=" ".join(each))
        for each in product(FILES, WAYS)
    ],
)
def test_a_file_in_the_way_is_named(name, way, tmp_path):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("raise SystemExit('the file of the user was run')")
    bridge = "import studies.figure" if name.startswith("mapping") else "import mapping"
    (tmp_path / "mine.py").write_text(bridge)
    words = {"console": ["-c", CONSOLE], "-m": ["-m", "studies.command_line"], "-c": ["-c", bridge]}.get(
        way, ["mine.py"]
    )
    done = ended(*words, at=tmp_path)
    package = name.split("/")[0].removesuffix(".py")
    told = f"{file} hides the package {package} of Astromorph; rename it, or start Python elsewhere"
    if way in ("console", "-m"):
        assert (done.returncode, done.stderr, done.stdout) == (2, f"astromorph: {told}\n", "")
    else:
        assert done.returncode == 1 and done.stderr.splitlines()[-1] == f"ImportError: {told}"


def test_folders_that_are_no_packages_hide_nothing(tmp_path):
    for name in ("astromorph", "biophys", "mapping", "studies"):
        (tmp_path / name).mkdir()
    done = ended("-c", "import mapping, studies.figure; print('well')", at=tmp_path)
    assert done.stdout == "well\n", done.stderr
