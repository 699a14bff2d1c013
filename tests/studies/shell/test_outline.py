"""The outline of a module says what the module says, and runs no more of it than a signature needs."""

import inspect

import pytest

from studies.catalogue import BENCHES, MODULES, bench_module, study_module
from studies.shell.outline import outline

VERBS_OWN = ("traces", "sweep")  # simulated by the verbs themselves
PLACES = [(study_module, "studies.", name, "simulate") for name in MODULES if name not in VERBS_OWN]
PLACES += [(bench_module, "studies.benches.", name, "bench") for name in BENCHES]


@pytest.mark.parametrize(("module", "room", "name", "function"), PLACES, ids=[place[2] for place in PLACES])
def test_it_has_signature_and_docstrings_of_the_module(module, room, name, function):
    whole = module(name)
    described = outline(whole.__name__, function)
    assert whole.__name__.startswith(room)
    assert described.__doc__ == inspect.cleandoc(whole.__doc__)
    stated, real = getattr(described, function), getattr(whole, function)
    assert stated.__doc__ == real.__doc__
    assert inspect.signature(stated).parameters == inspect.signature(real).parameters


def test_only_what_the_signature_names_is_run(tmp_path, monkeypatch):
    (tmp_path / "half_written.py").write_text(
        '"""Opening.\n\nMore.\n"""\n'
        "import no_such_module\n"
        "from collections.abc import Sequence\n"
        "from pathlib import Path as Place\n"
        "raise RuntimeError\n"
        "ONE = 1\n"
        "MANY = (ONE, 2)\n"
        "def simulate(counts: Sequence[int] = MANY, *, run: Place | None = None) -> no_such_module.Dataset:\n"
        '    """Docstring."""\n'
        "    return no_such_module.run(counts)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    described = outline("half_written", "simulate")
    assert described.__doc__ == "Opening.\n\nMore." and described.simulate.__doc__ == "Docstring."
    signature = inspect.signature(described.simulate)
    assert (
        str(signature).replace("pathlib._local.", "pathlib.")
        == "(counts: collections.abc.Sequence[int] = (1, 2), *, run: pathlib.Path | None = None)"
    )
    assert not hasattr(described, "no_such_module")
