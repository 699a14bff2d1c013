"""The sheet of a run: which epoch its learning curves mark, what it is called, what lies under them."""

import pandas as pd
import pytest
from matplotlib import pyplot as plt

from astromorph.runs.run_folder import METRICS, RunFolder
from astromorph.settings import DigitsSettings, ShdSettings, Wikitext2Settings
from studies.report import run_sheet
from studies.report.run_sheet import best_epoch


def test_classifiers_are_chosen_by_accuracy_and_language_models_by_loss():
    table = pd.DataFrame(
        {"epoch": [1, 2, 3], "validation_accuracy": [0.5, 0.7, 0.6], "validation_loss": [3.0, 2.0, 1.0]}
    )
    assert best_epoch(table, DigitsSettings()) == 2
    assert best_epoch(table, Wikitext2Settings()) == 3


@pytest.mark.parametrize(
    ("data_set", "settings", "title"),
    [
        ("shd", ShdSettings(), "shd, learned delays, seed 0"),
        ("shd", ShdSettings(delays="none", seed=2), "shd, no delays, seed 2"),
        ("digits", DigitsSettings(attention="linear", seed=1), "digits, linear attention, seed 1"),
        ("digits", DigitsSettings(attention="none"), "digits, no attention, seed 0"),
    ],
)
def test_the_sheet_is_titled_by_what_was_trained(data_set, settings, title, tmp_path):
    run = RunFolder.create(tmp_path / "run", data_set, settings, None)
    run.write_metrics([dict.fromkeys(METRICS, 0.5) | {"epoch": epoch} for epoch in (1, 2)])
    figure = run_sheet.draw(run)
    assert figure.get_suptitle() == title and len(figure.axes) == 2
    plt.close(figure)
    figure = run_sheet.draw(run, {"confusion": [[3, 1], [0, 4]], "class_names": ["yes", "no"]})
    assert len(figure.axes) == 3 and figure.get_suptitle() == title
    plt.close(figure)
