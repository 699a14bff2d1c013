"""Compute the exact theory of sparse patterns on a dendritic segment, and draw it."""

from studies.commands.datasets import run_study
from studies.commands.words import first_word

NAMES = ("union-property", "nmda-threshold")
HELP = f"""usage: astromorph study {" | ".join(NAMES)} [--option value ...]

{__doc__}

example: astromorph study union-property --threshold 12 --out union.nc"""


def run(words: list[str]) -> None:
    name, rest = first_word("study", "study", words, NAMES, HELP)
    run_study("study", name, rest)
