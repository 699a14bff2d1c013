"""What a dataset says of itself: units, meanings, attributes, and where it came from."""

import xarray as xr

from studies.study import labelled, provenance_of, stamped

MEANINGS = {"calcium": ("umolar", "free calcium"), "share": "share of cells", "rate": ("Hz", "presynaptic rate")}


def made():
    arrays = {"calcium": ("rate", [1.0, 2.0], {"units": "mmolar", "kind": "old"}), "share": 0.5}
    return labelled(xr.Dataset(arrays, {"rate": [1, 2]}, {"network": "x"}), MEANINGS, {"study": "a", "seed": 3})


def test_variables_and_coordinates_have_unit_and_meaning_and_nothing_else():
    dataset = made()
    assert dataset.calcium.attrs == {"units": "umolar", "long_name": "free calcium"}
    assert dataset.share.attrs == {"units": "1", "long_name": "share of cells"}
    assert dataset.rate.attrs == {"units": "Hz", "long_name": "presynaptic rate"}
    assert dataset.attrs == {"study": "a", "seed": 3}


def test_provenance_is_found_again():
    came = {"command": "astromorph study a", "commit": "abc"}
    dataset = stamped(made(), came)
    assert dataset.attrs["provenance_commit"] == "abc" and provenance_of(dataset) == came
    assert provenance_of(made()) == {}
