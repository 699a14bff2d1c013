"""The ledger of claims: what it names exists, and accuracies are those of the committed tables."""

import re
from pathlib import Path

import pandas as pd
import pytest

from studies.catalogue import QUESTIONS
from studies.command_line import VERBS

STUDIES = Path(__file__).parents[2] / "studies"
LEDGER = (STUDIES / "claims.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in LEDGER.splitlines()
    if line.startswith("| ") and not line.startswith("| claim")
]


def test_every_row_has_claim_source_figure_command_and_verdict():
    assert len(ROWS) >= 20
    for row in ROWS:
        assert len(row) == 5 and all(row), row


def test_every_file_and_command_that_is_named_exists():
    for _, _, figure, command, _ in ROWS:
        for file in re.findall(r"`((?:results|studies|tests)/[^`]+)`", figure):
            assert (STUDIES / file).is_file() or (STUDIES.parent / file).is_file(), file
        for verb, word in re.findall(r"astromorph (\w+) ?([\w-]*)", command):
            assert verb in VERBS
            assert verb != "study" or word in QUESTIONS, word


@pytest.mark.parametrize("data_set", ["imdb", "cifar10"])
def test_accuracies_and_epochs_are_those_of_the_tables(data_set):
    runs = pd.read_csv(STUDIES / f"results/{data_set}.csv").groupby("attention")
    told = " ".join(row[2] for row in ROWS if f"results/{data_set}.csv" in row[2])
    for scale, places, column in ((100, 2, "test_accuracy"), (1, 1, "epochs_to_85_percent")):
        for attention, mean in runs[column].mean().items():
            figure = f"{scale * mean:.{places}f} ± {scale * runs[column].std()[attention]:.{places}f}"
            assert figure in told, figure
