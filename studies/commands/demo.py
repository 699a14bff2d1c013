"""The whole road in about three minutes on two cores and without a download: simulate an astrocyte, map its
calcium response, train digits with it, draw everything on one page.

example: astromorph demo --out demo
"""

from pathlib import Path

from astromorph.runs.provenance import provenance
from studies.shell.parser import parse, verb_parser


def run(words: list[str]) -> None:
    parser = verb_parser("astromorph demo", __doc__ or "", "[--out DIR]")
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder of the page")
    out = parse(parser, words)["out"]
    from astromorph.files.locks import alone
    from studies.demo import demo

    try:
        with alone(out):
            page = demo(out, provenance(["demo", *words]))
    except KeyboardInterrupt as interruption:
        raise KeyboardInterrupt(f"what was finished lies in {out}") from interruption
    print(f"wrote {page}")
