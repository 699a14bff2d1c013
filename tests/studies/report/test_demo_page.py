"""The demo walks the whole road in miniature, ends in a page, and owns its folder."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import mapping
from astromorph.runs.run_folder import RunFolder
from studies import demo
from studies.report import compared_runs


def test_curves_are_the_mean_over_seeds_within_the_extremes():
    seeds = [
        pd.DataFrame({"epoch": [1, 2], "validation_accuracy": values, "training_loss": [2.0, 1.0]})
        for values in ([0.2, 0.8], [0.4, 1.0])
    ]
    figure = compared_runs.draw({"linear": seeds})
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [1, 2]
    assert line.get_ydata().tolist() == pytest.approx([0.3, 0.9])
    band = figure.axes[0].collections[0].get_paths()[0].get_extents()
    assert (band.y0, band.y1) == pytest.approx((0.2, 1.0))
    plt.close(figure)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """A demo as short as it can be, and what it printed, in a process of its own (as a user runs it)."""
    out = tmp_path_factory.mktemp("demo") / "here"
    program = (
        "from pathlib import Path; from studies.demo import demo; "
        f"print(demo(Path({str(out)!r}), {{'commit': 'abc'}}, seconds=50.0, epochs=2, seeds=2))"
    )
    root = Path(demo.__file__).parents[1]
    finished = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stderr
    return out, finished.stdout


def test_demo_leaves_what_each_step_makes(walked):
    out, _ = walked
    for name in ("calcium_response.nc", "union_property.nc", "nmda_threshold.nc"):
        assert xr.load_dataset(out / name, engine="h5netcdf").attrs["provenance_commit"] == "abc"
    section = mapping.read(out / "coefficients.yaml").calcium_response
    runs = [RunFolder.open(path) for path in sorted((out / "runs").iterdir())]
    assert len(runs) == 6 and all(len(run.metrics()) == 2 for run in runs)
    fitted = {run.path.name: run.response for run in runs if run.response is not None}
    assert sorted(fitted) == ["astromorphic-seed0", "astromorphic-seed1"]
    assert section.response is not None and section.provenance["commit"] == "abc"
    assert all(response.exponent == section.response.exponent for response in fitted.values())
    assert not [path for path in out.rglob("*.part")]


def test_demo_prints_its_results_and_the_page(walked):
    out, printed = walked
    lines = printed.splitlines()
    steps, summary = lines[:4], lines[4:]
    assert [step[:5] for step in steps] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    names = [line.partition(":")[0] for line in summary[:-1]]
    assert names == ["calcium response", "fit", "digits", "dendrite"]
    accuracies = [
        [RunFolder.open(out / "runs" / f"{attention}-seed{seed}").summary()["test_accuracy"] for seed in (0, 1)]
        for attention in demo.ATTENTIONS
    ]
    shown = [float(value) for value in re.findall(r"([\d.]+) ±", summary[2])]
    assert shown == pytest.approx([50 * sum(pair) for pair in accuracies], abs=0.051)
    assert summary[-1] == str(out / "index.html")


def test_demo_page_tells_the_story(walked):
    out, _ = walked
    source = (out / "index.html").read_text(encoding="utf-8")
    assert source.count("<figure>") == 5
    commands = [html.unescape(word) for word in re.findall(r"<code>(astromorph .*?)</code>", source)]
    files = ["calcium_response.nc", "calcium_response.nc", "runs/astromorphic-seed0"]
    files += ["union_property.nc", "nmda_threshold.nc"]
    assert [command.split()[2] for command in commands] == [str(out / file) for file in files]
    assert len(re.findall(r">abc<", source)) == 1


def test_demo_page_links_what_lies_beside_it(walked):
    out, _ = walked
    source = (out / "index.html").read_text(encoding="utf-8")
    addresses = [address for address in re.findall(r'href="([^"]*)"', source) if not address.startswith("#")]
    assert len(addresses) >= 5 and all((out / address).exists() for address in addresses)


def test_a_demo_folder_is_taken_over_and_no_other(tmp_path):
    demo.claim(tmp_path / "new" / "deep")
    demo.claim(tmp_path / "new" / "deep")
    (tmp_path / "new" / "deep" / "index.html").write_text("an earlier page")
    demo.claim(tmp_path / "new" / "deep")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError, match="file is a file; name a folder for the demo with --out"):
        demo.claim(tmp_path / "file")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FileExistsError, match="holds files that are no demo; name a new or empty folder"):
        demo.claim(tmp_path)
    assert sorted(tmp_path.iterdir()) == before
