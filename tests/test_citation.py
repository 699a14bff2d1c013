"""CITATION.cff is complete as the Citation File Format 1.2.0 asks, and of this version."""

import re
import tomllib
from pathlib import Path

import pytest

from astromorph.files.plain_yaml import read_yaml

ROOT = Path(__file__).parents[1]
CITATION = read_yaml(ROOT / "CITATION.cff")


def test_it_names_this_version_and_licence():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors", "abstract"} <= CITATION.keys()
    assert CITATION["version"] == project["version"] and CITATION["license"] == project["license"]
    assert CITATION["authors"] == [{"name": "Astromorph contributors"}]


@pytest.mark.parametrize("reference", CITATION["references"], ids=lambda reference: reference["title"][:30])
def test_every_reference_can_be_found(reference):
    assert {"type", "title", "authors", "year"} <= reference.keys() and reference["authors"]
    assert all("name" in author or "family-names" in author for author in reference["authors"])
    assert re.fullmatch(r"10\.\d{4,5}/\S+", reference.get("doi", "")) or reference["url"].startswith("https://")
