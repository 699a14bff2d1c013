"""Fitting from Python: the committed coefficients come out of the committed datasets, and every refusal."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import mapping
from biophys.release_theory import mean_field_release
from biophys.simulation.recording import load, save
from mapping.coefficients import SECTIONS
from mapping.fits import KINDS

RESULTS = Path(__file__).parents[2] / "studies" / "results"
RATES = np.geomspace(0.3, 30, 9)
POSITION = np.arange(20) * 5.0 + 2.5
FLOAT = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?|-?\d+e[-+]\d+")


def numbers(coefficients):
    """Words and numbers of the sections, without how they were made, which names versions.

    Another SciPy ends its least squares within 1e-8 of them.
    """
    sections = ((name, getattr(coefficients, name)) for name in SECTIONS)
    text = repr({name: section and replace(section, provenance={}) for name, section in sections})
    return FLOAT.split(text), [float(number) for number in FLOAT.findall(text)]


@pytest.mark.parametrize(
    ("files", "at", "committed"),
    [
        (["calcium-response"], {}, "astrocyte"),
        (
            ["retention", "release-rate", "process-length", "calcium-response"],  # in any order
            {"degradation": 2, "loop": "none"},
            "coefficients",
        ),
        (["segment-detection"], {"spread": 0.3, "window": "5"}, "segment"),
    ],
)
def test_the_committed_coefficients_come_out_of_their_datasets(files, at, committed):
    coefficients = mapping.fit(*(RESULTS / f"{file}.nc" for file in files), at=at)
    words, found = numbers(coefficients)
    known, expected = numbers(mapping.read(RESULTS / f"{committed}.yaml"))
    assert words == known and found == pytest.approx(expected, rel=1e-6)


def response(calcium=0.3 + 0.5 * RATES / (2 + RATES)):
    return xr.Dataset({"calcium_mean": (("rate", "trial"), np.repeat(calcium[:, None], 2, 1))}, {"rate": RATES})


def process():
    profiles = np.stack([np.cosh((100 - POSITION) / length) for length in (30.0, 3.9)])
    return xr.Dataset(
        {"inositol_trisphosphate": (("degradation", "position"), profiles)},
        {"position": POSITION, "degradation": [0.0338, 2.0]},
    )


def synapse():
    return xr.Dataset({"release": ("rate", mean_field_release(RATES, 0.6, 2.0, 3.33))}, {"rate": RATES})


def memory():
    level = np.repeat(1 - 0.7 ** np.arange(7), 2)[:-1]
    return xr.Dataset({"long_term": ("time", level)}, {"time": np.arange(13) * 10.0}, {"stimulus.cycle": "20 second"})


def test_a_dataset_in_memory_gives_the_numbers_of_its_file(tmp_path):
    dataset = response().assign_attrs(study="calcium-response", title="a title", trials=2)
    save(dataset, tmp_path / "r.nc")
    file, given = (mapping.fit(each).calcium_response for each in (tmp_path / "r.nc", dataset))
    assert replace(given, source=file.source) == file
    assert file.source.file == "r.nc"
    assert file.source.sha256 == hashlib.sha256((tmp_path / "r.nc").read_bytes()).hexdigest()
    assert given.source.file == "calcium-response in memory"
    assert file.source.parameters == given.source.parameters == {"study": "calcium-response", "trials": "2"}
    again, other = (mapping.fit(each).calcium_response for each in (load(tmp_path / "r.nc"), dataset * (1 + 1e-15)))
    assert again.source.sha256 == given.source.sha256 != other.source.sha256
    mapping.write(mapping.fit(dataset), tmp_path / "r.yaml")
    assert mapping.read(tmp_path / "r.yaml") == mapping.fit(dataset)


def test_options_go_to_the_fits_that_have_them():
    coefficients = mapping.fit(synapse(), process(), response(), form="curve", at={"degradation": 0.0338}, spacing=2.0)
    assert coefficients.calcium_response.response.form == coefficients.release.fit.form == "curve"
    assert coefficients.distance_kernel.fit.spacing == 2.0
    assert coefficients.distance_kernel.fit.length == pytest.approx(15, rel=1e-8)
    only_one = mapping.fit(response(), synapse(), form="mean_field")
    assert (only_one.calcium_response.response.form, only_one.release.fit.form) == ("hill", "mean_field")
    assert mapping.fit(memory(), provenance={"commit": "abc"}).retention.provenance == {"commit": "abc"}


@pytest.mark.parametrize("rate", [None, 1.7])
def test_a_rate_that_is_one_is_so_in_all_fits(rate):
    few = synapse().isel(rate=slice(2, None))  # whose own geometric mean is another
    coefficients = mapping.fit(few, response(), reference_rate=rate)
    reference = coefficients.calcium_response.reference.rate
    assert reference == coefficients.release.fit.reference_rate == pytest.approx(rate or 3.0)
    assert mapping.fit(few).release.fit.reference_rate > 3.5


def test_a_fit_that_fails_is_a_section_that_cannot_be_trained_with(tmp_path):
    coefficients = mapping.fit(response(0.5 - 0.01 * RATES))
    section = coefficients.calcium_response
    assert section.status == "failed" and "calcium does not rise with rate" in section.reason
    with pytest.raises(ValueError, match="dataset in memory failed .calcium does not rise"):
        mapping.as_settings(coefficients)


REFUSED = {
    "none": ([], {}, "there is no dataset to fit; give one, such as that of simulate calcium-response"),
    "unknown": (
        [xr.Dataset({"voltage": ("time", [1.0])}, attrs={"study": "probe"})],
        {},
        "probe in memory holds nothing that is mapped; make a dataset with one of: simulate calcium-response, study "
        "process-length, study release-rate, simulate retention, study segment-detection",
    ),
    "twice": (
        [response(), response() * 2],
        {},
        "dataset in memory and dataset in memory both give the calcium_response; leave one out",
    ),
    "form": ([response()], {"form": "line"}, "there is no form 'line'; use one of power_law, hill, curve, best, mean_"),
    "form of another": (
        [response(), memory()],
        {"form": "mean_field"},
        "form mean_field does not go with dataset in memory, which holds a calcium response and dataset in memory, "
        "which holds a retention; leave it out",
    ),
    "rate": (
        [memory()],
        {"reference_rate": 1.0},
        "reference_rate does not go with dataset in memory, which holds",
    ),
    "spacing": ([response()], {"spacing": 1.0}, "spacing does not go with"),
    "place": ([process()], {"at": {"loop": "none"}}, "at loop does not go with"),
    "place of a fit without": ([memory()], {"at": {"time": 10}}, "at time does not go with"),
    "no place": ([process()], {}, "inositol_trisphosphate varies with degradation too; choose one of 0.0338, 2"),
    "another place": ([process()], {"at": {"degradation": 3}}, "is not known at degradation 3; choose one of 0.0338"),
    "bad rate": ([response()], {"reference_rate": -1.0}, "reference rate -1 Hz is not a rate; use one above 0 Hz"),
    "bad spacing": ([process()], {"spacing": 0.0, "at": {"degradation": 2}}, "a spacing of 0 um keeps no synapses"),
    "text": (
        [xr.Dataset({"calcium_mean": ("rate", ["a", "b"])}, {"rate": [1.0, 2.0]})],
        {},
        "calcium_mean holds no numbers but <U1; give numbers in umolar",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_sentence(case):
    datasets, options, sentence = REFUSED[case]
    with pytest.raises(ValueError) as raised:
        mapping.fit(*datasets, **options)
    assert sentence in str(raised.value) and "\n" not in str(raised.value)


def test_files_that_cannot_be_read_are_refused_by_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file .*gone.nc; give the path of a simulated dataset"):
        mapping.fit(tmp_path / "gone.nc")
    (tmp_path / "text.nc").write_text("nothing")
    with pytest.raises(ValueError, match="text.nc is not a readable NetCDF file"):
        mapping.fit(str(tmp_path / "text.nc"))


def test_the_table_has_a_line_for_every_section_of_the_file():
    assert tuple(KINDS) == SECTIONS
