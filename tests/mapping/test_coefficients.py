"""The coefficients file: it comes back as it was written, and anything else is refused by name."""

import hashlib

import numpy as np
import pytest
import xarray as xr
import yaml

from mapping.calcium_response import fit_calcium_response, hill
from mapping.coefficients import (
    coefficients_from_fit,
    read_coefficients,
    response_settings,
    write_coefficients,
)

RATES = np.array([0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0])


def coefficients_of(calcium, folder):
    attributes = {"title": "a title", "astrocyte.O_P": "0.9 umolar/second", "provenance_commit": "abc"}
    dataset = xr.Dataset({"calcium_mean": (("rate", "trial"), calcium[:, None])}, {"rate": RATES}, attributes)
    (folder / "response.nc").write_bytes(b"as if a dataset")
    fit = fit_calcium_response(dataset, reference_rate=2.0)
    return coefficients_from_fit(fit, dataset, folder / "response.nc", provenance={"commit": "def"})


@pytest.fixture
def good(tmp_path):
    return coefficients_of(hill(RATES, 0.3, 0.5, 1.2, 1.5), tmp_path)


@pytest.fixture
def failed(tmp_path):
    return coefficients_of(0.5 - 0.01 * RATES, tmp_path)


def test_a_written_file_is_read_unchanged(good, failed, tmp_path):
    for number, coefficients in enumerate((good, failed)):
        write_coefficients(coefficients, tmp_path / f"{number}.yaml")
        assert read_coefficients(tmp_path / f"{number}.yaml") == coefficients
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.yaml", "1.yaml", "response.nc"]


def test_the_file_says_where_it_came_from(good):
    assert good.source.file == "response.nc"
    assert good.source.sha256 == hashlib.sha256(b"as if a dataset").hexdigest()
    assert good.source.parameters == {"astrocyte.O_P": "0.9 umolar/second"}
    assert good.provenance == {"commit": "def"}
    assert (good.reference.rate, good.reference.rate_units, good.reference.calcium_units) == (
        2.0,
        "Hz",
        "umolar",
    )


def test_settings_hold_the_curve_over_the_measured_range(good):
    response = response_settings(good)
    half, scale = 1.5 / 2.0, hill(2.0, 0.3, 0.5, 1.2, 1.5)
    assert (response.form, response.exponent, response.half) == (
        "hill",
        pytest.approx(1.2),
        pytest.approx(half),
    )
    assert (response.baseline, response.amplitude) == pytest.approx((0.3 / scale, 0.5 / scale))
    assert (response.lowest, response.highest) == pytest.approx((0.1, 10))
    assert response.source.startswith(f"response.nc {good.source.sha256[:12]} hill AICc -")


def test_a_failed_fit_is_kept_but_not_trained_with(failed, tmp_path):
    write_coefficients(failed, tmp_path / "failed.yaml")
    read = read_coefficients(tmp_path / "failed.yaml")
    assert read.status == "failed" and read.response is None
    with pytest.raises(ValueError, match=r"response.nc failed \(calcium does not rise.*run astromorph map"):
        response_settings(read)


def drop(name):
    return lambda content: content.pop(name)


def put(*place, value):
    def change(content):
        for name in place[:-1]:
            content = content[name]
        content[place[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (drop("reference"), "reference is missing"),
        (put("colour", value="red"), "colour is not a known entry of the file"),
        (put("response", "half_life", value=1), "response.half_life is not a known entry of response"),
        (put("response", "exponent", value="steep"), "response.exponent is 'steep', not a finite number"),
        (put("response", "exponent", value=float("nan")), "response.exponent is nan, not a finite number"),
        (put("response", "baseline", value=True), "response.baseline is True, not a finite number"),
        (put("response", "form", value="line"), "response.form is 'line', not one of power_law, hill"),
        (put("response", "half", value=None), "response.half is None, which does not suit hill"),
        (put("response", value=None), "status ok does not go with response None"),
        (put("candidates", "hill", value=None), "candidates has no hill"),
        (
            put("candidates", "hill", "intervals", value=3),
            "candidates.hill.intervals is 3, not a list or section",
        ),
        (
            put("source", "parameters", "astrocyte.O_P", value=0.9),
            "source.parameters.astrocyte.O_P is 0.9, not text",
        ),
        (put("format_version", value=2), "format_version is 2, this version reads 1"),
        (put("provenance", value=[]), r"provenance is \[\], not a list or section"),
    ],
)
def test_every_other_content_is_refused_by_the_name_of_its_entry(good, tmp_path, change, sentence):
    path = tmp_path / "coefficients.yaml"
    write_coefficients(good, path)
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match=f"coefficients.yaml: {sentence}.*; write it again with astromorph map"):
        read_coefficients(path)


def test_missing_and_unreadable_files_get_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="no coefficients file .*gone.yaml; write one with astromorph map"):
        read_coefficients(tmp_path / "gone.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1")
    with pytest.raises(ValueError, match="broken.yaml is not valid YAML"):
        read_coefficients(tmp_path / "broken.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ValueError, match=r"the file is \[1\], not a section of named entries"):
        read_coefficients(tmp_path / "list.yaml")


def test_code_in_the_file_is_not_run(tmp_path):
    (tmp_path / "evil.yaml").write_text("!!python/object/apply:os.mkdir [made]\n")
    with pytest.raises(ValueError, match="evil.yaml is not valid YAML"):
        read_coefficients(tmp_path / "evil.yaml")


def test_a_broken_write_leaves_the_old_file(good, tmp_path, monkeypatch):
    path = tmp_path / "coefficients.yaml"
    write_coefficients(good, path)
    before = path.read_text()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_coefficients(good, path)
    assert path.read_text() == before
    assert sorted(found.name for found in tmp_path.iterdir()) == ["coefficients.yaml", "response.nc"]
