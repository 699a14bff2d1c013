"""Comparison of finished runs: means and spread, and refusal of unlike runs."""

from dataclasses import replace

import pandas as pd
import pytest

from astromorph.run_folder import METRICS, RunFolder
from astromorph.settings import DigitsSettings
from studies.accuracy_table import collect, draw, summarise
from studies.command_line import main

ACCURACIES = {("softmax", 0): 0.90, ("softmax", 1): 0.94, ("linear", 0): 0.80, ("linear", 1): 0.80}


def finished_run(path, settings, accuracy):
    folder = RunFolder.create(path, "digits", settings, None)
    folder.write_metrics([dict.fromkeys(METRICS, 1.0) | {"epoch": 1, "validation_accuracy": accuracy, "seconds": 2.0}])
    summary = {"test_accuracy": accuracy, "validation_accuracy": accuracy, "chosen_epoch": 1, "seconds": 2.0}
    folder.write_json("summary.json", summary | {"parameters": 7, "commit": "abc"})
    return folder


@pytest.fixture
def folders(tmp_path):
    return [
        finished_run(tmp_path / f"{attention}-{seed}", DigitsSettings(attention=attention, seed=seed), accuracy)
        for (attention, seed), accuracy in ACCURACIES.items()
    ]


def test_mean_and_spread_over_seeds(folders):
    table = summarise(collect(folders)).set_index("attention")
    assert table.n.tolist() == [2, 2]
    assert table.test_accuracy["softmax"] == pytest.approx(0.92)
    assert table.sd["softmax"] == pytest.approx(0.04 / 2**0.5)  # n - 1
    assert table.sd["linear"] == pytest.approx(0.0)


def test_first_epoch_above_85_percent_is_named_and_absent_otherwise(folders):
    reached = collect(folders).epochs_to_85_percent
    assert reached[:2].tolist() == [1, 1] and reached[2:].isna().all()


def test_unlike_runs_are_refused(folders, tmp_path):
    wider = finished_run(tmp_path / "wider", replace(folders[0].settings, width=64), 0.9)
    with pytest.raises(ValueError, match="width 64 against 32; compare runs that differ in attention and seed only"):
        collect([*folders, wider])


def test_the_figure_shows_every_run(folders):
    axes = draw(collect(folders)).axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert sum(len(line.get_xdata()) for line in dots) == len(folders)


def test_the_command_prints_a_table_and_writes_all_runs(folders, tmp_path, capsys):
    out = tmp_path / "table.csv"
    assert main(["compare", *(str(folder.path) for folder in folders), "--out", str(out)]) == 0
    assert "digits softmax 2 0.92" in " ".join(capsys.readouterr().out.split())
    assert len(pd.read_csv(out)) == 4 and out.with_suffix(".png").stat().st_size > 1000
