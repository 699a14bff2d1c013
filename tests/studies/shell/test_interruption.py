"""TERM and HUP end a command as Ctrl-C does, and nothing that it has started goes on; closed streams lead nowhere."""

import os
import signal
import subprocess
import sys
import time

import pytest

from studies.command_line import main
from studies.shell.interruption import SIGNALS, runs

CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
COMMAND = f"""
import subprocess, sys
from studies import command_line

def works(words):
    child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE)
    child.stdout.readline()
    try:
        print(child.pid, flush=True)
        child.wait()
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on")

command_line._run = works
sys.exit(command_line.command())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, *(pytest.param(each, marks=pytest.mark.slow) for each in SIGNALS)])
def test_a_signal_ends_a_command_and_what_it_started_also_if_that_is_deaf(number):
    process = subprocess.Popen([sys.executable, "-c", COMMAND], stdout=-1, stderr=-1, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.send_signal(number)
    process.send_signal(number)  # as `timeout` does
    told = process.communicate(timeout=20)[1]
    assert process.returncode == 128 + number
    assert told.strip() == "interrupted; the same command goes on"
    until = time.monotonic() + 5
    while os.path.exists(f"/proc/{child}") and time.monotonic() < until:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{child}")


def test_what_a_process_was_told_to_ignore_it_ignores():
    code = "import os, signal; from studies.shell.interruption import interruptible\nwith interruptible(): "
    code += "os.kill(os.getpid(), signal.SIGHUP)\nprint('goes on')"
    ignoring = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, preexec_fn=ignoring)
    assert done.stdout == "goes on\n"


def test_a_process_that_took_a_number_over_is_another():
    status = open(f"/proc/{os.getpid()}/stat", encoding="utf-8").read().rpartition(")")[2].split()
    assert runs((os.getpid(), status[19])) and not runs((os.getpid(), "0"))


@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [(">&-", 0, ""), ("2>&-", 0, "astromorph"), (">&- 2>&-", 0, ""), (">/dev/full", 2, "No space left")],
)
def test_streams_that_are_closed_or_full_end_without_a_traceback(redirection, status, said):
    words = f"{sys.executable} -m studies.command_line --version {redirection}"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True)
    assert done.returncode == status and said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_characters_that_the_output_lacks_are_written_as_numbers():
    words = [
        sys.executable,
        "-c",
        "from studies.command_line import open_streams; open_streams(); print('caf\\xe9 \\u03bc')",
    ]
    done = subprocess.run(words, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "latin-1"})
    assert (done.returncode, done.stdout, done.stderr) == (0, b"caf\xe9 \\u03bc" + os.linesep.encode(), b"")


def test_a_sentence_never_takes_the_place_of_the_output():
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m studies.command_line nonsense 2>&-"], capture_output=True, text=True
    )
    assert done.returncode == 2 and not done.stdout


@pytest.mark.parametrize("variable", [False, True])
def test_a_user_who_does_not_exist_is_one_sentence(variable, monkeypatch, capsys):
    if variable:
        monkeypatch.setenv("ASTROMORPH_DATA", "~nobodyxyz/a")
    assert main(["data", "check", "imdb", *([] if variable else ["--data", "~nobodyxyz/a"])]) == 2
    told = capsys.readouterr().err
    assert "there is no such user" in told and told.count("\n") == 1
