"""Commands on spiking data: what is missing, what is prepared, where a run goes."""

import json

import pytest

from astromorph.data.spiking_hdf5 import write_spikes
from astromorph.data.spoken_digits import NAMES, spikes_file
from studies.command_line import main
from studies.delays import prepared_digits


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASTROMORPH_DATA", str(tmp_path))
    return tmp_path


def digits(root):
    for part in prepared_digits.PARTS:
        labels = list(range(10)) * 4
        write_spikes(spikes_file(root, part), [[0.01, 0.1]] * 40, [[k, k] for k in labels], labels, [0] * 40, NAMES)


def test_missing_recordings_are_one_sentence(here, capsys):
    for words, sentence in {
        "train shd": "shd_train.h5 is missing; download https://zenkelab.org/datasets/shd_train.h5.gz",
        "data fetch ssc": "ssc_train.h5 is missing; download https://zenkelab.org/datasets/ssc_train.h5.gz",
        "data check shd": "shd_train.h5 is missing; download",
        "data prepare spoken-digits": "0_george_0.wav is missing; clone https://github.com",
        "train spoken-digits": "0_george_0.wav is missing; clone https://github.com",
        "data check spoken-digits": "run `astromorph data prepare spoken-digits",
    }.items():
        assert main(words.split()) != 0
        assert sentence in capsys.readouterr().err, words
    assert not list(here.iterdir())


def test_a_training_ends_in_a_folder_named_by_its_delays(here, capsys):
    digits(here)
    assert main(["data", "check", "spoken-digits"]) == 0 == main(["data", "prepare", "spoken-digits"])
    options = "--delays fixed --hidden 8 --frames 12 --longest 3 --epochs 1 --validation 10 --threads 1".split()
    assert main(["train", "spoken-digits", *options]) == 0
    run = here / "runs" / "spoken-digits-fixed-delays-seed0"
    assert json.loads((run / "summary.json").read_text())["attention"] == "fixed-delays"
    assert "wrote runs/spoken-digits-fixed" in capsys.readouterr().out
    assert main(["evaluate", str(run)]) == 0
    assert "zero: " in capsys.readouterr().out
