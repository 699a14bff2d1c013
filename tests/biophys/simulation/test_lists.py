"""One language for lists of numbers, whether of counts, of shares or of quantities."""

import pytest
from brian2 import Hz

from biophys.simulation.lists import LONGEST, read_numbers
from biophys.simulation.quantities import read_quantities


def test_the_four_forms():
    assert read_numbers("8,12, 16", "x") == [8, 12, 16]
    assert read_numbers("3:6", "x") == [3, 4, 5, 6]
    assert read_numbers("0.1:0.9:9", "x") == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert read_numbers("100:10000:3:log", "x") == [100, 1000, 10_000]
    assert read_numbers("1e8", "x") == [100_000_000] and isinstance(read_numbers("2.0", "x")[0], int)


def test_counts_between_the_ends_of_a_range_are_rounded():
    assert read_numbers("1:4:3", "x") == [1, 2.5, 4]
    assert read_numbers("1:4:3", "x", counts=True) == [1, 2, 4]
    assert read_numbers("1.5", "x", counts=True) == [1.5]  # whoever typed it meant it


@pytest.mark.parametrize("text", ["3:6", "1,2,5", "0.1:0.9:9", "1:100:3:log", "7"])
def test_quantities_are_listed_as_numbers_are(text):
    plain = read_numbers(text, "x")
    assert read_quantities(text, 1.0, "x") == plain
    assert [float(rate) for rate in read_quantities(f"{text}*Hz", 1 * Hz, "x")] == plain


@pytest.mark.parametrize(
    "text",
    [
        "",
        "many",
        "1:2:3:4",
        "1:2:3:log:5",
        "5:3",
        "1,,2",
        "nan",
        "inf",
        "0:10:3:log",
        "1:5:-2",
        "1:2:0",
        "1.5:3",
        "1;2",
    ],
)
def test_what_is_no_list_is_refused_in_one_sentence(text):
    with pytest.raises(ValueError) as refused:
        read_numbers(text, "x")
    assert str(refused.value).startswith(f"x={text} is no list of numbers; write 8,12,16 or 8:16 or start:stop:count")


@pytest.mark.parametrize("text", ["0:99999999999999", "0:1:99999999999999", "1:2:1000001:log"])
def test_a_list_that_fits_no_memory_is_refused_before_it_is_made(text):
    with pytest.raises(ValueError, match=f"x={text} holds more than {LONGEST} numbers; use fewer"):
        read_numbers(text, "x")
