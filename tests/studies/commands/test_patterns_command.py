"""`astromorph patterns`: the theory's numbers for each question; lists, files, counts; one sentence if wrong."""

import csv
import io

import numpy as np
import pytest

from biophys import patterns
from studies.command_line import main
from studies.commands.patterns import QUESTIONS, numbers

SEGMENT = "--population 10000 --active 300 --synapses 30"


def table(capsys, words):
    """The printed table, a dictionary a row."""
    capsys.readouterr()
    assert main(["patterns", *words.split()]) == 0
    header, *lines = [line.split() for line in capsys.readouterr().out.splitlines() if not line.startswith("wrote")]
    return [dict(zip(header, line, strict=True)) for line in lines]


def sentence(capsys, words):
    capsys.readouterr()
    assert main(["patterns", *words.split()]) == 2
    told = capsys.readouterr().err
    assert told.startswith("astromorph: ") and told.count("\n") == 1
    return told.removeprefix("astromorph: ").strip()


def test_false_match_in_both_scales(capsys):
    rows = table(capsys, f"false-match {SEGMENT} --threshold 8,12 15")
    assert [row["threshold"] for row in rows] == ["8", "12", "15"]
    assert float(rows[1]["false_match"]) == pytest.approx(2.279079420265146647870297e-11, rel=1e-13)
    assert float(rows[1]["log10_false_match"]) == pytest.approx(np.log10(2.279079420265146647870297e-11), rel=1e-13)
    many = table(capsys, f"false-match {SEGMENT} --threshold 15 --segments 1000000")[0]
    assert float(many["false_match"]) == pytest.approx(1.049191824661968189205335e-9, rel=1e-12)


def test_numbers_below_the_smallest_double_keep_their_digits(capsys):
    row = table(capsys, "false-match --population 1e6 --active 2000 --synapses 200 --threshold 200")[0]
    assert row["log10_false_match"] == "-544.25789446901"
    digits, exponent = row["false_match"].split("e")
    assert exponent == "-545" and float(digits) == pytest.approx(10 ** (545 - 544.2578944690102960), rel=1e-10)
    assert (
        table(capsys, "false-match --population 100 --active 2 --synapses 30 --threshold 22")[0]["false_match"] == "0"
    )


@pytest.mark.parametrize(
    ("law", "lost", "given"),
    [
        ("swap", "60", {}),
        ("failure", "0.2", {"law": "failure"}),
        ("readd", "60", {"law": "readd", "population": 10_000}),
    ],
)
def test_missed_match_under_every_law(capsys, law, lost, given):
    options = "".join(f" --{name} {value}" for name, value in given.items())
    row = table(capsys, f"missed-match --active 300 --synapses 30 --threshold 12 --lost {lost}{options}")[0]
    exact = patterns.missed_match_probability(300, 30, 12, float(lost), **given)
    assert float(row["missed_match"]) == pytest.approx(exact, rel=1e-13)


def test_unions(capsys):
    asked = "--population 20000 --active 100 --synapses 25 --threshold 15 --patterns 10"
    row = table(capsys, f"union {asked}")[0]
    assert float(row["union_size"]) == pytest.approx(248.598, abs=1e-3)
    assert float(row["false_match"]) == pytest.approx(1.698373243237822497853464e-12, rel=1e-12)
    assert float(row["mean_field"]) == pytest.approx(1.734743100466022481926098e-12, rel=1e-12)
    missed = "--population 60 --active 12 --synapses 6 --threshold 4 --patterns 2:3 --lost 6"
    found = [float(row["missed_match"]) for row in table(capsys, f"union-missed {missed}")]
    assert found == pytest.approx([3.734175728076118497472344e-1, 1.767302425424073231462566e-1], rel=1e-12)


def test_thresholds(capsys):
    row = table(capsys, "smallest-threshold --population 200000 --active 2000 --synapses 20 --false-match 1e-9")[0]
    assert row["smallest_threshold"] == "7"
    rows = table(capsys, "optimal-threshold")
    assert [row["threshold"] for row in rows] == [str(theta) for theta in range(3, 25)]
    assert float(rows[6]["median"]) == pytest.approx(2.0406e-9, rel=1e-4)
    assert [row["tolerated"] for row in rows[5:9]] == ["False", "False", "True", "True"]
    best = table(capsys, f"best-threshold {SEGMENT} --lost 60")[0]
    expected = patterns.best_threshold(10_000, 300, 30, 60)
    assert int(best["threshold"]) == expected.threshold
    assert float(best["missed_match"]) == pytest.approx(float(expected.missed_match), rel=1e-5)


def test_overlap_count_is_an_exact_integer(capsys):
    rows = table(capsys, "overlap --population 1024 --active 10 --synapses 10 --overlap 6,10")
    assert [row["patterns_with_it"] for row in rows] == ["9195749272710", "1"]


def test_a_row_for_each_combination_and_a_file(capsys, tmp_path):
    out = tmp_path / "table.csv"
    words = f"false-match --population 1000,5000 --active 50 --synapses 20 --threshold 5:7 --out {out}"
    rows = table(capsys, words)
    assert [(row["population"], row["threshold"]) for row in rows][:4] == [("1000", t) for t in "567"] + [("5000", "5")]
    assert list(csv.DictReader(io.StringIO(out.read_text()))) == rows
    exact = patterns.false_match_probability([[1000], [5000]], 50, 20, [5, 6, 7])
    assert [float(row["false_match"]) for row in rows] == pytest.approx(exact.ravel(), rel=1e-14)
    assert "exists already" in sentence(capsys, words)
    assert main(["patterns", *words.split(), "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("false-match --population 500 --active 128 --synapses 24 --threshold 10,12", "false_match"),
        ("missed-match --active 128 --synapses 30 --threshold 10,12 --lost 64 --population 600", "missed_match"),
        ("missed-match --active 30 --synapses 30 --threshold 12 --lost 0.5 --law failure", "missed_match"),
        ("union --population 1000 --active 200 --synapses 25 --threshold 12,15 --patterns 2", "false_match"),
    ],
)
def test_counting_surrounds_the_theory(capsys, tmp_path, words, error):
    """At 99.9 % for each of eight intervals: with other seeds one run in 125 fails."""
    out = tmp_path / "counted.csv"
    rows = table(capsys, f"{words} --comparisons 2e4 --confidence 0.999 --seed 3 --jobs 1 --out {out}")
    for row in rows:
        assert float(row["low"]) < float(row[error]) < float(row["high"])
        assert float(row["low"]) < float(row["counted"]) < float(row["high"])
    assert [path.name for path in tmp_path.iterdir()] == ["counted.csv"]


def test_numbers_are_lists_and_ranges():
    assert numbers("8,12, 16", "threshold") == [8, 12, 16]
    assert numbers("[3:6]", "threshold") == [3, 4, 5, 6]
    assert numbers("20:50:7", "synapses") == [20, 25, 30, 35, 40, 45, 50]
    assert numbers("100:10000:3:log", "population") == [100, 1000, 10_000]
    assert numbers("0.1:0.9:9", "lost")[2] == 0.3
    assert numbers("1e8", "comparisons") == [100_000_000]


@pytest.mark.parametrize("text", ["", "many", "1:2:3:4", "1:2:3:log:5", "5:3", "1,,2", "nan", "0:10:3:log", "1:5:-2"])
def test_what_is_no_list_of_numbers(text):
    with pytest.raises(ValueError, match="is no list of numbers; write 8,12,16 or 8:16 or start:stop:count"):
        numbers(text, "threshold")


@pytest.mark.parametrize("name", ["", *QUESTIONS])
def test_help_teaches(capsys, name):
    assert main(["patterns", *name.split(), "--help"]) == 0
    told = capsys.readouterr().out
    assert "example: astromorph patterns" in told and "8,12,16" in told
    assert all(line in told for line in QUESTIONS) if not name else f"usage: astromorph patterns {name}" in told


@pytest.mark.parametrize("name", QUESTIONS)
def test_examples_of_the_help_run(capsys, name):
    assert table(capsys, f"{name} {QUESTIONS[name].example}")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "patterns needs a question first; use one of false-match"),
        ("false-mtach", "there is no question 'false-mtach' (did you mean false-match?)"),
        (
            "false-match --population 10",
            "patterns false-match needs a ACTIVE; see astromorph patterns false-match --help",
        ),
        (f"false-match {SEGMENT} --threshold 31", "threshold 31 is above the 30 synapses and never reached; lower it"),
        (f"false-match {SEGMENT} --threshold 0.5", "threshold 0.5 is not a count; give a whole number of at least 0"),
        (f"false-match {SEGMENT} --threshold many", "threshold=many is no list of numbers"),
        (f"false-match {SEGMENT} --treshold 3", "there is no setting 'treshold' (did you mean threshold?)"),
        (f"false-match {SEGMENT} --threshold 3 --out table.nc", "output file table.nc must end in .csv"),
        (f"false-match {SEGMENT} --threshold 12 --segments 9 --comparisons 10", "drawing counts the matches of one"),
        (f"false-match {SEGMENT} --threshold 12 --comparisons 10 --confidence 7", "confidence 7.0 is no probability"),
        ("missed-match --active 300 --synapses 30 --threshold 12 --lost 6 --law swop", "there is no law 'swop'"),
        ("missed-match --active 30 --synapses 30 --threshold 12 --lost 6 --comparisons 10", "drawing takes cells from"),
        ("false-match --population 1:1000 --active 1 --synapses 1:1000 --threshold 1", "1000000 combinations are too"),
    ],
)
def test_bad_input_gets_one_sentence(capsys, monkeypatch, tmp_path, words, told):
    monkeypatch.chdir(tmp_path)
    assert sentence(capsys, words).startswith(told)
