"""Ask a question: simulate or compute what answers it, and draw it."""

from studies.catalogue import QUESTIONS
from studies.shell.datasets import run_study
from studies.shell.words import first_word, overview

HELP = f"""usage: astromorph study NAME [--option value ...]

{__doc__} The result is a dataset and a figure beside it.

studies:
{overview(QUESTIONS)}

example: astromorph study union-property --threshold 12 --out union.nc"""


def run(words: list[str]) -> None:
    name, rest = first_word("study", "study", words, QUESTIONS, HELP)
    run_study("study", name, rest)
