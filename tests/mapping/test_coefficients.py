"""The coefficients file: it comes back as it was written, and anything else is refused by name."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

import mapping
from astromorph.settings import CalciumResponse
from biophys.simulation.recording import save
from mapping.calcium_response import hill
from mapping.coefficients import SECTIONS, Coefficients, read_segment, retention_factor

RESULTS = Path(__file__).parents[2] / "studies" / "results"

RATES = np.array([0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0])


def coefficients_of(calcium, folder):
    attributes = {"title": "a title", "astrocyte.O_P": "0.9 umolar/second", "provenance_commit": "abc"}
    dataset = xr.Dataset({"calcium_mean": (("rate", "trial"), calcium[:, None])}, {"rate": RATES}, attributes)
    save(dataset, folder / "response.nc")
    return mapping.fit(folder / "response.nc", reference_rate=2.0, provenance={"commit": "def"})


@pytest.fixture
def good(tmp_path):
    return coefficients_of(hill(RATES, 0.3, 0.5, 1.2, 1.5), tmp_path)


@pytest.fixture
def failed(tmp_path):
    return coefficients_of(0.5 - 0.01 * RATES, tmp_path)


def test_a_written_file_is_read_unchanged(good, failed, tmp_path):
    for number, coefficients in enumerate((good, failed)):
        mapping.write(coefficients, tmp_path / f"{number}.yaml")
        assert mapping.read(tmp_path / f"{number}.yaml") == coefficients
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.yaml", "1.yaml", "response.nc"]


def test_the_file_says_where_it_came_from(good, tmp_path):
    section = good.calcium_response
    assert section.source.file == "response.nc"
    assert section.source.sha256 == hashlib.sha256((tmp_path / "response.nc").read_bytes()).hexdigest()
    assert section.source.parameters == {"astrocyte.O_P": "0.9 umolar/second"}
    assert section.provenance == {"commit": "def"}
    reference = section.reference
    assert (reference.rate, reference.rate_units, reference.calcium_units) == (2.0, "Hz", "umolar")


def test_settings_hold_the_curve_over_the_measured_range(good):
    response = mapping.as_settings(good)
    half, scale = 1.5 / 2.0, hill(2.0, 0.3, 0.5, 1.2, 1.5)
    assert (response.form, response.exponent, response.half) == (
        "hill",
        pytest.approx(1.2),
        pytest.approx(half),
    )
    assert (response.baseline, response.amplitude) == pytest.approx((0.3 / scale, 0.5 / scale))
    assert (response.lowest, response.highest) == pytest.approx((0.1, 10))
    assert response.source.startswith(f"response.nc {good.calcium_response.source.sha256[:12]} hill AICc -")


def test_a_failed_fit_is_kept_but_not_trained_with(failed, tmp_path):
    mapping.write(failed, tmp_path / "failed.yaml")
    read = mapping.read(tmp_path / "failed.yaml")
    assert read.calcium_response.status == "failed" and read.calcium_response.response is None
    with pytest.raises(ValueError, match=r"response.nc failed \(calcium does not rise.*run astromorph map"):
        mapping.as_settings(read)


def drop(name):
    return lambda content: content.pop(name)


def put(*place, value):
    def change(content):
        for name in place[:-1]:
            content = content[name]
        content[place[-1]] = value

    return change


C = "calcium_response"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (drop("format_version"), "format_version is missing"),
        (lambda content: content[C].pop("reference"), f"{C}.reference is missing"),
        (put("colour", value="red"), "colour is not a known entry of the file"),
        (put(C, "response", "half_life", value=1), f"{C}.response.half_life is not a known entry of {C}.response"),
        (put(C, "response", "exponent", value="steep"), f"{C}.response.exponent is 'steep', not a finite number"),
        (put(C, "response", "exponent", value=float("nan")), f"{C}.response.exponent is nan, not a finite number"),
        (put(C, "response", "exponent", value=None), f"{C}: response.exponent is None, which does not suit hill"),
        (put(C, "response", "baseline", value=True), f"{C}.response.baseline is True, not a finite number"),
        (put(C, "response", "form", value="line"), f"{C}.response.form is 'line', not one of power_law, hill, curve"),
        (
            put(C, "response", "form", value="curve"),
            f"{C}: a response of form curve goes with a curve, knots",
        ),
        (put(C, "response", "half", value=None), f"{C}: response.half is None, which does not suit hill"),
        (put(C, "response", value=None), f"{C}: status ok does not go with response None"),
        (put(C, "candidates", "hill", value=None), f"{C}: candidates has no hill"),
        (put(C, "candidates", "hill", "intervals", value=3), f"{C}.candidates.hill.intervals is 3, not a list or"),
        (
            put(C, "source", "parameters", "astrocyte.O_P", value=0.9),
            f"{C}.source.parameters.astrocyte.O_P is 0.9, not text",
        ),
        (put("format_version", value=3), "format_version is 3, this version reads 1 and 2"),
        (put(C, "provenance", value=[]), rf"{C}.provenance is \[\], not a list or section"),
        (drop(C), "the file holds none of calcium_response, distance_kernel, release, retention, segment"),
    ],
)
def test_every_other_content_is_refused_by_the_name_of_its_entry(good, tmp_path, change, sentence):
    path = tmp_path / "coefficients.yaml"
    mapping.write(good, path)
    content = yaml.safe_load(path.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match=f"coefficients.yaml: {sentence}.*; write it again with astromorph map"):
        mapping.read(path)


def test_missing_and_unreadable_files_get_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="no coefficients file .*gone.yaml; write one with astromorph map"):
        mapping.read(tmp_path / "gone.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1")
    with pytest.raises(ValueError, match="broken.yaml is not valid YAML"):
        mapping.read(tmp_path / "broken.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ValueError, match=r"the file is \[1\], not a section of named entries"):
        mapping.read(tmp_path / "list.yaml")


def test_code_in_the_file_is_not_run(tmp_path):
    (tmp_path / "evil.yaml").write_text("!!python/object/apply:os.mkdir [made]\n")
    with pytest.raises(ValueError, match="evil.yaml is not valid YAML"):
        mapping.read(tmp_path / "evil.yaml")


def test_a_broken_write_leaves_the_old_file(good, tmp_path, monkeypatch):
    path = tmp_path / "coefficients.yaml"
    mapping.write(good, path)
    before = path.read_text()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        mapping.write(good, path)
    assert path.read_text() == before
    assert sorted(found.name for found in tmp_path.iterdir()) == ["coefficients.yaml", "response.nc"]


def others(reference=2.0, release=0.3):
    """Coefficients of a kernel, a release and a retention of made-up measurements, by section."""
    position = np.arange(20) * 5.0 + 2.5
    process = xr.Dataset({"inositol_trisphosphate": ("position", np.exp(-position / 30))}, {"position": position})
    synapse = xr.Dataset({"release": ("rate", np.full(7, release))}, {"rate": RATES})
    level = np.repeat(1 - 0.7 ** np.arange(7), 2)[:-1]
    memory = xr.Dataset({"long_term": ("time", level)}, {"time": np.arange(13) * 10.0}, {"stimulus.cycle": "20 second"})
    return {
        "distance_kernel": mapping.fit(process),
        "release": mapping.fit(synapse, reference_rate=reference),
        "retention": mapping.fit(memory),
    }


def joined(good, parts):
    return replace(good, **{name: getattr(part, name) for name, part in parts.items()})


def test_all_sections_live_in_one_file(good, tmp_path):
    parts = others()
    mapping.write(joined(good, parts), tmp_path / "all.yaml")
    read = mapping.read(tmp_path / "all.yaml")
    assert [name for name in SECTIONS if getattr(read, name) is None] == ["segment"]
    assert read == joined(good, parts) and read.calcium_response == good.calcium_response
    assert read.distance_kernel.result() == parts["distance_kernel"].distance_kernel.fit.length > 0
    assert retention_factor(read, np.arange(1, 4), 3) == pytest.approx(0.7 ** np.arange(3) / 2.19)
    settings = mapping.as_settings(read)
    assert settings.form == "hill" and settings.synapse.resting == pytest.approx(0.3, rel=1e-5)
    assert settings.synapse.source.startswith("dataset in memory ")
    # what was not measured is as published
    assert mapping.as_settings(parts["distance_kernel"]) == CalciumResponse()
    assert mapping.as_settings(parts["release"]).source == CalciumResponse().source


def test_sections_that_do_not_fit_together_are_refused(good, tmp_path):
    parts = others()
    mapping.write(replace(good, release=others(reference=3.0)["release"].release), tmp_path / "two.yaml")
    with pytest.raises(ValueError, match="x = 1 is 2 Hz in the calcium response and 3 Hz in the release; map both"):
        mapping.read(tmp_path / "two.yaml")
    with pytest.raises(ValueError, match="hold nothing that attention is made of; map a dataset of simulate calcium"):
        mapping.as_settings(parts["retention"])
    with pytest.raises(ValueError, match="hold no retention; map a dataset of simulate retention"):
        retention_factor(good, 1, 3)
    mapping.write(parts["retention"], tmp_path / "r.yaml")
    with pytest.raises(ValueError, match="r.yaml holds no dendritic segment; map a dataset of study segment-detection"):
        read_segment(tmp_path / "r.yaml")


@pytest.mark.parametrize(
    ("section", "entry", "value", "sentence"),
    [
        ("distance_kernel", "length", None, "distance_kernel: status ok does not go with length None"),
        ("distance_kernel", "status", "good", "distance_kernel.fit.status is 'good', not one of ok, failed"),
        ("distance_kernel", "positions", [1.0, "far"], "distance_kernel.fit.positions is 'far', not a finite number"),
        ("release", "resting", 1.5, "a synapse with resting release 1.5"),
        ("release", "colour", 1, "release.fit.colour is not a known entry of release.fit"),
        ("retention", "ratio", None, "retention: status ok does not go with ratio None"),
    ],
)
def test_other_sections_are_read_as_strictly(tmp_path, section, entry, value, sentence):
    mapping.write(joined(Coefficients(2), others()), tmp_path / "c.yaml")
    content = yaml.safe_load((tmp_path / "c.yaml").read_text())
    content[section]["fit"][entry] = value
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match=f"c.yaml: {sentence}.*; write it again with astromorph map"):
        mapping.read(tmp_path / "c.yaml")


def as_version_1(section):
    """What the first version wrote: one section alone, without what came later."""
    later = ("curve",) if "segment_response" not in section else ()
    content = {"format_version": 1} | {name: value for name, value in section.items() if name not in later}
    if "segment_response" not in section and content["response"]:
        content["response"] = {k: v for k, v in content["response"].items() if k not in ("knots", "values")}
    return content


def test_files_of_the_first_version_are_read(good, tmp_path):
    mapping.write(good, tmp_path / "new.yaml")
    section = yaml.safe_load((tmp_path / "new.yaml").read_text())["calcium_response"]
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(as_version_1(section)))
    old = mapping.read(tmp_path / "old.yaml")
    assert mapping.as_settings(old) == mapping.as_settings(good)
    assert replace(old.calcium_response, curve=good.calcium_response.curve) == good.calcium_response


def test_the_results_of_the_package_are_read():
    astrocyte = mapping.as_settings(mapping.read(RESULTS / "astrocyte.yaml"))
    assert (astrocyte.form, astrocyte.half) == ("hill", pytest.approx(0.24984, rel=1e-4))
    assert read_segment(RESULTS / "segment.yaml").segment_response.gain == pytest.approx(20.85, rel=1e-3)
