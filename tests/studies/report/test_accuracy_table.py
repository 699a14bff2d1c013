"""Comparison of finished runs: means and spread over seeds, rows that say in what runs differ."""

from dataclasses import replace

import pandas as pd
import pytest
from matplotlib import pyplot as plt

from astromorph.runs.run_folder import METRICS, RunFolder
from astromorph.settings import CalciumResponse, Cifar10Settings, DigitsSettings, ShdSettings, Wikitext2Settings
from studies.command_line import main
from studies.report.accuracy_table import collect, draw, printed, summarise

ACCURACIES = {("softmax", 0): 0.90, ("softmax", 1): 0.94, ("linear", 0): 0.80, ("linear", 1): 0.80}


def finished_run(path, settings, accuracy, response=None, data_set="digits"):
    folder = RunFolder.create(path, data_set, settings, response)
    folder.write_metrics([dict.fromkeys(METRICS, 1.0) | {"epoch": 1, "validation_accuracy": accuracy, "seconds": 2.0}])
    summary = {"test_accuracy": accuracy, "validation_accuracy": accuracy, "chosen_epoch": 1, "seconds": 2.0}
    summary |= {"test_loss": 1.0, "epochs": 1, "parameters": 7, "class_names": [], "confusion": [], "commit": "abc"}
    folder.write_json("summary.json", summary)
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


def test_runs_of_other_settings_get_a_row_of_their_own_that_says_so(folders, tmp_path):
    wider = finished_run(tmp_path / "wider", replace(folders[0].settings, width=64), 0.9)
    table = summarise(collect([*folders, wider]))
    assert table.setting.tolist() == ["width 32", "width 32", "width 64"]
    assert table.n.tolist() == [2, 2, 1]
    told = printed(table)
    assert "92.00 ± 2.83" in told and "width 64" in told and "not reached" in told
    assert "setting" not in printed(summarise(collect(folders)))  # where there is nothing to say


def test_effects_are_named_and_threads_are_not(tmp_path):
    settings = DigitsSettings()
    less = replace(settings, effects=("calcium", "feedback"), threads=2)
    runs = [finished_run(tmp_path / "all", settings, 0.9), finished_run(tmp_path / "less", less, 0.9)]
    assert collect(runs).setting.tolist() == ["effects calcium position feedback", "effects calcium feedback"]
    other = finished_run(tmp_path / "threads", replace(settings, threads=2, seed=1), 0.9)
    assert summarise(collect([runs[0], other])).n.tolist() == [2]


def test_another_calcium_response_is_another_setting(tmp_path):
    settings = DigitsSettings()
    hill = CalciumResponse("hill", 0.47, 0.66, 1.0, 0.25, source="measured")
    runs = [finished_run(tmp_path / "a", settings, 0.9, CalciumResponse(source="published"))]
    runs += [finished_run(tmp_path / f"b{seed}", replace(settings, seed=seed), 0.9, hill) for seed in (0, 1)]
    runs += [finished_run(tmp_path / "c", replace(settings, attention="linear"), 0.9)]
    table = summarise(collect(runs))
    assert table.setting.tolist() == ["response power_law (published)", "response hill (measured)", ""]
    assert table.n.tolist() == [1, 2, 1]


def test_epochs_to_85_percent_are_averaged_over_the_runs_that_got_there(folders, tmp_path):
    late = finished_run(tmp_path / "late", replace(folders[0].settings, seed=7), 0.5)
    table = summarise(collect([*folders, late])).set_index("attention")
    assert table.epochs_to_85_percent["softmax"] == 1 and table.reached["softmax"] == 2
    assert "1.0 (2 of 3 runs)" in printed(table.reset_index())


def test_a_run_that_is_named_twice_or_of_other_data_is_refused(folders, tmp_path):
    again = finished_run(tmp_path / "again", folders[0].settings, 0.9)
    with pytest.raises(ValueError, match="again repeats .*softmax-0, seed and all"):
        collect([*folders, again])
    with pytest.raises(ValueError, match="repeats"):
        collect([folders[0], RunFolder.open(folders[0].path)])
    other = finished_run(tmp_path / "other", Cifar10Settings(), 0.9, data_set="cifar10")
    with pytest.raises(ValueError, match="compare runs of one data set"):
        collect([*folders, other])


def test_the_figure_shows_every_run(folders):
    axes = draw(collect(folders)).axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert sum(len(line.get_xdata()) for line in dots) == len(folders)


def test_the_command_prints_a_table_and_writes_all_runs(folders, tmp_path, capsys):
    out = tmp_path / "table.csv"
    assert main(["compare", *(str(folder.path) for folder in folders), "--out", str(out)]) == 0
    assert "digits softmax 2 92.00 ± 2.83 1.0 2.0 2 7" in " ".join(capsys.readouterr().out.split())
    assert len(pd.read_csv(out)) == 4 and out.with_suffix(".png").stat().st_size > 1000


def test_language_models_are_compared_by_perplexity(tmp_path):
    folders = []
    for seed, perplexity in enumerate((150.0, 154.0)):
        folder = finished_run(tmp_path / str(seed), Wikitext2Settings(seed=seed), 0.2, data_set="wikitext2")
        folder.write_json("summary.json", folder.summary() | {"perplexity_per_word": perplexity})
        folders.append(folder)
    runs = collect(folders)
    words = printed(summarise(runs))
    assert "test perplexity per word" in words and "152.00 ± 2.83" in words and "accuracy" not in words
    assert sorted(draw(runs).axes[0].lines[0].get_ydata()) == [150.0, 154.0]


def test_spiking_runs_are_told_apart_by_their_delays(tmp_path):
    """They have no attention: the column says what the variant is, and no setting repeats it."""
    runs = [
        finished_run(tmp_path / f"{delays}-{seed}", ShdSettings(delays=delays, seed=seed), 0.9, data_set="shd")
        for delays in ("learned", "none")
        for seed in (0, 1)
    ]
    table = summarise(collect(runs))
    assert table.attention.tolist() == ["learned-delays", "none-delays"] and table.n.tolist() == [2, 2]
    assert table.setting.tolist() == ["", ""]
    figure = draw(collect(runs))
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["learned-delays", "none-delays"]
    plt.close(figure)
