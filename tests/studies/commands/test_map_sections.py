"""`astromorph map` on every kind of dataset, and `train` with every section it writes."""

import json

import numpy as np
import pytest
import xarray as xr
import yaml

import mapping
from astromorph.runs.run_folder import RunFolder
from biophys.release_theory import mean_field_release
from biophys.simulation.recording import save
from mapping.coefficients import retention_factor
from studies.command_line import main

RATES = np.geomspace(0.3, 30, 9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Datasets of closed forms: response.nc, process.nc, release.nc, memory.nc."""
    folder = tmp_path_factory.mktemp("datasets")
    position = np.arange(20) * 5.0 + 2.5
    profiles = np.stack([np.cosh((100 - position) / length) for length in (30.0, 3.9)])
    release = np.stack([mean_field_release(RATES, resting, 2.0, 3.33) for resting in (0.6, 0.05)])
    calcium = np.repeat((0.3 + 0.5 * RATES / (2 + RATES))[:, None], 2, 1)
    level = np.repeat(1 - 0.7 ** np.arange(7), 2)[:-1]
    made = {
        "response": xr.Dataset({"calcium_mean": (("rate", "trial"), calcium)}, {"rate": RATES}),
        "process": xr.Dataset(
            {"inositol_trisphosphate": (("degradation", "position"), profiles), "diffusion": 30.42},
            {"position": position, "degradation": [0.0338, 2.0]},
        ),
        "release": xr.Dataset({"release": (("loop", "rate"), release)}, {"rate": RATES, "loop": ["none", "open"]}),
        "memory": xr.Dataset({"long_term": ("time", level)}, {"time": np.arange(13) * 10.0}),
    }
    for name, dataset in made.items():
        save(dataset.assign_attrs(study=name, **{"stimulus.cycle": "20 second"}), folder / f"{name}.nc")
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return folder


EVERYTHING = ["response.nc", "process.nc", "release.nc", "memory.nc", "--at", "degradation=2", "--at", "loop=none"]


@pytest.fixture(scope="module")
def mapped(folder):
    """All of them in one file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["map", *EVERYTHING, "--out", "all.yaml"]) == 0
    return folder


def test_every_dataset_becomes_a_section_with_a_figure(mapped):
    read = mapping.read(mapped / "all.yaml")
    assert read.calcium_response.response.form == "hill" and read.segment is None
    assert read.distance_kernel.fit.length == pytest.approx(3.9 / 0.78, rel=1e-8)
    assert read.distance_kernel.fit.length_constant_theory == pytest.approx(3.9)
    assert read.release.fit.reference_rate == read.calcium_response.reference.rate  # one x = 1 for both
    assert read.release.fit.resting == pytest.approx(0.6, rel=1e-6)
    assert retention_factor(read, [1, 2, 3], 3) == pytest.approx(0.7 ** np.arange(3) / 2.19)
    for name in ("calcium-response", "distance-kernel", "release", "retention"):
        assert (mapped / f"all-{name}.png").read_bytes().startswith(b"\x89PNG")
    sections = [read.calcium_response, read.distance_kernel, read.release, read.retention]
    assert [section.source.file for section in sections] == EVERYTHING[:4]


@pytest.mark.parametrize(
    ("words", "setting"),
    [
        (["response.nc", "--form", "curve"], lambda run: run.response.form == "curve"),
        (["response.nc", "--form", "power_law"], lambda run: run.response.form == "power_law"),
        (["process.nc", "--at", "degradation=2", "--spacing", "2"], lambda run: run.settings.position_scale < 1.951),
        (["release.nc", "--at", "loop=open"], lambda run: run.response.synapse.form == "mean_field"),
        (["release.nc", "--at", "loop=open", "--form", "curve"], lambda run: run.response.synapse.form == "curve"),
        (None, lambda run: run.response.synapse and run.response.form == "hill" and run.settings.position_scale < 5.01),
    ],
)
def test_train_builds_attention_from_what_the_file_holds(mapped, tmp_path, monkeypatch, words, setting, capsys):
    monkeypatch.chdir(mapped)
    file = "all.yaml" if words is None else str(tmp_path / "c.yaml")
    if words is not None:
        assert main(["map", *words, "--out", file]) == 0
    run = str(tmp_path / "run")
    assert main(["train", "digits", "--astrocyte", file, "--epochs", "1", "--out", run]) == 0
    folder = RunFolder.open(run)
    assert setting(folder) and folder.response == mapping.as_settings(mapping.read(file))
    capsys.readouterr()
    assert main(["evaluate", run]) == 0
    accuracy = json.loads((tmp_path / "run/summary.json").read_text())["test_accuracy"]
    assert f"test accuracy {accuracy:.4f}," in capsys.readouterr().out.splitlines()[-1]


def test_print_config_says_where_every_number_came_from(mapped, here, tmp_path, capsys):
    (tmp_path / "own.yaml").write_text("batch: 50\n")
    words = ["--config", str(tmp_path / "own.yaml"), "--epochs", "3", "--astrocyte", "all.yaml", "--print_config"]
    assert main(["train", "digits", *words]) == 0
    text = capsys.readouterr().out
    read = mapping.read(here / "all.yaml")
    lines = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert lines["width"] == "32  # default" and lines["epochs"] == "3  # option"
    assert lines["batch"] == f"50  # {tmp_path / 'own.yaml'}"
    kernel = read.distance_kernel
    assert lines["position_scale"].startswith(
        f"{kernel.fit.length}  # distance kernel of all.yaml: {kernel.source.label}"
    )
    section = read.calcium_response
    low, high = section.candidates["hill"].intervals["exponent"]
    assert f"#   exponent: {section.response.exponent}  # 95 % {low:.6g} to {high:.6g}\n" in text
    assert f"# calcium response (all.yaml: response.nc {section.source.sha256}):\n" in text
    assert f"# release (all.yaml: release.nc {read.release.source.sha256}):\n" in text
    assert "# retention: in all.yaml, not used by this model" in text
    # and what is printed is read again
    (tmp_path / "printed.yaml").write_text(text)
    assert main(["train", "digits", "--config", str(tmp_path / "printed.yaml"), *words[4:]]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["response.nc", "memory.nc"], "2 datasets go into one file of coefficients; name it with --out"),
        (["process.nc"], "varies with degradation too; choose one of 0.0338, 2"),
        (["release.nc"], "release varies with loop too; choose one of none, open"),
        (
            ["response.nc", "--form", "mean_field"],
            "form mean_field does not go with response.nc, which holds a calcium",
        ),
        (["response.nc", "--spacing", "1"], "spacing does not go with response.nc"),
        (
            ["memory.nc", "--reference_rate", "1"],
            "reference_rate does not go with memory.nc, which holds a retention",
        ),
        (["memory.nc", "--at", "loop=none"], "at loop does not go with memory.nc"),
        (
            ["process.nc", "--at", "degradation=fast"],
            "inositol_trisphosphate is not known at degradation fast; choose one of 0.0338, 2",
        ),
        (
            ["response.nc", "response.nc", "--out", "b.yaml"],
            "response.nc and response.nc both give the calcium_response; leave",
        ),
        (["response.nc", "--form", "line"], "form 'line' is not known; use one of"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(mapped, here, capsys, words, told):
    before = sorted(here.iterdir())
    assert main(["map", *words]) == 2
    found = capsys.readouterr().err
    assert told in found and found.count("\n") == 1 and sorted(here.iterdir()) == before


def test_datasets_that_hold_nothing_to_map_are_refused(tmp_path, capsys):
    save(xr.Dataset({"voltage": ("time", [1.0])}), tmp_path / "v.nc")
    assert main(["map", str(tmp_path / "v.nc")]) == 2
    assert "v.nc holds nothing that is mapped; make a dataset with one of: simulate calc" in capsys.readouterr().err


def test_a_failed_section_is_written_and_refused_by_train(here, tmp_path, capsys):
    position = np.arange(10.0)
    flat = xr.Dataset({"inositol_trisphosphate": ("position", np.ones(10))}, {"position": position})
    save(flat, tmp_path / "flat.nc")
    file = str(tmp_path / "c.yaml")
    assert main(["map", "response.nc", str(tmp_path / "flat.nc"), "--out", file]) == 2
    assert "does not fall along the process" in capsys.readouterr().err
    assert mapping.read(file).distance_kernel.fit.status == "failed"
    assert main(["train", "digits", "--astrocyte", file, "--out", str(tmp_path / "run")]) == 2
    assert "flat.nc failed (the concentration does not fall" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_another_position_scale_beside_a_kernel_is_refused(mapped, here, capsys):
    for value in ("3", "2"):  # 2 is the default, but asked for
        assert main(["train", "digits", "--astrocyte", "all.yaml", "--position_scale", value, "--print_config"]) == 2
        assert (
            f"position_scale {value} is not what all.yaml holds, 5; leave position_scale out" in capsys.readouterr().err
        )


def test_retention_is_taken_where_a_text_is_read_in_segments(mapped, here, capsys):
    words = ["train", "imdb", "--astrocyte", "all.yaml", "--print_config"]
    ratio = mapping.read(here / "all.yaml").retention.fit.ratio
    assert main([*words, "--segments", "3"]) == 0
    text = capsys.readouterr().out
    assert f"retention: {ratio}  # retention of all.yaml: memory.nc" in text and "not used by this model" not in text
    assert main(words) == 0
    assert "retention: 0.719  # default" in capsys.readouterr().out
    assert main([*words, "--segments", "3", "--retention", "0.5"]) == 2
    assert "retention 0.5 is not what all.yaml holds, 0.7; leave retention out" in capsys.readouterr().err
