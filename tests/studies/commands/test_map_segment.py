"""`astromorph map` on the detection curve of a segment whose threshold and gain are known."""

import numpy as np
import pytest
import xarray as xr

import mapping
from biophys.simulation.recording import save
from mapping.segment_response import opening
from studies.command_line import main


@pytest.fixture
def file(tmp_path):
    n = np.arange(25)
    curves = np.stack([opening(n / theta, 1.0, 8.0) for theta in (10.0, 14.0)])
    answer = xr.DataArray(curves, {"window": [0.0, 5.0], "active_synapses": n}, ("window", "active_synapses"))
    dataset = answer.assign_attrs(units="1").to_dataset(name="detection_probability")
    save(dataset.assign_attrs(study="segment-detection"), path := tmp_path / "segment.nc")
    return path


def test_threshold_and_gain_are_found_where_they_were_asked_for(file, capsys):
    assert main(["map", str(file), "--at", "window=5"]) == 0
    read = mapping.read(file.with_suffix(".yaml")).segment
    assert read.reference.synapses == pytest.approx(14, rel=1e-6) and read.segment_response.at == {"window": 5.0}
    assert read.segment_response.gain == pytest.approx(8, rel=1e-6)
    assert "opens half at 14.00 synapses, gain 8.00" in capsys.readouterr().out
    assert file.with_suffix(".png").is_file()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--at", "window"], "--at window is no place; write a dimension and a number, such as --at window=5"),
        (["--at", "window=x"], "detection_probability is not known at window x; choose one of 0, 5"),
        ([], "varies with window too; choose one of 0, 5"),
        (["--reference_rate", "3"], "reference_rate does not go with"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(file, capsys, words, told):
    assert main(["map", str(file), *words]) == 2
    assert told in capsys.readouterr().err and list(file.parent.iterdir()) == [file]
