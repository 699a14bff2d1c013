"""What `import mapping` offers: eight names, each loaded when it is used."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import mapping

NAMES = ["Coefficients", "as_settings", "fit", "from_nir", "read", "to_brian2", "to_nir", "write"]


def test_the_names_are_found_by_tab():
    assert dir(mapping) == NAMES == sorted(mapping.__all__)
    loaded = [name for name in NAMES if name != "to_brian2" or find_spec("torch")]
    assert all(callable(getattr(mapping, name)) and getattr(mapping, name).__doc__ for name in loaded)
    assert [getattr(mapping, name).__name__ for name in loaded] == loaded


def test_other_names_are_refused():
    with pytest.raises(AttributeError, match="module 'mapping' has no attribute 'fitt'"):
        mapping.fitt  # noqa: B018


def test_nothing_heavy_is_loaded_before_it_is_used():
    """xarray comes with the first fit, Brian2 and torch only with what runs in them."""
    program = (
        "import sys, mapping\n"
        "heavy = lambda: sorted({'numpy', 'scipy', 'xarray', 'torch', 'brian2'} & set(sys.modules))\n"
        "print(heavy()); mapping.fit; mapping.read; mapping.to_nir; print(heavy())"
    )
    root = Path(mapping.__file__).parents[1]
    finished = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines() == ["[]", "['numpy', 'scipy', 'xarray']"]
