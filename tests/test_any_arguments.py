"""Whatever stands on the command line, it ends with status 0 or 2, never with a traceback, and writes nothing outside
the folder it runs in (and the cache, which lies there here).

Argument lists are drawn from the verbs, names and options that the command line itself lists, mixed with rubbish, and
run in this process. Real work is begun and broken off after a moment; there is no compiler, no network, little memory.
"""

import contextlib
import functools
import io
import os
import re
import resource
import shutil
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
import torch
from hypothesis import HealthCheck, currently_in_test_context, event, given, settings
from hypothesis import strategies as st

from studies.command_line import VERBS, main

RESULTS = Path(__file__).parents[1] / "studies" / "results"
MEMORY = 2 << 30  # bytes beyond what the tests hold
FILES = (
    "data.nc",
    "a.yaml",
    "a.png",
    "text.txt",
    "missing.nc",
    "empty",
    "run",
    "new",
    "deep/new.nc",
    "../new",
    "digits",
)
NUMBERS = (
    "0",
    "1",
    "2",
    "-1",
    "0.5",
    "1e9",
    "1e-300",
    "nan",
    "inf",
    "9" * 400,
    "0x1",
    "1_0",
    "1,2",
    "1:3",
    "1:9:3:log",
)
TEXTS = (
    *("", " ", "true", "None", "null", "[]", "{}", "[1, 2", "a: b", "é", "\udc80", "--", "-", "=", "a=b", "x" * 3000),
    *("linear", "astromorphic", "hill", "gpu", "10*Hz", "calcium", "synapse.U_0=0.5", "stimulus.rate=1,2*Hz"),
    *("stimulus.rate=1*umolar", "astrocyte.O_P=0:1:3*umolar/second", "degradation=0.5", "synapse.U_0=print(1)"),
)
HARMLESS = {"jobs": ("1", "0", "-5", "x"), "scheduler": ("", "x"), "threads": ("1", "0", "-1", "x")}


class OutOfTime(BaseException):
    """Real work has begun, which is all that is asked."""


def caught(words: list[str]) -> tuple[int, str, str]:
    """Status, output and errors of a command."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(words)
    out.flush(), err.flush()
    return status, *(each.buffer.getvalue().decode() for each in (out, err))  # type: ignore[attr-defined]


@functools.cache
def names(*words: str) -> list[str]:
    """What may follow, as the sentence says that refuses something else."""
    _, _, told = caught([*words, "?"])
    listed = re.search(r"use one of (.*)", told)
    return listed[1].strip().split(", ") if listed else []


@functools.cache
def options(*words: str) -> list[str]:
    """The options that the help lists."""
    _, help_page, _ = caught([*words, "--help"])
    return sorted({option.strip("-") for option in re.findall(r"--[a-z][\w-]*", help_page)} - {"help"})


@st.composite
def argument_lists(draw: Any) -> list[str]:
    """A verb, the name it asks for, and some options with values; now and then something else in their place."""
    rarely = lambda: draw(st.integers(0, 9)) == 0
    value = st.sampled_from(FILES) | st.sampled_from(NUMBERS) | st.sampled_from(TEXTS) | st.text(max_size=8)
    words = [draw(st.sampled_from([*VERBS, "--version", "help"]) if not rarely() else value)]
    if words[0] in VERBS and (known := names(*words)):
        words.append(draw(st.sampled_from(known) if not rarely() else value))
    elif words[0] in VERBS:
        words += draw(st.lists(st.sampled_from(FILES), max_size=2))
    try:
        known = options(*words[:2]) if words[0] in VERBS else []
    except OSError:
        known = []
    for _ in range(draw(st.integers(0, 5))):
        name = draw(st.sampled_from(known) if known and not rarely() else st.text(max_size=5))
        given = draw(st.sampled_from(HARMLESS[name]) if name in HARMLESS else value)
        match draw(st.integers(0, 5)):
            case 0:
                words.append(f"--{name}")
            case 1:
                words.append(f"--{name}={given}")
            case 2:
                words.append(given)
            case _:
                words += [f"--{name}", given]
    return words


outside: list[str] = []  # what was written outside `inside`, while that is not empty
inside = ""


def watch(happens: str, details: tuple[Any, ...]) -> None:
    """An audit hook (it cannot be taken away again): notes what is written."""
    if not inside:
        return
    paths: tuple[Any, ...] = ()
    if happens == "open" and isinstance(details[2], int) and details[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        paths = details[:1]
    elif happens in ("os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree", "os.truncate", "os.chmod"):
        paths = details[:1] if details[-1] in (-1, None) or happens != "os.rmdir" else ()
    elif happens in ("os.rename", "os.link", "os.symlink", "shutil.copyfile", "shutil.move"):
        paths = details[1:2]
    for path in paths:
        if isinstance(path, str | bytes | os.PathLike):
            place = os.path.abspath(os.fsdecode(path))
            if not place.startswith((inside, "/dev/", "/proc/self/")):
                outside.append(f"{happens} {place}")


def ring(_: int, frame: Any) -> None:
    """Ends the work, but for an import, which would stay half done; it rings again."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return
        frame = frame.f_back
    raise OutOfTime


@pytest.fixture(scope="module")
def shelter(tmp_path_factory) -> Iterator[Path]:
    """A folder to run in, with files of all kinds to copy, in an environment that leads nowhere else."""
    global inside
    home = tmp_path_factory.mktemp("home").resolve()
    kept = home / "kept"
    (kept / "empty").mkdir(parents=True)
    shutil.copy(RESULTS / "release-rate.nc", kept / "data.nc")
    shutil.copy(RESULTS / "astrocyte.yaml", kept / "a.yaml")
    shutil.copy(RESULTS / "segment.png", kept / "a.png")
    (kept / "text.txt").write_text("no dataset")
    shutil.copytree(Path(__file__).parents[1] / "astromorph/trained/digits", kept / "run")
    import matplotlib.font_manager  # noqa: F401 - writes its list of fonts once

    threads, before, limit = torch.get_num_threads(), Path.cwd(), resource.getrlimit(resource.RLIMIT_AS)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR", "MPLCONFIGDIR"):
            patch.setenv(name, str(home))
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            patch.setenv(name, "http://127.0.0.1:9")
        (home / "data").mkdir()
        patch.setenv("ASTROMORPH_DATA", str(home / "data"))
        patch.setenv("PATH", "")
        patch.setenv("LOKY_MAX_CPU_COUNT", "1")
        patch.setattr("tempfile.tempdir", str(home))
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setattr(sys, "argv", ["astromorph"])
        old = signal.signal(signal.SIGALRM, ring)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, limit[1]))
        sys.addaudithook(watch)
        inside = str(home)
        try:
            yield home
        finally:
            inside = ""
            resource.setrlimit(resource.RLIMIT_AS, limit)
            signal.signal(signal.SIGALRM, old)
            os.chdir(before)
            torch.set_num_threads(threads)


def note(what: str) -> None:
    """For hypothesis' statistics."""
    if currently_in_test_context():
        event(what)


def survives(words: list[str], home: Path, moment: float) -> None:
    """Runs the command for a moment, in a fresh folder."""
    here = home / "folder" / "here"
    shutil.rmtree(here.parent, ignore_errors=True)
    shutil.copytree(home / "kept", here)
    os.chdir(here)
    outside.clear()
    signal.setitimer(signal.ITIMER_REAL, moment, 0.25)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            status, _, told = caught(words)
    except (OutOfTime, SystemError):  # which the bell is made into in the middle of ast.parse
        status, told = 0, ""
        note("real work")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        plt.close("all")
    note(f"status {status}")
    assert status in (0, 2) and "Traceback" not in told, words
    assert outside == [], words
    if status == 2:
        assert told.startswith("astromorph: ") and told.count("\n") == 1, (words, told)


pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it rings anywhere
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=100, **QUIET)
@given(argument_lists())
def test_a_hundred_argument_lists(shelter, words):
    survives(words, shelter, 0.02)


@pytest.mark.slow
@settings(max_examples=500, **QUIET)
@given(argument_lists())
def test_five_hundred_argument_lists(shelter, words):
    survives(words, shelter, 0.3)


# Every number, systematically

BAD_NUMBERS = ("0", "-1", "nan", "inf", "1e300", "1" + "0" * 30, "", "ten", "true")
NO_SEEDS = ("-1", "1" + "0" * 30, "nan", "inf", "0.5", "true", "")
NEEDS = {  # words without which a command does not come to its options
    "circuit": ["circuit", "digits"],
    "evaluate": ["evaluate", "run"],
    "map": ["map", "data.nc"],
    "sweep": ["--seeds=2"],
}


def commands() -> list[tuple[str, ...]]:
    """Every verb with every name that may follow it."""
    verbs = [(verb,) for verb in VERBS if verb not in ("check", "data", "demo")]
    return [(*verb, *each) for verb in verbs for each in ([(name,) for name in names(*verb)] or [()])]


@functools.cache
def parser_of(*words: str) -> Any:
    """The parser of a command."""
    parsers: list[Any] = []

    def noted(parser: Any, *_: Any, **__: Any) -> None:
        parsers.append(parser)
        raise ValueError("noted")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("jsonargparse.ArgumentParser.parse_args", noted)
        caught(NEEDS.get(words[0], list(words)) if len(words) == 1 else list(words))
    return parsers[0]


def numeric(*words: str) -> list[str]:
    """The options that take numbers."""
    kinds = {each.dest: str(getattr(each, "_typehint", each.type)) for each in parser_of(*words)._actions}
    listed = {each.dest for each in parser_of(*words)._actions if each.metavar == "NUMBERS"}
    found = {name for name, kind in kinds.items() if re.search(r"\b(int|float)\b", kind)} | listed
    return sorted(found - {"jobs", "threads"})


def given_to(words: tuple[str, ...], option: str, value: str) -> list[str]:
    """The command, with what it cannot do without."""
    needed = [f"--{each.dest}=5" for each in parser_of(*words)._actions if each.required and each.option_strings]
    start = NEEDS.get(words[0], list(words)) if len(words) == 1 else [*words, *NEEDS.get(words[0], [])]
    start += [each for each in needed if each.partition("=")[0] != f"--{option}"]
    return [*start, f"--{option}={value}"]


def cases(values: tuple[str, ...]) -> list[list[str]]:
    return [given_to(each, option, value) for each in commands() for option in numeric(*each) for value in values]


def test_a_seed_that_is_none_is_refused_by_every_command_that_takes_one(shelter):
    os.chdir(shelter / "kept")
    seeded = [each for each in commands() if "seed" in numeric(*each)]
    assert {each[0] for each in seeded} == {"bench", "circuit", "patterns", "simulate", "study", "sweep", "train"}
    for number, each in enumerate(seeded):
        status, _, told = caught(given_to(each, "seed", NO_SEEDS[number % len(NO_SEEDS)]))
        assert status == 2 and "seed" in told and told.count("\n") == 1, (each, told)


def test_a_sample_of_numbers_that_are_none(shelter):
    for words in cases(BAD_NUMBERS)[::499]:
        survives(words, shelter, 0.02)


@pytest.mark.slow
def test_every_number_of_every_command(shelter):
    for words in cases(BAD_NUMBERS):
        survives(words, shelter, 0.1)
