"""How long do imports and help take to start, beside Python itself and the libraries that all of it needs?

`import astromorph` (`biophys`, `mapping`) and the help of every command are to come at once. So a package imports a
member when that is first asked for, and help reads the docstring and the options of a command from its source. They are
compared with what no program in Python can beat, an empty interpreter, and with what every session of scientific Python
begins with, `import numpy, pandas`. The aim: the import of a package within 1.2 times of the former (that of an empty
package is 1.1 times), any help within 2 times of the latter.

Each subject is a process of its own, timed from its start to its end. All take turns, so that a busy machine slows all
of them; a first turn, which writes bytecode and fills the cache of files, does not count. Ratios are of the processors'
seconds, which a busy machine changes less than those on the clock; of what takes a fiftieth of a second they still
waver by a twentieth in 15 turns.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from studies.benches.comparison import draw_bars, name_machine, refuse_few, refuse_unknown, say_how_long, take_turns
from studies.benches.machine import process_seconds, processor
from studies.command_line import VERBS
from studies.numerals import counted

EMPTY, LIBRARIES = "empty interpreter", "import numpy, pandas"
PACKAGES = ("import astromorph", "import biophys", "import mapping")


def bench(verbs: Sequence[str] = tuple(VERBS), *, repeats: int = 5) -> pd.DataFrame:
    """Seconds from start to end of imports and help, and of what they are compared with.

    Args:
        verbs: those whose help is timed, beside the help of `astromorph` itself.
        repeats: turns of each subject, after one that does not count.

    Returns the columns subject, seconds (on the clock, the median of the turns), cpu_seconds (of all processors),
    fastest, slowest (on the clock), ratio_to_empty, ratio_to_numpy_and_pandas (of cpu_seconds).
    """
    refuse_few(repeats=repeats)
    refuse_unknown("verb", verbs, tuple(VERBS))
    words = {EMPTY: ["-c", "pass"]} | {line: ["-c", line] for line in (LIBRARIES, *PACKAGES)}
    for options in (["--help"], *([verb, "--help"] for verb in verbs)):
        words[" ".join(["astromorph", *options])] = ["-m", "studies.command_line", *options]
    once = process_seconds(*words[LIBRARIES]).wall  # of which hardly anything here takes more
    say_how_long(once * len(words) * (repeats + 1), f"{len(words)} subjects, {counted(repeats, 'turn')} each")
    turns = take_turns({name: partial(process_seconds, *each) for name, each in words.items()}, repeats, shown=True)
    taken = np.array([*turns.values()])  # (subjects, turns, 2), on the wall and of processors
    wall, cpu = np.median(taken, 1).T
    frame = pd.DataFrame({"subject": [*turns], "seconds": wall, "cpu_seconds": cpu})
    frame[["fastest", "slowest"]] = np.quantile(taken[..., 0], (0, 1), axis=1).T
    for column, reference in (("ratio_to_empty", EMPTY), ("ratio_to_numpy_and_pandas", LIBRARIES)):
        frame[column] = cpu / cpu[frame.subject == reference]
    frame.attrs["hardware"] = processor()
    return frame


def draw(frame: pd.DataFrame) -> Figure:
    """Seconds, a bar a subject, on a logarithmic axis; in grey what the others are compared with."""
    ours = ~frame.subject.isin([EMPTY, LIBRARIES])
    label = "seconds of a process, from its start to its end"
    figure = draw_bars(frame.seconds, frame.subject, "{:.3f} s", ours, label, row=0.2, room=1.5)
    name_machine(figure, frame)
    return figure
