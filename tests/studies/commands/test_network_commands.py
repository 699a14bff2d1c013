"""`astromorph simulate NETWORK`: parameters with units, what is recorded, errors of one sentence."""

import numpy as np
import pytest

from biophys.ready_networks import NETWORKS
from biophys.simulation.recording import load
from studies.command_line import main


def test_the_list_names_every_network(capsys):
    assert main(["simulate", "--list"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in (*NETWORKS, "calcium-response"))


def test_help_lists_parameters_and_variables(capsys):
    assert main(["simulate", "li-rinzel", "--help"]) == 0
    told = capsys.readouterr().out
    assert "astrocyte.K_P" in told and "0.1 umolar" in told and "pump affinity" in told
    assert "channels_not_inactivated" in told and "--every" in told


def test_a_changed_parameter_is_simulated_and_told(tmp_path, capsys):
    out = tmp_path / "cell.nc"
    words = ["--set", "stimulus.I=0.2*umolar", "--record", "calcium", "--seconds", "5", "--out", str(out)]
    assert main(["simulate", "li-rinzel", *words]) == 0
    dataset = load(out)
    assert list(dataset.data_vars) == ["calcium"] and dataset.calcium.attrs["units"] == "umolar"
    assert dataset.attrs["stimulus.I"] == "0.2 umolar" and dataset.attrs["seed"] == 0
    assert dataset.attrs["provenance_command"].startswith("astromorph simulate li-rinzel --set")
    assert float(dataset.calcium.sel(time=2, method="nearest").squeeze()) == pytest.approx(0.0849664, rel=1e-5)
    assert np.isfinite(dataset.calcium).all() and out.with_suffix(".png").stat().st_size > 5000
    assert capsys.readouterr().out.splitlines()[-1] == f"wrote {out} and {out.with_suffix('.png')}"
    assert main(["plot", str(out), "--out", str(tmp_path / "again.png")]) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("simulate li-rinze", "there is no network 'li-rinze' (did you mean li-rinzel?)"),
        ("simulate li-rinzel --set stimulus.I=0.2", "stimulus.I=0.2 has no unit; write it in umolar"),
        ("simulate li-rinzel --set stimulus.I=0.2*mV", "stimulus.I=0.2*mV has the wrong unit; write it in umolar"),
        ("simulate li-rinzel --set stimulus.x=0.2", "there is no parameter 'stimulus.x'"),
        ("simulate li-rinzel --record IP3", "li-rinzel has no variable 'IP3' to record; use some of calcium, channels"),
        ("simulate li-rinzel --step 0.5", "step 0.5 s is too large for these parameters"),
        ("simulate li-rinzel --seconds 0", "seconds 0 is not a time"),
        ("simulate li-rinzel --target java", "code target 'java' is not known"),
        ("simulate li-rinzel --out cell.txt", "output file cell.txt must end in .nc"),
    ],
)
def test_bad_input_is_one_sentence(words, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1
    assert not list(tmp_path.glob("*.nc"))
