"""Provenance: where a result came from, as text, without importing what it names."""

import subprocess
import sys

from astromorph import __version__
from astromorph.runs.provenance import commit, provenance


def git(folder, *words):
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_says_command_versions_and_machine():
    found = provenance(["train", "digits", "--out", "a folder"])
    assert found["command"] == "astromorph train digits --out 'a folder'"
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["astromorph"] == __version__
    assert found["numpy"].startswith("2.") and found["brian2"].startswith("2.")
    assert "cores" in found["hardware"]
    assert found["date"].endswith("+00:00")
    assert all(isinstance(text, str) and text for text in found.values())


def test_imports_neither_torch_nor_brian2():
    program = "import sys; from astromorph.runs.provenance import provenance; provenance([])"
    ended = subprocess.run(
        [sys.executable, "-c", f"{program}; sys.exit(str(set(sys.modules) & {{'torch', 'brian2', 'numpy'}}))"],
        capture_output=True,
        text=True,
    )
    assert ended.stderr.strip() == "set()"


def test_commit_is_that_of_the_checkout_and_shows_changes(tmp_path):
    file = tmp_path / "module.py"
    file.write_text("1\n")
    assert commit(file) == "unknown"  # no checkout
    git(tmp_path, "init", "-q")
    assert commit(file) == "unknown"  # not tracked: a copy that only lies there
    git(tmp_path, "add", "module.py")
    git(tmp_path, "commit", "-q", "-m", "x")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert commit(file) == head
    (tmp_path / "result.nc").write_text("untracked")
    assert commit(file) == head
    file.write_text("2\n")
    assert commit(file) == f"{head}+changes"
