"""Quantities as text: read without running code, checked for units, written back."""

import numpy as np
import pytest
from brian2 import Hz, Quantity, ms, mV, nS, second, umolar
from hypothesis import given
from hypothesis import strategies as some

from biophys.astrocyte import AstrocyteParameters
from biophys.simulation.quantities import magnitudes, read_quantities, read_quantity, unit_text, written


@given(some.floats(-1e6, 1e6, allow_subnormal=False))
def test_what_is_written_is_read_back(number):
    for unit in (umolar, umolar / second, 1 / second, mV, nS, 1 / umolar / second):
        value = number * unit
        text = written(value).replace(" 1/", "/").replace(" ", "*")
        assert float(read_quantity(text, 1 * unit, "s.x")) == pytest.approx(float(value), rel=1e-11, abs=1e-300)


@pytest.mark.parametrize("value", AstrocyteParameters(), ids=AstrocyteParameters._fields)
def test_every_parameter_of_the_astrocyte_is_written_in_plain_units(value):
    assert not isinstance(value, Quantity) or unit_text(value) in written(value)
    assert "katal" not in written(value)


def test_lists():
    assert [float(rate) for rate in read_quantities("1,2,5,10*Hz", 1 * Hz, "s.rate")] == [1, 2, 5, 10]
    assert read_quantities("0.1:0.9:9", 0.6, "s.U_0") == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    ratios = np.array([float(rate) for rate in read_quantities("0.1:100:4:log*Hz", 1 * Hz, "s.rate")])
    np.testing.assert_allclose(ratios, [0.1, 1, 10, 100], rtol=1e-12)
    assert read_quantities("4,8", 10, "s.cells") == [4, 8]
    assert magnitudes(3 * ms, 5 * ms) == 3


@pytest.mark.parametrize(
    ("text", "like", "told"),
    [
        ("3", 1 * Hz, "s.x=3 has no unit; write it in 1/second, such as s.x=1/second"),
        ("3*mV", 1 * Hz, "s.x=3*mV has the wrong unit; write it in 1/second, such as s.x=1/second"),
        ("3*mV", 0.9 * umolar, "s.x=3*mV has the wrong unit; write it in umolar, such as s.x=0.9*umolar"),
        ("3*Hz", 1.0, "s.x=3*Hz has a unit, but s.x is a pure number; leave the unit out"),
        ("3*foo", 1.0, "s.x=3*foo: there is no unit 'foo'; use units of Brian2 such as Hz or umolar"),
        ("2.5", 3, "s.x=2.5 is not a whole number; use one such as 3"),
        ("1e400", 1.0, "s.x=1e400 is not finite; use a number"),
        ("__import__('os')", 1.0, "is no quantity"),
        ("open", 1.0, "there is no unit 'open'"),
        ("1/0", 1.0, "is no quantity"),
        ("9**9**9**9", 1.0, "is no quantity"),
        ("True", 1.0, "is no quantity"),
        ("()", 1.0, "is no quantity"),
    ],
)
def test_bad_quantities_are_refused_in_one_sentence(text, like, told):
    with pytest.raises(ValueError, match="s.x=") as refused:
        read_quantity(text, like, "s.x")
    assert told in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "1:2:0", "2:1", "0:1:3:log", "1,,2", "1;2", "1,1", "1:2:3:4", "a:b:3"])
def test_bad_lists_are_refused_in_one_sentence(text):
    with pytest.raises(ValueError, match="s.x"):
        read_quantities(text, 1.0, "s.x")
