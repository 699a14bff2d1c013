"""Settings say in one sentence what cannot work."""

import pytest

from astromorph.settings import SETTINGS, CalciumResponse, ImdbSettings


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"width": 130}, "width 130 does not divide into 4 heads; use a multiple of 4"),
        ({"epochs": 0}, "epochs 0 is too small; use at least 1"),
        ({"learning_rate": 0.0}, "learning_rate 0.0 must be a number above 0"),
        ({"dropout": 1.0}, "dropout 1.0 is a share; use a number from 0 to below 1"),
        ({"seed": -1}, "seed -1 is no seed; use a whole number from 0 to 100000000000000"),
        ({"segments": 0}, "segments 0 is too small; use at least 1"),
        ({"segments": 401}, "segments 401 are more than tokens 400; use fewer segments"),
        ({"retention": 1.5}, "retention 1.5 is a ratio; use a number above 0, at most 1"),
        ({"first_tokens": 500}, "first_tokens 500 must lie between 0 and tokens 400"),
        ({"ngrams": -1}, "ngrams -1 is too small; use at least 0"),
        ({"unlabelled": 9}, "unlabelled 9 reviews need a reader of n-grams to judge them; set ngrams"),
        (
            {"ngrams": 9, "segments": 2},
            "ngrams 9 is for a review in one piece, not in 2 segments; set ngrams 0",
        ),
        (
            {"pooling": "max", "segments": 2},
            "pooling max is for a review in one piece, not in 2 segments; set pooling mean",
        ),
        ({"phrase": 3, "segments": 2}, "phrase 3 is for a review in one piece, not in 2 segments; set phrase 1"),
        ({"phrase": 4}, "phrase 4 must be an odd number of words, the middle one and its neighbours"),
        ({"pooling": "sum"}, "pooling 'sum' is not known; use mean or max"),
        ({"pretrain": -1}, "pretrain -1 is too small; use at least 0"),
    ],
)
def test_an_impossible_setting_is_one_sentence(changed, sentence):
    with pytest.raises(ValueError) as error:
        ImdbSettings(**changed)
    assert str(error.value) == sentence


@pytest.mark.parametrize("name", SETTINGS)
def test_defaults_are_valid(name):
    SETTINGS[name]()


def test_a_decreasing_or_incomplete_calcium_response_is_refused():
    with pytest.raises(ValueError, match="not positive and increasing"):
        CalciumResponse(exponent=-0.5)
    with pytest.raises(ValueError, match="needs a positive half-activation"):
        CalciumResponse(form="hill")


@pytest.mark.parametrize("size", [{"layers": 1_000_000}, {"feedforward": 10**9}, {"width": 10**9, "heads": 1}])
def test_sizes_that_no_memory_holds_are_refused(size):
    with pytest.raises(ValueError, match=r"\d+ is too large; use at most \d+"):
        ImdbSettings(**size)
