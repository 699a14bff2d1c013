"""The documentation: every part of "Add your own" works as printed, code in the guides runs, no public name is missing.

`make docs` builds the pages, with warnings as errors; here is tested what a build would not see.
"""

import importlib.util
import re
import subprocess
import sys
import zlib
from dataclasses import make_dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

import astromorph
import biophys
import biophys.patterns
import mapping
from astromorph import early_exit, learning_rules, neurons, quantisation, settings
from astromorph.attention import reference_relative
from biophys import ready_networks
from biophys.patterns import false_match_probability
from biophys.simulation.recording import load
from mapping import coefficients, fits
from mapping.section import Section
from studies import catalogue
from studies.command_line import main
from tests.astromorph import test_rooms

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ADDED = sorted((DOCS / "add_your_own").glob("*.py"))
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts and "generated" not in page.parts)


def loaded(file: Path, name: str, modules: dict[str, ModuleType] | None = None) -> ModuleType:
    """The file as a module of this name, entered among `modules` if they are given."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if modules is not None:
        modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def add(monkeypatch):
    """Puts a file of "Add your own" in its place: a module of a room, and its line in the room's table."""

    def put(file: str, name: str, table: dict | None = None, key: str = "", value: object = None) -> ModuleType:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))  # so that it is gone again after the test
        module = loaded(DOCS / "add_your_own" / file, name, sys.modules)
        if table is not None:
            monkeypatch.setitem(table, key, value)
        return module

    return put


@pytest.mark.parametrize("file", ADDED, ids=lambda file: file.stem)
def test_what_is_added_has_at_most_twenty_lines_and_stands_on_a_page(file):
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert 5 <= len(lines) <= 20
    assert any(f"{{literalinclude}} {file.name}\n" in page.read_text(encoding="utf-8") for page in PAGES)


def test_a_network_of_ones_own(add, tmp_path):
    add("network.py", "biophys.ready_networks.pump", ready_networks.NETWORKS, "pump", "a pump")
    out = tmp_path / "pump.nc"
    given = ["--set", "cell.J=0.2*umolar/second", "--set", "cell.tau=4*second"]
    assert main(["simulate", "pump", *given, "--target", "numpy", "--out", str(out)]) == 0
    calcium = load(out).calcium.squeeze("cell")
    assert calcium.units == "umolar"
    np.testing.assert_allclose(calcium, 0.2 * 4 * (1 - np.exp(-calcium.time / 4)), atol=1e-9)


@pytest.mark.parametrize("causal", [False, True], ids=["all", "causal"])
def test_an_attention_term_of_ones_own(causal):
    position = loaded(DOCS / "add_your_own" / "attention_term.py", "doubling").DoublingDistance(3).double()
    draw = torch.Generator().manual_seed(0)
    query, key, value = torch.randn(3, 1, 3, 9, 4, generator=draw, dtype=torch.float64).unbind()
    ours = astromorph.astromorphic_attention(query, key, value, is_causal=causal, position=position)
    for head, length in enumerate((2.0, 4.0, 8.0)):
        inputs, drive = (x[0, head] for x in (query, key, value)), torch.tensor((length, 1.0)).double()
        slow = reference_relative.attend(*inputs, [True] * 9, lambda x: x, causal=causal, drive=tuple(drive))
        torch.testing.assert_close(ours[0, head], slow, rtol=1e-10, atol=1e-12)
    layer = astromorph.AstromorphicAttention(12, 3, position=position.float(), causal=causal)
    layer(torch.randn(2, 9, 12)).sum().backward()
    assert position.log_strength.grad.abs().min() > 0


def test_a_fit_of_ones_own(add, monkeypatch, tmp_path):
    add("network.py", "biophys.ready_networks.pump", ready_networks.NETWORKS, "pump", "a pump")
    module = add("fit.py", "mapping.pump")
    monkeypatch.setitem(fits.KINDS, "pump", fits.Kind("simulate pump", (("calcium", "cell"),), module.fit_pump))
    field = ("pump", Section[module.PumpFit] | None, None)
    extended = make_dataclass("Coefficients", [field], bases=(coefficients.Coefficients,), frozen=True)
    for place in (fits, coefficients):
        monkeypatch.setattr(place, "Coefficients", extended)
    monkeypatch.setattr(coefficients, "SECTIONS", (*coefficients.SECTIONS, "pump"))
    fitted = mapping.fit(biophys.simulate("pump", {"cell.tau": "4*second"}, target="numpy"))
    assert fitted.pump.result() == pytest.approx(4, rel=1e-6)
    mapping.write(fitted, tmp_path / "pump.yaml")
    assert mapping.read(tmp_path / "pump.yaml") == fitted
    unsettled = mapping.fit(biophys.simulate("pump", {"cell.tau": "90*second"}, target="numpy"))
    with pytest.raises(ValueError, match="failed .* simulate longer"):
        unsettled.pump.result()


def test_a_neuron_of_ones_own(add):
    name = "adaptive-threshold"
    add("neuron.py", "astromorph.neurons.adaptive_threshold", neurons.NEURONS, name, "a threshold that rises by spikes")
    test_rooms.test_a_neuron_over_a_sequence_is_its_steps(name)
    test_rooms.test_a_neuron_is_compiled_as_it_is_stepped_in_single_precision(name)


def test_a_learning_rule_of_ones_own(add, monkeypatch, tmp_path):
    name = "sign-gradient"
    add("learning_rule.py", "astromorph.learning_rules.sign_gradient", learning_rules.LEARNING_RULES, name, "signs")
    monkeypatch.setitem(test_rooms.LARGEST_ANGLE, name, 60.0)
    test_rooms.test_a_rule_fills_gradients_at_the_angle_it_promises_and_returns_the_loss(name)
    test_rooms.test_a_rule_says_what_a_model_lacks(name)
    out = tmp_path / "digits"
    assert main(["train", "digits", "--rule", name, "--epochs", "1", "--out", str(out)]) == 0
    assert (out / "summary.json").is_file()


def test_a_quantiser_of_ones_own(add):
    add("quantiser.py", "astromorph.quantisation.four_bit", quantisation.QUANTISERS, "four-bit", "fifteen values")
    test_rooms.test_a_quantiser_keeps_shape_and_type_has_few_values_and_passes_gradients_straight("four-bit")


def test_an_early_exit_of_ones_own(add):
    add("early_exit.py", "astromorph.early_exit.margin", early_exit.CRITERIA, "margin", "the lead of a class is large")
    test_rooms.test_a_higher_threshold_never_exits_earlier_and_the_ends_are_the_first_and_last_exit("margin")


def test_a_task_of_ones_own(add, tmp_path):
    module = add("task_settings.py", "astromorph.settings.sums")
    add("task.py", "astromorph.tasks.sums", settings.SETTINGS, "sums", module.SumsSettings)
    out = tmp_path / "sums"
    assert main(["train", "sums", "--epochs", "4", "--learning_rate", "0.02", "--out", str(out)]) == 0
    assert main(["evaluate", str(out)]) == 0
    rows = (out / "metrics.csv").read_text(encoding="utf-8").splitlines()
    accuracy = float(rows[-1].split(",")[rows[0].split(",").index("validation_accuracy")])
    assert len(rows) == 5 and accuracy > 0.9


def test_a_study_of_ones_own(add, monkeypatch, tmp_path):
    add("study.py", "studies.patterns.crowding", catalogue.MODULES, "crowding", "patterns.crowding")
    monkeypatch.setitem(catalogue.QUESTIONS, "crowding", "false matches of a union")
    out = tmp_path / "crowding.nc"
    assert main(["study", "crowding", "--threshold", "12", "--out", str(out)]) == 0
    dataset = load(out)
    assert dataset.attrs["threshold"] == 12 and "provenance_command" in dataset.attrs
    assert float(dataset.false_match[0]) == pytest.approx(float(false_match_probability(10_000, 200, 25, 12)))
    assert main(["plot", str(out), "--out", str(tmp_path / "again.png")]) == 0


RUN = [page for page in [ROOT / "README.md", *PAGES] if "```python" in page.read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_python_on_a_page_runs_from_top_to_bottom(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").symlink_to(ROOT / "studies")  # which the front page names
    (tmp_path / "response.nc").symlink_to(ROOT / "studies" / "results" / "calcium-response.nc")
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    exec(compile("\n".join(blocks), str(page), "exec"), {})


def test_the_front_page_is_short_and_its_links_lead_somewhere():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", readme)
    assert len(readme.splitlines()) <= 170 and len(links) >= 8
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_files_that_are_named_are_there():
    named = {
        (page.name, place)
        for page in [*PAGES, ROOT / "README.md", ROOT / "studies" / "results" / "README.md"]
        for place in re.findall(
            r"`((?:astromorph|biophys|mapping|studies|tests|docs)/[^`*]+)`", page.read_text("utf-8")
        )
        if page.parent.name != "add_your_own" or place.endswith("__init__.py")
    }
    assert len(named) >= 20
    assert sorted((page, place) for page, place in named if not (ROOT / place).exists()) == []


def test_the_table_of_the_bridge_names_files_of_its_packages():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("| physiology"))
    rows = [re.split(r"(?<!\\)\|", line)[1:4] for line in lines[head + 2 : head + 8]]
    for row in rows:
        for package, cell in zip(("biophys", "mapping", "astromorph"), row, strict=True):
            files = [name for name in re.findall(r"`([\w/]+(?:\.py|/))`", cell)]
            assert [name for name in files if not (ROOT / package / name).exists()] == []
    assert len(rows) == 6


@pytest.mark.parametrize(
    "package", [astromorph, biophys, biophys.patterns, mapping], ids=lambda package: package.__name__
)
def test_every_public_name_is_in_the_reference(package):
    pages = " ".join(page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md"))
    assert [name for name in package.__all__ if not re.search(rf" {package.__name__}(\.\w+)*\.{name}\n", pages)] == []


def test_a_tutorial_becomes_a_script_of_the_gallery():
    converted = loaded(DOCS / "extensions" / "tutorials.py", "tutorials").converted
    source = (
        "# %% [markdown]\n# # A title\n#\n# First words with $x^2$.\n\n# %%\nx = 1\n\n# %% [markdown]\n"
        "# So\n#\n# $$y = x,$$\n#\n# or in a shell:\n#\n#     astromorph check\n"
    )
    docstring, code, text = converted(source).split("\n\n", 2)[0], "x = 1\n", converted(source).split("# %%\n")[1]
    assert docstring.startswith('r"""\nA title\n=======') and "First words with :math:`x^2`." in converted(source)
    assert code in converted(source)
    assert "# .. math::\n#\n#    y = x,\n" in text and "# or in a shell::\n#\n#     astromorph check\n" in text
    compile(converted(source), "tutorial", "exec")
    with pytest.raises(ValueError, match="begins with a cell of Markdown that holds its title"):
        converted("# %%\nx = 1\n")


def test_a_list_of_links_becomes_an_inventory(tmp_path):
    compiled = loaded(DOCS / "extensions" / "link_lists.py", "link_lists").compiled
    (tmp_path / "torch.txt").write_text("https://t.org/\ntorch.Tensor class tensors.html#$\n", encoding="utf-8")
    root, inventory = compiled(tmp_path, tmp_path / "made")["torch"]
    head, body = Path(inventory).read_bytes().split(b"zlib.\n")
    assert root == "https://t.org/" and head.startswith(b"# Sphinx inventory version 2\n# Project: torch\n")
    assert zlib.decompress(body) == b"torch.Tensor py:class 1 tensors.html#$ -\n"
    (tmp_path / "torch.txt").write_text("https://t.org/\ntorch.Tensor\n", encoding="utf-8")
    with pytest.raises(ValueError, match="'torch.Tensor' is no link"):
        compiled(tmp_path, tmp_path / "made")


SMALL = '''"""A module."""

from typing import NamedTuple


class Cell(NamedTuple):
    """A cell."""

    tau: float = 1.0  # time constant in s

    def rate(self) -> float:
        {docstring}
        return 1 / self.tau
'''


@pytest.mark.parametrize(("docstring", "status"), [('"""In Hz."""', 0), ("", 1)], ids=["whole", "missing"])
def test_a_public_name_without_a_docstring_is_an_error_and_fields_say_what_stands_behind_them(
    docstring, status, tmp_path
):
    """A small documentation of its own, with warnings as errors."""
    files = {
        "small.py": SMALL.format(docstring=docstring),
        "index.rst": "Page\n====\n\n.. automodule:: small\n   :members:\n   :undoc-members:\n",
        "conf.py": f"import sys\nsys.path[:0] = [{str(DOCS / 'extensions')!r}, {str(tmp_path)!r}]\n"
        'extensions = ["sphinx.ext.autodoc", "docstrings"]\n',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "text", tmp_path, tmp_path / "out"]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == status
    assert "**tau** -- time constant in s" in (tmp_path / "out" / "index.txt").read_text(encoding="utf-8")
    assert ("small.Cell.rate has no docstring" in done.stderr) == bool(status)


def test_links_of_a_file_that_is_a_page_too_are_followed_from_its_folder():
    follow = loaded(DOCS / "extensions" / "included.py", "included").follow
    content = ["[a](x.png) [b](../claims.md) [c](#below) [d](https://e.org/f)"]
    follow(SimpleNamespace(srcdir=str(DOCS)), Path("../studies/results/README.md"), "results", content)
    assert content == ["[a](../studies/results/x.png) [b](claims.md) [c](#below) [d](https://e.org/f)"]
