"""Places along further dimensions: numbers and words, as they are or as text, and what is refused."""

import numpy as np
import pytest
import xarray as xr

from mapping.places import indices

MEASURED = xr.DataArray(
    np.zeros((3, 2, 1, 4)),
    {"rate": [1.0, 2.0, 3.0], "loop": ["none", "open"], "window": [5.0], "spread": [0.0, 0.1, 0.5, 1e6]},
    ("rate", "loop", "window", "spread"),
    "release",
)


@pytest.mark.parametrize("spread", [0.5, "0.5", np.float64(0.5), "5e-1"])
def test_a_place_is_a_number_or_its_text(spread):
    assert indices(MEASURED, ("rate",), {"loop": "open", "spread": spread}) == {"loop": 1, "window": 0, "spread": 2}


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ({"loop": "open"}, "release varies with spread too; choose one of 0, 0.1, 0.5, 1e[+]06"),
        ({"spread": 0.1}, "release varies with loop too; choose one of none, open"),
        ({"loop": "open", "spread": 0.2}, "release is not known at spread 0.2; choose one of 0, 0.1"),
        ({"loop": "open", "spread": "wide"}, "release is not known at spread wide; choose one of 0"),
        ({"loop": 1, "spread": 0}, "release is not known at loop 1; choose one of none, open"),
        ({"loop": "open", "spread": 0, "window": 6}, "release is not known at window 6; choose one of 5"),
        ({"rate": 1.0}, "release does not vary with rate; choose along loop, window, spread"),
    ],
)
def test_other_places_are_refused(at, sentence):
    with pytest.raises(ValueError, match=sentence):
        indices(MEASURED, ("rate",), at)


def test_without_further_dimensions_nothing_is_to_be_chosen():
    assert indices(MEASURED[:, 0, 0, 0], ("rate",), {}) == {}
    with pytest.raises(ValueError, match="release does not vary with loop; choose along nothing"):
        indices(MEASURED[:, 0, 0, 0], ("rate",), {"loop": "none"})
