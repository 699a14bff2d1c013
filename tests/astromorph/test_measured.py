"""The monotone curve in torch against SciPy: values, derivatives, ends."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from astromorph.astrocyte import CurveResponse, response_module
from astromorph.measured import MonotoneCurve
from astromorph.settings import CalciumResponse

KNOTS = np.array([-2.0, -1.1, -0.3, 0.4, 1.7, 2.0])
VALUES = np.array([0.4, 0.41, 0.7, 0.7, 1.2, 1.25])  # with a flat piece


def curve(knots=KNOTS, values=VALUES):
    return MonotoneCurve(torch.tensor(knots), torch.tensor(values))


def test_values_and_derivatives_are_those_of_scipy():
    at = torch.linspace(-2, 2, 401, dtype=torch.float64).requires_grad_()
    found, expected = curve()(at), PchipInterpolator(KNOTS, VALUES)
    (slope,) = torch.autograd.grad(found.sum(), at)
    np.testing.assert_allclose(found.detach(), expected(at.detach()), rtol=1e-14)
    np.testing.assert_allclose(slope, expected.derivative()(at.detach()), rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(curve()(torch.tensor(KNOTS)), expected(KNOTS))


def test_gradients_agree_with_differences():
    inside = torch.tensor([-1.9, -1.0, 0.1, 0.9, 1.85], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(curve(), inside)
    assert torch.autograd.gradgradcheck(curve(), inside)


def test_beyond_its_ends_it_is_constant():
    at = torch.tensor([-50.0, -2.5, 2.5, 50.0], requires_grad=True)
    found = curve()(at)
    torch.testing.assert_close(found, torch.tensor([0.4, 0.4, 1.25, 1.25]))
    (slope,) = torch.autograd.grad(found.sum(), at)
    assert found.dtype == torch.float32 and torch.equal(slope, torch.zeros(4))


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.tuples(st.floats(0.1, 3), st.floats(0, 2)), min_size=2, max_size=8).filter(
        lambda steps: sum(step for _, step in steps) > 0.01
    )
)
def test_between_rising_points_it_rises(steps):
    knots, values = np.cumsum(steps, axis=0).T
    at = torch.linspace(float(knots[0]), float(knots[-1]), 500, dtype=torch.float64)
    found = curve(knots, values)(at)
    assert (found.diff() >= -1e-12).all()
    assert found.min() >= values[0] - 1e-12 and found.max() <= values[-1] + 1e-12


def test_a_calcium_response_of_points_has_its_values_over_the_logarithm_of_the_rate():
    x, rho = (0.1, 0.5, 1.0, 4.0), (0.3, 0.6, 1.0, 1.4)
    module = response_module(CalciumResponse("curve", knots=x, values=rho, lowest=0.1, highest=4.0))
    assert isinstance(module, CurveResponse) and not list(module.parameters()) and not module.state_dict()
    torch.testing.assert_close(module(torch.tensor(x).double()), torch.tensor(rho).double())
    at = np.geomspace(0.1, 4.0, 50)
    np.testing.assert_allclose(module(torch.tensor(at)), PchipInterpolator(np.log(x), rho)(np.log(at)), rtol=1e-13)
    silent = torch.zeros(1, requires_grad=True)
    module(silent).backward()
    assert module(silent).item() == pytest.approx(0.3) and torch.isfinite(silent.grad).all()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"knots": (1.0, 0.5)}, "a calcium response of 2 knots and 2 values is no curve of positive numbers"),
        ({"knots": (0.0, 0.5)}, "is no curve of positive numbers over rising ones"),
        ({"values": (1.0,)}, "of 2 knots and 1 values"),
        ({"values": None}, "of 2 knots and 0 values"),
        ({"values": (1.0, 0.9)}, "falls between two knots"),
    ],
)
def test_points_that_are_no_response_are_refused(changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        CalciumResponse(**{"form": "curve", "knots": (0.5, 1.0), "values": (0.9, 1.0)} | changed)
