"""Words of a library are not passed on; those of this project and of the system are."""

import json

import pytest

from astromorph.files.reasons import lacking, reason_of
from astromorph.files.strict_reading import read_as


def caught(call, *words):
    with pytest.raises((ValueError, OSError, KeyError)) as info:
        call(*words)
    return info.value


def test_words_are_ours():
    assert reason_of(caught(json.loads, "{"), "no JSON") == "no JSON"
    assert reason_of(caught(read_as, int, "a"), "no number") == "the file is 'a', not a whole number"
    assert reason_of(caught(open, "/nowhere/at/all"), "damaged") == "No such file or directory"
    assert lacking(caught({}.__getitem__, "calcium")) == "no calcium"
