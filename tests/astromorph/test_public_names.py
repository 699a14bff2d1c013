"""What a person finds by tab: every public name, without loading torch until one is used."""

import subprocess
import sys

import pytest

import astromorph


def test_the_names_are_listed_and_each_is_there():
    names = [name for name in dir(astromorph) if not name.startswith("_")]
    assert sorted(names) == sorted(astromorph.__all__)
    for name in names:
        assert getattr(astromorph, name).__doc__, name
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        astromorph.nothing  # noqa: B018


def test_rooms_and_settings_load_without_torch():
    program = "import sys, astromorph; astromorph.settings, astromorph.neurons.names(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.parametrize("package", ["astromorph", "biophys", "mapping"])
def test_a_package_alone_imports_next_to_nothing(package):
    program = f"import sys; before = set(sys.modules); import {package}; print(len(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert int(done.stdout) <= 3, "what it imports must wait until a name is used"
