"""What `import biophys` offers: found by tab, and loaded only when it is used."""

import inspect
import subprocess
import sys

import pytest

import biophys

NAMES = ("load", "networks", "patterns", "ready", "save", "simulate", "sweep")


def loaded(program: str, *modules: str) -> set[str]:
    """Which of `modules` a fresh interpreter has loaded after `program`."""
    program = f"{program}\nimport sys\nprint(*({set(modules)} & set(sys.modules)))"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.mark.parametrize("program", ["import biophys", "import biophys; dir(biophys)"])
def test_importing_loads_nothing(program):
    assert loaded(program, "numpy", "scipy", "brian2", "xarray") == set()


@pytest.mark.parametrize(
    "program",
    [
        "import biophys.patterns",
        "import biophys; biophys.patterns.false_match(1000, 20, 10, 5)",
        "import biophys.patterns.sampling",
        "import biophys; biophys.networks()",
        "import biophys.simulation.lists",
    ],
)
def test_patterns_and_the_list_of_networks_need_no_brian2(program):
    assert loaded(program, "brian2", "xarray", "torch") == set()


def test_all_names_are_there_and_say_what_they_do():
    assert sorted(biophys.__all__) == dir(biophys) == list(NAMES)
    for name in NAMES:
        assert len(inspect.getdoc(getattr(biophys, name))) > 20
    with pytest.raises(AttributeError, match="module 'biophys' has no attribute 'simulat'"):
        biophys.simulat  # noqa: B018 - that is what is tested


def test_networks_stay_callable_when_one_of_them_is_imported():
    from biophys.ready_networks import tripartite

    assert biophys.networks()["tripartite"] == tripartite.NETWORK.meaning
    biophys.networks().clear()
    assert len(biophys.networks()) == 17


def test_a_network_is_printed_with_what_can_be_set_and_recorded():
    text = str(biophys.ready("li-rinzel"))
    assert "li-rinzel: calcium of one astrocyte at a fixed IP3 concentration." in text
    assert "  astrocyte.C_T      2 umolar " in text and "total cell calcium per cytosol volume" in text
    assert "  calcium                   umolar    free calcium in the astrocyte *" in text
