"""The compiled part with whatever compiler and cache folder there are: built, or one warning and the plain form."""

import ctypes
import os
import shutil
import stat
import warnings
from pathlib import Path

import pytest
import torch

from astromorph.attention import compiled, forms, functional
from astromorph.native import build

SOURCE = """extern "C" int answer() { return 42; }"""


@pytest.fixture
def source(tmp_path, monkeypatch) -> Path:
    monkeypatch.delenv("ASTROMORPH_PLAIN", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    build.library.cache_clear()
    build._warn.cache_clear()
    file = tmp_path / "small.cpp"
    file.write_text(SOURCE, encoding="utf-8")
    yield file
    build.library.cache_clear()
    build._warn.cache_clear()


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.mark.parametrize("command", ["env g++", "g++ -O1", "env 'g++' -DNOTHING=\"1 2\""])
def test_a_compiler_may_come_with_words_of_its_own(source, monkeypatch, command):
    assert shutil.which("g++")
    monkeypatch.setenv("CXX", command)
    loaded = build.library(source)
    assert isinstance(loaded, ctypes.CDLL) and loaded.answer() == 42


@pytest.mark.parametrize("command", ["no-such-compiler", "/", 'g++ "', "   ", "true", "false", "echo", "/dev/null"])
def test_a_compiler_that_is_none_is_one_warning_and_the_plain_form(source, monkeypatch, command):
    monkeypatch.setenv("CXX", command)
    with pytest.warns(UserWarning, match="in CXX|is no command; name a compiler") as warned:
        assert build.library(source) is None
        assert build.library(source) is None
    assert len(warned) == 1 and str(warned[0].message).endswith("; the plain formulas are used, which are slower")


def test_what_a_compiler_says_in_any_encoding_is_no_matter(source, monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", script(tmp_path / "odd", "printf '\\377\\376' >&2; exit 1"))
    with pytest.warns(UserWarning, match="odd cannot build small.cpp; name a compiler"):
        assert build.library(source) is None


@pytest.mark.parametrize("folder", ["/dev/null", "/proc/none", "file"])
def test_without_a_folder_to_write_to_attention_is_computed_plainly(source, monkeypatch, tmp_path, folder):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / folder))
    q = torch.randn(1, 1, 5, 4)
    with pytest.warns(UserWarning, match="a folder to write to in XDG_CACHE_HOME; the plain formulas are used"):
        assert not compiled.available()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = functional.astromorphic_attention(q, q, q, is_causal=True)
    build.library.cache_clear()
    monkeypatch.undo()
    if "ASTROMORPH_PLAIN" not in os.environ:
        assert forms.compiled.available()
    torch.testing.assert_close(functional.astromorphic_attention(q, q, q, is_causal=True), plain)


def test_a_library_that_is_damaged_is_built_anew(source, monkeypatch):
    monkeypatch.setenv("CXX", "g++")
    built = build.built_file(source)
    built.parent.mkdir(parents=True)
    built.write_bytes(b"")
    loaded = build.library(source)
    assert loaded is not None and loaded.answer() == 42
