"""An output is never what is read, nor a part of a run; its mode follows the umask."""

import os
import subprocess
import sys

import pytest
import torch

from astromorph.files import whole_files
from astromorph.files.tensors import read_tensors, save_tensors
from biophys.simulation import whole_files as simulated
from studies.shell.outputs import RUN_FILES, claim


@pytest.mark.parametrize("link", ["same", "symbolic", "hard", "roundabout"])
def test_an_output_that_is_the_input_is_refused(tmp_path, link):
    source, out = tmp_path / "a.csv", tmp_path / "b.csv"
    source.write_text("1")
    match link:
        case "same":
            out = source
        case "symbolic":
            out.symlink_to(source)
        case "hard":
            out.hardlink_to(source)
        case "roundabout":
            out = tmp_path / ".." / tmp_path.name / "a.csv"
    with pytest.raises(ValueError, match="is what is read"):
        with claim(out, overwrite=True, sources=[source]):
            pass
    assert source.read_text() == "1"


@pytest.mark.parametrize("name", RUN_FILES)
def test_a_part_of_a_run_is_never_replaced(tmp_path, name):
    (tmp_path / "settings.yaml").write_text("")
    with pytest.raises(ValueError, match="is a part of the run"):
        with claim(tmp_path / name, overwrite=True):
            pass
    with claim(tmp_path / "mine.csv", overwrite=True):
        assert (tmp_path / ".mine.csv.writing").is_dir()
    assert not (tmp_path / ".mine.csv.writing").exists()


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
@pytest.mark.parametrize("module", [whole_files, simulated])
def test_files_have_the_mode_that_the_umask_gives(tmp_path, umask, module):
    before = os.umask(umask)
    try:
        with module.whole(tmp_path / "a") as part:
            part.unlink()
            os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))
        save_tensors(tmp_path / "b", {"x": torch.ones(1)})
    finally:
        os.umask(before)
    for name in "ab":
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o666 & ~umask


def test_weights_that_may_not_be_read_are_said_to_be_that(tmp_path, monkeypatch):
    save_tensors(tmp_path / "a", {"x": torch.ones(1)})
    monkeypatch.setattr(os, "access", lambda *words: False)
    with pytest.raises(PermissionError, match=r"a cannot be read \(Permission denied\)"):
        read_tensors(tmp_path / "a")


@pytest.mark.slow
def test_no_text_is_read_or_written_in_the_encoding_of_the_locale(tmp_path):
    """In a Latin-1 locale words of the vocabulary would be others."""
    words = ["evaluate", "imdb", "--text", "café naïve fiancée"]
    code = "import sys; from studies.command_line import main; sys.exit(main(sys.argv[1:]))"
    options = ["-X", "warn_default_encoding", "-W", "error::EncodingWarning:astromorph"]
    told = [
        subprocess.run([sys.executable, *options, "-c", code, *words], capture_output=True, env=os.environ | locale)
        for locale in ({"PYTHONUTF8": "1"}, {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONIOENCODING": "utf-8"})
    ]
    assert all(each.returncode == 0 for each in told), told[1].stderr.decode()
    warned = [line for line in told[1].stderr.decode().splitlines() if "EncodingWarning: 'encoding'" in line]
    assert not [line for line in warned if "site-packages" not in line]
    assert told[0].stdout == told[1].stdout
