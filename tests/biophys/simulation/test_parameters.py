"""Sections of parameters: their meanings, and changes by path."""

import numpy as np
import pytest
from brian2 import umolar

from biophys.astrocyte import AstrocyteParameters
from biophys.ready_networks import NETWORKS, ready
from biophys.simulation.parameters import assigned, parameter, read_axes, read_values, section, table

SECTIONS = {"astrocyte": section(AstrocyteParameters())}


def test_a_section_takes_values_and_meanings_from_the_mechanism():
    assert SECTIONS["astrocyte"]["K_P"].value == 0.1 * umolar
    assert SECTIONS["astrocyte"]["K_P"].meaning == "pump affinity"
    assert list(section(AstrocyteParameters(), "C_T", "O_P")) == ["C_T", "O_P"]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_of_every_network_says_what_it_means(name):
    network = ready(name)
    assert network.name == name
    for known, fields in network.sections.items():
        for field, given in fields.items():
            assert given.meaning, f"{known}.{field} has no comment behind it"
    assert set(network.shown) <= set(network.records)


def test_changes_by_path():
    texts = assigned(["astrocyte.K_P=0.05*umolar", " astrocyte.rho_A = 0.2"])
    assert read_values(SECTIONS, texts) == {"astrocyte.K_P": 0.05 * umolar, "astrocyte.rho_A": 0.2}
    assert read_values(SECTIONS, {"astrocyte.K_P": 50 * umolar}) == {"astrocyte.K_P": 50 * umolar}
    assert read_axes(SECTIONS, {"astrocyte.rho_A": "0.1:0.3:3"}) == {"astrocyte.rho_A": [0.1, 0.2, 0.3]}
    (values,) = read_axes(SECTIONS, {"astrocyte.K_P": np.array([5, 7]) * umolar}).values()
    assert values == [5 * umolar, 7 * umolar]
    assert "astrocyte.K_P          0.1 umolar             pump affinity" in table(SECTIONS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("astrocyte.KP=1*umolar", "there is no parameter 'astrocyte.KP'; did you mean astrocyte.K_P?"),
        ("astrocyte=1", "there is no parameter 'astrocyte'; use one of astrocyte.C_T, astrocyte.rho_A"),
        ("astrocyte.banana=1", "there is no parameter 'astrocyte.banana'; use one of astrocyte.C_T"),
        ("astrocyte.K_P", "sets nothing; write section.parameter=value*unit"),
        ("astrocyte.K_P=", "sets nothing"),
        ("=3", "sets nothing"),
    ],
)
def test_bad_paths_are_refused_in_one_sentence(text, told):
    with pytest.raises(ValueError) as refused:
        read_values(SECTIONS, assigned([text]))
    assert told in str(refused.value)


def test_a_parameter_is_set_once():
    with pytest.raises(ValueError, match="astrocyte.K_P is given twice; give it once"):
        assigned(["astrocyte.K_P=1*umolar", "astrocyte.K_P=2*umolar"])
    with pytest.raises(ValueError, match="no parameter"):
        parameter(SECTIONS, "K_P")
