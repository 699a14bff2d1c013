"""Which Python `make` takes, what it says where there is none, and what `make test-pythons` installs and runs."""

import os
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHONS = runpy.run_path(str(ROOT / "tests" / "pythons.py"))
OLD = "exit 1"
BARE = """case "$2" in *ensurepip*) exit 1;; *-venv*) echo python3.12-venv;; esac"""
WHOLE = 'if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi; echo "$@" >> calls'


@pytest.fixture
def folder(tmp_path):
    """The Makefile beside pretended interpreters: too old, without venv, and whole."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    for name, script in {"old": OLD, "bare": BARE, "whole": WHOLE}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def make(folder: Path, pythons: str) -> subprocess.CompletedProcess[str]:
    """`make .venv/.installed` with these interpreters, by their names in the folder."""
    named = " ".join(f"./{name}" for name in pythons.split())
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", ".venv/.installed", "VENV=.venv", f"PYTHON={named}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("pythons", ["whole", "old whole", "bare whole", "missing old bare whole"])
def test_the_first_that_is_new_enough_and_has_venv_is_taken(folder, pythons):
    made = make(folder, pythons)
    assert made.returncode == 0, made.stderr
    assert "Installing into .venv with ./whole (a few minutes, once)" in made.stdout
    calls = (folder / "calls").read_text(encoding="utf-8")
    assert "-m venv .venv\n-m pip install -q --disable-pip-version-check -e .[dev]\n" in calls
    assert (folder / ".venv" / ".installed").is_file()


@pytest.mark.parametrize(
    ("pythons", "message"),
    [
        (
            "missing old",
            "Astromorph needs Python 3.11 or newer and none of these is it: ./missing ./old; install one, or name "
            "yours: make demo PYTHON=/path/to/python3.13\n",
        ),
        (
            "old bare",
            "./bare comes without venv; install that part of it (Debian and Ubuntu: python3.12-venv) and run make "
            "again\n",
        ),
    ],
)
def test_what_is_missing_is_one_sentence(folder, pythons, message):
    made = make(folder, pythons)
    assert made.returncode != 0 and made.stderr.startswith(message)
    assert not (folder / ".venv").exists()


def test_every_version_is_tested_once(folder):
    for name, version in {"new": "3.12", "again": "3.12", "newer": "3.13"}.items():
        (folder / name).write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    names = [str(folder / name) for name in ("missing", "old", "new", "again", "newer")]
    assert PYTHONS["interpreters"](names) == {"3.12": names[2], "3.13": names[4]}


def test_torch_alone_is_left_out():
    whole, without = set(PYTHONS["requirements"](True)), set(PYTHONS["requirements"](False))
    assert without < whole and all(line.startswith("torch>=") for line in whole - without)
    assert {"pytest", "hypothesis"} <= without and any(line.startswith("dask") for line in without)
    assert not any(line.startswith("astromorph") for line in whole)
