"""Tables drawn again from their files."""

from pathlib import Path

import pandas as pd
import pytest

from studies.command_line import main
from studies.report import tables

RESULTS = Path(tables.__file__).parents[1] / "results"


def test_a_table_of_compared_runs_keeps_every_run_in_its_figure(tmp_path):
    runs = pd.DataFrame(
        {"data_set": "imdb", "attention": ["linear", "linear", "softmax"], "setting": "", "seed": [0, 1, 0]}
    )
    columns = {"test_accuracy": [0.81, 0.83, 0.9], "epochs_to_85_percent": [2, None, 1], "seconds_per_epoch": 1.0}
    file = tmp_path / "runs.csv"
    runs.assign(**columns, seconds=5.0, parameters=10).to_csv(file, index=False)
    axes = tables.draw(file).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["linear", "softmax"]
    drawn = [sorted(line.get_ydata()) for line in axes.lines if line.get_alpha() == 0.5]
    assert drawn == [[pytest.approx(81), pytest.approx(83)], [pytest.approx(90)]]


@pytest.mark.parametrize(
    "name", ["attention", "bench-delays", "cifar10", "imdb-30-minutes"]
)  # cifar10: without settings
def test_a_committed_table_is_drawn_by_the_command(name, tmp_path):
    """Also one (cifar10) that was written before tables named the settings in which runs differ."""
    assert main(["plot", str(RESULTS / f"{name}.csv"), "--out", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a,b\n1,2\n", "has the columns a, b, which no command draws"), (b"", "cannot be read as a table"),
     (b"[" * 100_000, f"has the columns {'[' * 40}..., which no command draws"),
     (b"\0\0", "has the columns ??, which no command draws"),
     (b"\xff\xfe\x00", "cannot be read as a table"),
     (b"method,processes,comparisons,per_second\n", "has no rows")],
)  # fmt: skip
def test_other_tables_are_refused_in_one_sentence(tmp_path, capsys, content, said):
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    assert main(["plot", str(file), "--out", str(tmp_path / "figure.png")]) == 2
    words = capsys.readouterr().err
    assert said in words and words.count("\n") == 1 and not (tmp_path / "figure.png").exists()
