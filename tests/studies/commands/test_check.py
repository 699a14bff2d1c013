"""`astromorph check`: tells what is there, and its self-test can fail."""

import hashlib

import pytest

from astromorph.data.fetch import NAMES
from studies.commands import check
from studies.shell import machine, self_test
from studies.shell.self_test import TESTS, Found, attention_forms, calcium_at_rest, judged, pairs_of_spikes, planted_law


def lines(text: str) -> dict[str, str]:
    """The first line of each name."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        found.setdefault(line[: check.WIDTH].strip(), line[check.WIDTH :])
    return found


def test_every_floor_is_tested():
    assert set(TESTS.values()) == {"biophys", "mapping", "astromorph"} == set(self_test.CURES)


@pytest.mark.parametrize("test", [pairs_of_spikes, calcium_at_rest, planted_law, attention_forms])
def test_known_numbers_come_out(test):
    found = test()
    assert 0 <= found.value <= found.limit


def test_a_wrong_attention_fails(monkeypatch):
    from astromorph.attention import forms

    monkeypatch.setattr(forms, "scanned", lambda *parts: False)
    right = forms.among_all

    def wrong(parts, terms, query, *rest):
        return right(parts, terms, query, *rest) * (1 + 1e-3 * (query.dtype.itemsize == 4))

    monkeypatch.setattr(forms, "among_all", wrong)
    assert not judged("astromorph", attention_forms).passed


def test_a_wrong_window_fails(monkeypatch):
    from biophys.plasticity import spike_timing

    right = spike_timing.pair_change
    monkeypatch.setattr(spike_timing, "pair_change", lambda lag, p: right(lag, p._replace(A_plus=0.0051)))
    verdict = judged("biophys", pairs_of_spikes)
    assert not verdict.passed and "at most 1e-09" in verdict.message


@pytest.mark.parametrize("value", [2.0, float("nan")])
def test_too_large_or_no_number_is_a_failure(value):
    assert not judged("mapping", lambda: Found("difference", value, 1.0)).passed
    assert judged("mapping", lambda: Found("difference", 1.0, 1.0)).passed


def test_an_error_is_a_failure_with_its_reason():
    def broken():
        raise ImportError("no Brian2\nhere")

    verdict = judged("biophys", broken)
    assert not verdict.passed and verdict.message == "ImportError: no Brian2 here"


def passing():
    return Found("difference", 1e-12, 1e-9)


def failing():
    return Found("difference", 1.0, 1e-9)


def test_all_good_ends_with_a_word(monkeypatch, capsys):
    monkeypatch.setattr(self_test, "TESTS", {passing: "biophys"})
    check.examine()
    told = capsys.readouterr().out
    assert "ok     difference 1e-12 (at most 1e-09)" in told and told.endswith("all floors stand\n")


def test_a_failure_ends_with_status_1_and_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(self_test, "TESTS", {failing: "mapping", passing: "astromorph"})
    with pytest.raises(SystemExit) as end:
        check.examine()
    told = capsys.readouterr()
    assert end.value.code == 1
    assert "FAILED" in lines(told.out)["mapping"] and "ok" in lines(told.out)["astromorph"]
    assert told.err == f"astromorph: mapping fails its self-test; {self_test.CURES['mapping']}\n"


def test_quick_describes_without_testing(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(machine, "code_targets", lambda compiler: "numpy works")  # tried out in another test
    monkeypatch.setattr(check, "examine", lambda: pytest.fail("the self-test ran"))
    check.run(["--quick", "--data", str(tmp_path)])
    found = lines(told := capsys.readouterr().out)
    for name in ("astromorph", "python", "packages", "machine", "threads", "precision", "compiler", "brian2", "data"):
        assert found[name]
    assert "torch 2." in found["packages"] and "numpy 2." in found["packages"]
    for name in NAMES:
        assert f" {name}: " in told
    assert "digits: intact, digits.csv.gz" in told
    assert f"cifar10: cifar-10-python.tar.gz missing; `astromorph data fetch cifar10 --data {tmp_path}`" in told


def test_an_altered_file_is_told(tmp_path):
    from astromorph.data import mnist

    for name, known in mnist.OFFICIAL.items():
        (tmp_path / mnist.FOLDER).mkdir(parents=True, exist_ok=True)
        (tmp_path / mnist.FOLDER / name).write_bytes(b"x" * known.size)
    (line,) = machine.data_sets(["mnist"], tmp_path)
    assert "altered" in line and "astromorph data fetch mnist" in line and hashlib.md5(b"").hexdigest() not in line


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist; make it or name another"):
        check.run(["--quick", "--data", str(tmp_path / "nowhere")])


@pytest.mark.parametrize("compiler", ["", "#!/bin/sh\nexit 1\n"])
def test_a_compiler_that_is_missing_or_broken_is_told(monkeypatch, tmp_path, compiler):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    if compiler:
        (tmp_path / "g++").write_text(compiler)
        (tmp_path / "g++").chmod(0o755)
    told = machine.compiler()
    assert told == machine.NO_COMPILER if not compiler else "cannot build a small program" in told
    assert not told.endswith("works")


@pytest.mark.slow
def test_code_targets_are_tried_out():
    told = machine.code_targets(machine.compiler())
    assert "numpy works" in told and "cython works" in told and "cpp_standalone works" in told


@pytest.mark.slow
def test_the_whole_check_passes_here(capsys):
    check.run([])
    told = capsys.readouterr().out
    assert told.count(" ok     ") == len(TESTS) and "FAILED" not in told
