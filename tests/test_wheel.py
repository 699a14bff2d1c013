"""A wheel, built and installed elsewhere, works from any folder: commands, recipes, shipped models and results."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("astromorph", "biophys", "mapping", "studies")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    pytest.importorskip("hatchling", reason="building a wheel needs hatchling: pip install hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    script = (
        f"import os; os.chdir({str(ROOT)!r}); from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def place(wheel, tmp_path_factory) -> Path:
    """A new environment with the wheel, and with the libraries of this one, but not its astromorph."""
    place = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    install = [sys.executable, "-m", "pip", "--python", str(place / "bin/python"), "install", "-q", "--no-deps"]
    subprocess.run([*install, "--no-index", str(wheel)], check=True)
    (packages,) = (place / "lib").glob("python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return place


def test_the_wheel_holds_every_file_of_the_packages(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    own = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert not own - held
    assert not {name.partition("/")[0] for name in held} - {*PACKAGES, wheel.name.rpartition("-py3")[0] + ".dist-info"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--help"], "From simulated neuron-astrocyte synapses to trained transformers"),
        (["check"], "all floors stand"),
        (["train", "digits", "--epochs", "1", "--out", "run"], "wrote run"),
        (["evaluate", "digits"], "test accuracy 0.96"),
        (["evaluate", "imdb", "--text", "What a film!"], "weight that attention gives each word"),
        (["train", "imdb", "--config", "30-minutes", "--print_config"], "ngrams"),
        (["train", "digits", "--astrocyte", "RESULTS/astrocyte.yaml", "--print_config"], "calcium response"),
        (["simulate", "--list"], "tripartite"),
        (["report", "RESULTS/release-rate.nc", "digits", "--out", "page.html"], "wrote page.html"),
    ],
    ids=lambda words: " ".join(words[:2]) if isinstance(words, list) else "",
)
def test_it_works_from_any_folder(place, words, told, tmp_path):
    (packages,) = (place / "lib").glob("python*/site-packages")
    words = [word.replace("RESULTS", str(packages / "studies/results")) for word in words]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [place / "bin/astromorph", *words], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert told in done.stdout
    found = subprocess.run(
        [place / "bin/python", "-c", "import astromorph; print(astromorph.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert found.stdout.startswith(str(packages))
