"""A file is written whole, or what was there stays."""

import pytest

from biophys.simulation.whole_files import whole


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "plan.json"
    for text in ("first", "second"):
        with whole(path) as part:
            part.write_text(text, encoding="utf-8")
            assert not path.exists() or path.read_text(encoding="utf-8") == "first"
        assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_broken_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt):
        with whole(path) as part:
            part.write_text("half", encoding="utf-8")
            raise KeyboardInterrupt
    assert path.read_text(encoding="utf-8") == "before" and list(tmp_path.iterdir()) == [path]
