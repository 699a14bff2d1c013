"""Ask the exact theory of sparse patterns on dendritic segments (Ahmad and Hawkins 2016), or count by drawing."""

import math
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import biophys
from astromorph.files.locks import alone
from astromorph.settings.checks import check_seed
from biophys.simulation.lists import LISTS, read_numbers
from studies.kept import forget
from studies.shell.outputs import claim, save_table
from studies.shell.parser import parse, spell, verb_parser
from studies.shell.words import choose, first_word, overview

if TYPE_CHECKING:
    import pandas as pd

    from biophys.patterns.sampling import Question

MEANINGS = {
    "population": "n, cells that could contact the segment",
    "active": "a, cells of them that fire in a pattern",
    "synapses": "s, synapses on the segment for each stored pattern",
    "threshold": "theta, active synapses that give an NMDA spike",
    "overlap": "b, active synapses",
    "segments": "M, segments of which any may match",
    "patterns": "M, patterns stored on the segment as a union",
    "lost": "v, active cells that fall silent; with --law failure the probability that a synapse fails",
    "law": "swap, failure (of single synapses) or readd (lost cells may fire again; needs --population)",
    "false_match": "probability of a false match that is tolerated",
    "sparsity": "a/n, share of the cells that fires in a pattern",
}
FRACTIONS = ("false_match", "sparsity", "lost")
LAW = {"law": "swap", "population": ""}
FIGURE_6 = {
    "threshold": "3:24",
    "population": "10000:190000:10",
    "sparsity": "0.005:0.03:6",
    "synapses": "20:50:7",
    "false_match": "1e-9",
}
MOST_ROWS = 100_000
ROWS = f"Every number may be a list; there is a row for each combination.\n{LISTS}"


class Calculation(NamedTuple):
    """A question: its meaning, an example, the options it needs and may have, its answer, and what is drawn for it."""

    meaning: str
    example: str
    needed: tuple[str, ...]
    answer: Callable[..., Mapping[str, Any]]
    given: Mapping[str, str] = {}
    drawn: "Callable[..., Question] | None" = None
    rows: bool = True  # one for each combination; otherwise the answer is to all numbers together


def run(words: list[str]) -> None:
    name, rest = first_word("patterns", "question", words, QUESTIONS, HELP)
    question = QUESTIONS[name]
    names = [*question.needed, *question.given]
    options = parse(_parser(name, question), spell(rest, [each for each in names if each != "law"]))
    check_seed(options.get("seed", 0))
    out = options["out"]
    parts = None if out is None else out.with_name(f"{out.name}.parts")
    written, keeping = ([], nullcontext()) if parts is None else ([out], alone(parts))
    with keeping, claim(*written, overwrite=options["overwrite"], endings=(".csv",)):
        table = _table(question, {each: options[each] for each in names}, options | {"parts": parts})
        print(table.to_string(index=False))
        if parts is not None:
            save_table(table, out)
            forget(parts)
            print(f"wrote {out}")


def numbers(text: str, name: str) -> list[float | int]:
    """The numbers that `text` spells; those between the ends of a range are rounded if they are counts."""
    return read_numbers(text.strip("[]"), name, counts=name not in FRACTIONS)


def _parser(name: str, question: Calculation) -> Any:
    command = f"astromorph patterns {name}"
    meaning = question.meaning[0].upper() + question.meaning[1:]
    parser = verb_parser(command, f"{meaning}.\n\n{ROWS}\n\nexample: {command} {question.example}")
    for option, default in {**dict.fromkeys(question.needed), **question.given}.items():
        settled = {"required": True} if default is None else {"default": default}
        parser.add_argument(f"--{option}", type=str, metavar="NUMBERS", help=MEANINGS[option], **settled)
    if question.drawn is not None:
        parser.add_argument(
            "--comparisons", type=str, default="0", help="drawn and counted for each row of one segment"
        )
        parser.add_argument("--confidence", type=float, default=0.95, help="of the interval around the counted share")
        parser.add_argument("--seed", type=int, default=0, help="of what is drawn")
        parser.add_argument("--jobs", type=int, default=-1, help="processes that draw; -1 for one a core")
    parser.add_argument("--out", type=Path, default=None, metavar="FILE", help="table (.csv)")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    return parser


def _table(question: Calculation, texts: Mapping[str, str], options: Mapping[str, Any]) -> "pd.DataFrame":
    """A row for each combination of the numbers: what was asked, the theory's answer, and what was counted."""
    import pandas as pd

    values: dict[str, list[Any]] = {name: numbers(text, name) for name, text in texts.items() if name != "law" and text}
    if not question.rows:
        return pd.DataFrame(_written(question.answer(**values)))
    size = math.prod(len(several) for several in values.values())
    if size > MOST_ROWS:
        raise ValueError(f"{size} combinations are too many for a table; ask for at most {MOST_ROWS}")
    rows = pd.DataFrame(list(product(*values.values())), columns=list(values))
    law = {"law": choose("law", texts["law"], ("swap", "failure", "readd"))} if "law" in texts else {}
    answer = question.answer(**{str(name): column.to_numpy() for name, column in rows.items()}, **law)
    comparisons = int(numbers(options.get("comparisons", "0"), "comparisons")[0])
    counted = _counted(question, rows.assign(**law), comparisons, options) if comparisons else {}
    return rows.assign(**_written(answer), **counted)


def _written(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of the answer: a probability with all its digits, also where no double holds it, and its log10."""
    from biophys.patterns.overlap import Tail

    columns: dict[str, Any] = {}
    for name, value in answer.items():
        if isinstance(value, Tail):
            columns[name] = list(map(_digits, value.probability(), value.log10()))
            columns[f"log10_{name}"] = [f"{log10:.15g}" for log10 in value.log10()]
        else:
            columns[name] = value
    return columns


def _digits(probability: float, log10: float) -> str:
    if log10 > -300 or np.isneginf(log10):
        return f"{probability:.15g}"
    return f"{10 ** (log10 % 1):.11f}e{np.floor(log10):.0f}"


def _counted(
    question: Calculation, rows: "pd.DataFrame", comparisons: int, options: Mapping[str, Any]
) -> dict[str, Any]:
    """How often the error occurred among `comparisons` of each row, as a share with its interval."""
    from biophys.patterns.sampling import sample, wilson_interval

    assert question.drawn is not None
    drawn = [question.drawn(**row) for row in rows.drop(columns="threshold").to_dict("records")]
    different = list(dict.fromkeys(drawn))
    counts = sample(different, comparisons, **{name: options[name] for name in ("seed", "jobs", "parts")})
    found = dict(zip(different, counts, strict=True))
    errors = np.array([one.errors(found[one], theta) for one, theta in zip(drawn, rows.threshold, strict=True)])
    low, high = wilson_interval(errors, comparisons, options["confidence"])
    return {"counted": errors / comparisons, "low": low, "high": high}


# The questions: biophys.patterns is loaded when one is answered, not for help


def _union(**cells: Any) -> Mapping[str, Any]:
    return {
        "union_size": biophys.patterns.union_size(*(cells[name] for name in ("population", "synapses", "patterns"))),
        "false_match": biophys.patterns.union_false_match(**cells),
        "mean_field": biophys.patterns.union_false_match(**cells, method="mean_field").probability(),
    }


def _overlap(**cells: Any) -> Mapping[str, Any]:
    rows = (dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True))
    counts = [biophys.patterns.overlap_count(**row) for row in rows]
    most = sys.get_int_max_str_digits()
    if most and max(counts) >= 10**most:
        raise ValueError(f"the number of patterns has more than {most:,} digits, too many for a table; ask from Python")
    return {"patterns_with_it": counts}


def _optimal(population: Any, sparsity: Any, synapses: Any, threshold: Any, false_match: Any) -> Mapping[str, Any]:
    summary = biophys.patterns.false_match_over_grid(population, sparsity, synapses, threshold)
    return {"threshold": threshold, **summary._asdict(), "tolerated": summary.median <= min(false_match)}


def _draw_false(segments: int = 1, patterns: int = 1, **cells: int) -> "Question":
    from biophys.patterns.sampling import FalseMatches

    if segments != 1:
        raise ValueError(f"drawing counts the matches of one segment, not of {segments}; leave --segments out")
    return FalseMatches(**cells, stored=patterns)


def _draw_missed(law: Any, lost: Any, synapses: int, active: int, population: int | None = None) -> "Question":
    from biophys.patterns.sampling import FailingSynapses, MissedMatches

    if law == "failure":
        return FailingSynapses(synapses, lost)
    if population is None:
        raise ValueError("drawing takes cells from the whole population; give --population")
    return MissedMatches(population, active, synapses, lost, law)


SEGMENT = ("population", "active", "synapses")
QUESTIONS = {
    "false-match": Calculation(
        "how often a random pattern sets off a segment (Eq. 4), or any of several (Eq. 8)",
        "--population 10000 --active 300 --synapses 30 --threshold 8,12,16",
        (*SEGMENT, "threshold"),
        lambda **cells: {"false_match": biophys.patterns.false_match_of_many(**cells)},
        {"segments": "1"},
        _draw_false,
    ),
    "missed-match": Calculation(
        "how often a segment misses its pattern under noise (Eq. 6 and two other laws)",
        "--active 128 --synapses 30 --threshold 12 --lost 26:64",
        ("active", "synapses", "threshold", "lost"),
        lambda **cells: {"missed_match": biophys.patterns.missed_match(**cells)},
        LAW,
        _draw_missed,
    ),
    "union": Calculation(
        "how often a random pattern sets off a segment that stores several, exact and by mean field (Eq. 14)",
        "--population 20000 --active 200 --synapses 25 --threshold 15 --patterns 1:19",
        (*SEGMENT, "threshold", "patterns"),
        _union,
        {},
        _draw_false,
    ),
    "union-missed": Calculation(
        "how often a segment that stores several patterns misses one of them when active cells are swapped",
        "--population 10000 --active 200 --synapses 25 --threshold 15 --patterns 1,10 --lost 60,80,100",
        (*SEGMENT, "threshold", "patterns", "lost"),
        lambda **cells: {"missed_match": biophys.patterns.union_missed_match(**cells)},
    ),
    "smallest-threshold": Calculation(
        "the smallest threshold that keeps false matches (Eq. 4) down to what is tolerated",
        "--population 200000 --active 2000 --synapses 20,30,40 --false-match 1e-9",
        (*SEGMENT, "false_match"),
        lambda **cells: {"smallest_threshold": biophys.patterns.smallest_threshold(**cells)},
    ),
    "optimal-threshold": Calculation(
        "the median of false matches over a grid of segments, for each threshold (Figure 6, whose grid is the default)",
        "--population 1000:17000:5",
        (),
        _optimal,
        FIGURE_6,
        rows=False,
    ),
    "best-threshold": Calculation(
        "the threshold with the fewest false and missed matches together at a stated noise",
        "--population 10000 --active 200 --synapses 30 --lost 20,60,100",
        (*SEGMENT, "lost"),
        lambda **cells: biophys.patterns.best_threshold(**cells)._asdict(),
        {"law": "swap"},
    ),
    "overlap": Calculation(
        "how many patterns touch exactly some number of synapses (Eq. 3)",
        "--population 1024 --active 10 --synapses 10 --overlap 0:10",
        (*SEGMENT, "overlap"),
        _overlap,
    ),
}
HELP = f"""usage: astromorph patterns QUESTION --option NUMBERS ...

{__doc__}
A segment with s synapses listens to n cells of which a fire; theta active synapses give an NMDA spike.

questions:
{overview({name: question.meaning for name, question in QUESTIONS.items()})}

{ROWS}

With --comparisons 1e8 patterns are also drawn, laid over segments and counted; with --out FILE.csv finished work is
kept, and the same command goes on when it was stopped.

example: astromorph patterns false-match --population 10000 --active 300 --synapses 30 --threshold 12"""
