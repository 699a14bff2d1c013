"""`astromorph VERB ...`: the one command.

A verb is a file of studies/commands, imported only when it is asked for, so that help comes at once. What a
user can put right (ValueError, OSError) ends as one sentence on stderr and exit status 2; Ctrl-C ends with
status 130, TERM and HUP alike with 143 and 129. With ASTROMORPH_DEBUG=1 the traceback is shown as well.
"""

import atexit
import gc
import importlib
import io
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

VERBS = {
    "simulate": "run a ready-made network of neurons, synapses and astrocytes",
    "sweep": "simulate a network at every point of a grid of its parameters",
    "map": "fit what was measured, and write coefficients without units",
    "train": "train a transformer on imdb, cifar10, wikitext2, digits, a spiking network on spoken-digits, shd, ssc",
    "evaluate": "measure the test accuracy of a trained run again, or ask it about one text or image",
    "export": "write the model of a run into a folder to share",
    "circuit": "run the attention of a trained run as a neuron-astrocyte network, and compare",
    "compare": "finished runs side by side, mean and spread over seeds, by attention and settings",
    "report": "datasets and runs on one page that needs no network",
    "study": "ask a question of the simulator or of exact theory, and draw the answer",
    "patterns": "calculate: false and missed matches, unions and thresholds of sparse patterns",
    "plot": "draw a dataset or a run again from its file",
    "data": "fetch or check a data set",
    "bench": "time attention, training or sweeps",
    "check": "what is installed, what this machine can do, and a self-test of each floor",
    "demo": "the whole road in three minutes, without a download",
}
STATUS_BAD_INPUT, STATUS_INTERRUPTED, STATUS_PIPE_CLOSED = 2, 130, 141
STATUS_SIGNAL = 128  # and its number
WIDTH = max(map(len, VERBS)) + 2
HELP = f"""usage: astromorph VERB ...

From simulated neuron-astrocyte synapses to trained transformers.

verbs:
{"".join(f"  {verb:<{WIDTH}}{meaning}{chr(10)}" for verb, meaning in VERBS.items())}
The road:
  astromorph simulate calcium-response --out response.nc
  astromorph map response.nc --out astrocyte.yaml
  astromorph train digits --astrocyte astrocyte.yaml --out runs/digits

`astromorph VERB --help` explains a verb; `astromorph --version` tells the version."""


def command() -> int:
    """The console's entry: a short process, which need not look for garbage among its imports time and again."""
    gc.set_threshold(100_000, 50, 50)
    from studies.shell.interruption import end_all, interruptible

    open_streams()
    warnings.formatwarning = written_warning
    logging.getLogger("py.warnings").addFilter(say_sentence)  # Brian2 has warnings written by logging
    try:
        with interruptible() as received:
            status = main()
        if status == STATUS_INTERRUPTED:
            end_all()
            leave(STATUS_INTERRUPTED if (number := received()) is None else STATUS_SIGNAL + number)
        return status
    finally:
        gc.freeze()


def leave(status: int) -> NoReturn:
    """Ends the process with this status, tidily: after a KeyboardInterrupt in a string that is executed, as importing a
    named tuple is, Python would otherwise end it by SIGINT, even if that was caught (CPython, run_eval_code_obj).
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def open_streams() -> None:
    """What the shell has closed (`>&-`) leads nowhere; else files that are opened would take its place.

    What the encoding of a stream lacks is written as an escape.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        elif isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        _run(words)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has gone
        _drop_output()
        return STATUS_PIPE_CLOSED
    except (ValueError, OSError) as error:
        _show_traceback()
        _say(f"astromorph: {sentence_of(error)}")
        return STATUS_BAD_INPUT
    except (MemoryError, RuntimeError) as error:
        if not is_about_memory(error):
            raise
        _show_traceback()
        _say("astromorph: there is not enough memory for this; ask for less, such as smaller sizes")
        return STATUS_BAD_INPUT
    except KeyboardInterrupt as interruption:
        _show_traceback()
        _say(f"\ninterrupted; {str(interruption) or 'nothing was written'}")
        return STATUS_INTERRUPTED
    except SystemExit as end:  # --help
        return int(end.code or 0)
    return 0


def _say(message: str) -> None:
    """On stderr, if anybody listens; what stdout still holds and cannot take is dropped, as Python's end would fail."""
    with suppress(OSError, ValueError):
        if sys.stderr is not None:
            print(message, file=sys.stderr, flush=True)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _drop_output()


def _drop_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def sentence_of(error: Exception) -> str:
    """One line: the message of the error, or what the operating system refused."""
    if isinstance(error, OSError) and error.errno and error.strerror:
        return f"{error.filename or 'a file'} cannot be used ({error.strerror}); give another path"
    return " ".join(str(error).split()) or f"{type(error).__name__}; set ASTROMORPH_DEBUG=1 to see where"


def written_warning(message: Any, category: Any, filename: str, lineno: int, line: str | None = None) -> str:
    """A warning on stderr: one about a measurement is a sentence by itself, any other as Python writes it."""
    if filename == "measurement":
        return f"astromorph: {message}\n"
    return f"{filename}:{lineno}: {category.__name__}: {message}\n"


def say_sentence(record: logging.LogRecord) -> bool:
    """Says a warning that is a sentence by itself; whether it is still to be written otherwise."""
    if not (message := record.getMessage()).startswith("astromorph: "):
        return True
    _say(message.rstrip())
    return False


def is_about_memory(error: Exception) -> bool:
    """Whether Python, NumPy or torch asked for more memory than there is."""
    phrases = ("allocate memory", "out of memory", "size calculation overflowed")
    return isinstance(error, MemoryError) or any(words in str(error) for words in phrases)


def _run(words: list[str]) -> None:
    if not words or words[0] in ("-h", "--help", "help"):
        print(HELP)
    elif words[0] == "--version":
        from astromorph import __version__

        print(f"astromorph {__version__}")
    else:
        from studies.shell.words import choose

        verb = choose("verb", words[0], VERBS)
        importlib.import_module(f"studies.commands.{verb}").run(words[1:])


def _show_traceback() -> None:
    if os.environ.get("ASTROMORPH_DEBUG") == "1":
        traceback.print_exc()


if __name__ == "__main__":
    sys.exit(command())
