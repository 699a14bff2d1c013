"""The house has four floors and one direction; this keeps it so.

Imports are read from the source (anywhere in a file, also inside functions, and `import_module("...")`), and
the packages are imported for once to see what that brings along, which catches detours.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "biophys": {"torch", "astromorph", "mapping", "studies"},
    "astromorph": {"brian2", "biophys", "mapping", "studies"},
    "mapping": {"studies"},
    "studies": set(),
}
FORBIDDEN_ON_IMPORT = {  # inside a function they may be imported; these run torch's layers in Brian2
    "mapping": {"torch", "brian2"},
}
EXEMPT = {f"mapping/{name}.py" for name in ("brian2_models", "circuit", "delay_kernel", "trained")}


def imported(source: str, *, everywhere: bool = True) -> set[str]:
    """Top-level names of the packages a source imports; only outside functions if not `everywhere`."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.Import():
                found |= {alias.name.split(".")[0] for alias in node.names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module.split(".")[0])
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                found.add(module.split(".")[0])
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() if not everywhere:
                continue
        waiting.extend(ast.iter_child_nodes(node))
    return found


def violations(place: str, source: str) -> set[str]:
    """What a file at `place` (relative to the root) imports and must not."""
    package = place.split("/")[0]
    wrong = imported(source) & FORBIDDEN[package]
    if place not in EXEMPT:
        wrong |= imported(source, everywhere=False) & FORBIDDEN_ON_IMPORT.get(package, set())
    return wrong


@pytest.mark.parametrize("package", FORBIDDEN)
def test_floors_import_only_downwards(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    found = {
        place: wrong
        for place, source in ((str(file.relative_to(ROOT).as_posix()), file.read_text()) for file in files)
        if (wrong := violations(place, source))
    }
    assert not found


@pytest.mark.parametrize(
    ("place", "source", "wrong"),
    [
        ("biophys/astrocyte.py", "import torch.nn as nn", {"torch"}),
        ("biophys/astrocyte.py", "def f():\n    from astromorph.settings import X", {"astromorph"}),
        ("biophys/deep/er.py", "if True:\n    import mapping, studies.report.page", {"mapping", "studies"}),
        ("astromorph/training/loop.py", "from brian2 import second\nimport biophys", {"brian2", "biophys"}),
        ("astromorph/training/loop.py", "import importlib\nimportlib.import_module('mapping.x')", {"mapping"}),
        ("mapping/coefficients.py", "try:\n    import brian2\nexcept ImportError:\n    pass", {"brian2"}),
        ("mapping/coefficients.py", "class A:\n    import torch", {"torch"}),
        ("mapping/circuit.py", "from studies import demo", {"studies"}),
    ],
)
def test_a_broken_rule_is_found(place, source, wrong):
    assert violations(place, source) == wrong


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("mapping/circuit.py", "import torch\nimport brian2"),
        ("mapping/coefficients.py", "def f():\n    import torch"),
        ("mapping/coefficients.py", "from astromorph.settings import CalciumResponse"),
        ("biophys/astrocyte.py", "from . import torch\nfrom .mapping import x\n'import torch'"),
        ("studies/demo.py", "import torch, brian2, biophys, mapping, astromorph, studies"),
    ],
)
def test_a_kept_rule_passes(place, source):
    assert not violations(place, source)


@pytest.mark.parametrize(
    ("package", "unwanted"),
    [("biophys", {"torch"}), ("astromorph", {"brian2"}), ("mapping", {"torch", "brian2"})],
)
def test_packages_do_not_load_the_libraries_of_other_floors(package, unwanted):
    files = [file.relative_to(ROOT) for file in sorted((ROOT / package).rglob("*.py"))]
    names = [
        ".".join(file.with_suffix("").parts).removesuffix(".__init__")
        for file in files
        if file.as_posix() not in EXEMPT
    ]
    program = f"import sys, {', '.join(names)}\nsys.exit(str({unwanted} & set(sys.modules) or ''))"
    finished = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert finished.stderr.strip() == ""
