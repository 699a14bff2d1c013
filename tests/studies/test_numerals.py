"""Numbers with the right form of what they count, and ranges of which nothing is left but one number."""

from studies.numerals import counted, span


def test_one_and_many():
    assert counted(2, "epoch") == "2 epochs" and counted(2, "class") == "2 classes"
    assert [counted(number, "branch") for number in (1, 2)] == ["1 branch", "2 branches"]
    assert [counted(number, "cell") for number in (0, 1, 2000)] == ["0 cells", "1 cell", "2,000 cells"]


def test_ends_that_are_written_alike_are_one_number():
    assert span(0.9999, 1.0) == "1" and span(0.97, 1.05) == "0.97 to 1.05"
    assert span(2000, 3000, ",") == "2,000 to 3,000"
