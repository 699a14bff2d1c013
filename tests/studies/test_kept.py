"""Folders of finished parts: begun for one thing, gone on with for that alone, and gone at once."""

import json
import shutil

import pytest

from studies.kept import PLAN, forget, kept, open_parts, read_plan

ASKED = {"seed": 1, "rates": (0.1, 2.0), "settings": {"hidden": (3, 4), "name": None}}


def test_a_folder_serves_what_it_was_begun_for_and_nothing_else(tmp_path):
    folder = tmp_path / "new" / "a.nc.parts"
    assert read_plan(folder) is None
    open_parts(folder, ASKED)
    assert read_plan(folder) == json.loads(json.dumps(ASKED))
    open_parts(folder, ASKED)  # tuples of a plan are lists in its file
    with pytest.raises(ValueError, match="a.nc.parts keeps parts of another command; repeat that .* another --out"):
        open_parts(folder, ASKED | {"seed": 2})
    open_parts(None, ASKED)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_plan_is_said(tmp_path, content):
    (tmp_path / PLAN).write_bytes(content)
    with pytest.raises(ValueError, match="plan.json is damaged; remove .* and repeat the command"):
        open_parts(tmp_path, ASKED)


def test_a_result_is_computed_once(tmp_path):
    file, done = tmp_path / "a.json", []

    def compute():
        done.append(1)
        return {"accuracy": 0.5, "steps": (1, 2), "none": float("nan")}

    first, second = kept(file, compute), kept(file, compute)
    assert first["steps"] == [1, 2] and second["accuracy"] == 0.5 and len(done) == 1
    file.write_text("{")
    with pytest.raises(ValueError, match="a.json is damaged; remove .*a.json and repeat the command"):
        kept(file, compute)


def test_a_folder_is_gone_as_a_whole(tmp_path, monkeypatch):
    """Whoever is killed while parts are removed leaves no folder that looks begun."""
    folder = tmp_path / "a.nc.parts"
    open_parts(folder, ASKED)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", lambda *words, **named: None)  # killed before anything is removed
        forget(folder)
    assert not folder.exists()
    open_parts(folder, ASKED)
    forget(folder)
    forget(folder)
    assert not list(tmp_path.iterdir())
