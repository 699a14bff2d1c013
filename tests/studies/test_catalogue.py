"""The catalogue: every study and benchmark has its line, and the line finds what it names."""

import inspect
from pathlib import Path

import pandas as pd
import pytest

from studies import catalogue
from studies.catalogue import BENCHES, MODULES, OF_OTHER_VERBS, QUESTIONS, STUDIES
from studies.command_line import main

HOUSE = Path(catalogue.__file__).parent
RESULTS = HOUSE / "results"


@pytest.mark.parametrize("name", MODULES)
def test_a_study_draws_and_is_asked_by_its_options_alone(name):
    study = catalogue.study_module(name)
    assert inspect.signature(study.draw).parameters.keys() == {"dataset"}
    if name not in ("traces", "sweep"):  # simulated by the verbs themselves
        options = inspect.signature(study.simulate).parameters
        assert "provenance" not in options and "out" not in options  # whoever runs a study stamps and writes
    assert not hasattr(study, "table") or callable(study.printed)


def test_every_study_of_a_subject_stands_in_the_catalogue():
    """A module of a subject's folder with `simulate` and `draw` is a study, and its name is its file's."""
    subjects = [*STUDIES, "delays", "circuits"]
    written = {
        f"{subject}.{file.stem}"
        for subject in subjects
        for file in (HOUSE / subject).glob("*.py")
        if "\ndef simulate(" in (source := file.read_text(encoding="utf-8")) and "draw" in source
    }
    assert written == {place for place in MODULES.values() if not place.startswith("report.")}
    assert not set(QUESTIONS) & set(OF_OTHER_VERBS)


@pytest.mark.parametrize("name", BENCHES)
def test_a_benchmark_times_and_draws(name):
    benchmark = catalogue.bench_module(name)
    assert inspect.signature(benchmark.bench).return_annotation is pd.DataFrame and callable(benchmark.draw)


def test_tables_are_known_by_their_columns():
    for name, (_, columns) in BENCHES.items():
        assert catalogue.table_module([*columns.split(), "more"]) is catalogue.bench_module(name)
    for file in ("imdb.csv", "cifar10-recipes.csv", "cifar10.csv"):
        module = catalogue.table_module(pd.read_csv(RESULTS / file).columns)
        assert module is not None and module.__name__ == "studies.report.accuracy_table"
    assert catalogue.table_module(["a", "b"]) is None


def test_an_unknown_study_is_refused_with_the_nearest_and_the_known_ones(capsys):
    assert main(["study", "proces-length"]) == 2
    message = capsys.readouterr().err
    assert "there is no study 'proces-length' (did you mean process-length?); use one of " in message
    assert all(name in message for name in QUESTIONS)
    for name in OF_OTHER_VERBS:  # drawn, but asked by other verbs
        assert main(["study", name]) == 2 and "there is no study" in capsys.readouterr().err


def test_help_lists_every_study_and_benchmark_with_its_sentence(capsys):
    assert main(["study", "--help"]) == 0
    page = capsys.readouterr().out
    assert all(f"  {name} " in page and sentence in page for name, sentence in QUESTIONS.items())
    assert main(["bench", "--help"]) == 0
    page = capsys.readouterr().out
    assert all(f"  {name} " in page and sentence in page for name, (sentence, _) in BENCHES.items())
