"""Neurons: closed forms, the compiled scan against the steps, and what the surrogate derivative is."""

from math import ceil, log, pi

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from astromorph.neurons.leaky_integrate_and_fire import LeakyIntegrateAndFire, fire, fire_slowly
from astromorph.neurons.leaky_integrator import LeakyIntegrator


def currents(batch=3, time=25, neurons=17, seed=0):
    return 0.8 * torch.randn(batch, time, neurons, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("form", [fire, fire_slowly])
@given(tau=st.floats(1.01, 30), strength=st.floats(1.05, 3))
def test_a_constant_current_gives_regular_spikes(form, tau, strength):
    """h after n steps is I τ (1 - (1 - 1/τ)ⁿ), so the first n at which it is 1 is the interval of the spikes."""
    x = strength / tau
    steps = log(1 - 1 / strength) / log(1 - 1 / tau)
    if abs(steps - round(steps)) < 1e-3:  # float32 decides
        return
    times = form(torch.full((1, 60, 1), x), 1 - 1 / tau)[0, :, 0].nonzero()[:, 0] + 1
    assert times.tolist() == list(range(ceil(steps), 61, ceil(steps)))


@pytest.mark.parametrize("tau", [1.0, 1.005, 1.5, 10.0])
def test_the_scan_equals_the_steps(tau):
    kept = LeakyIntegrateAndFire(tau).remaining
    fast, slow = currents().requires_grad_(), currents().requires_grad_()
    spikes = fire(fast, kept)
    assert torch.equal(spikes, fire_slowly(slow, kept)) and 0.05 < spikes.mean() < 0.5
    weight = currents(seed=1)
    (spikes * weight).sum().backward()
    (fire_slowly(slow, kept) * weight).sum().backward()
    torch.testing.assert_close(fast.grad, slow.grad, rtol=1e-5, atol=1e-6)


def test_the_scan_takes_a_view_and_other_types_take_the_steps():
    x = currents()
    assert torch.equal(fire(x.mT, 0.3), fire_slowly(x.mT, 0.3))
    assert fire(x.double(), 0.3).dtype == torch.float64


@pytest.mark.parametrize("form", [fire, fire_slowly])
def test_the_derivative_is_an_arctangent_of_area_one(form):
    h = torch.linspace(-400, 402, 802_001)[None, None].requires_grad_()
    form(h, 0.5).sum().backward()
    above = (h.detach()[0, 0] - 1).double()
    torch.testing.assert_close(h.grad[0, 0].double(), 2.5 / (1 + (2.5 * pi * above) ** 2), rtol=2e-3, atol=1e-7)
    assert torch.trapezoid(h.grad[0, 0].double(), above).item() == pytest.approx(1, abs=1e-3)


def test_a_spike_forgets_all_that_came_before():
    x = torch.tensor([0.9, 0.7, 0.3, 0.2])[None, :, None].requires_grad_()
    fire(x, 0.5)[0, 2:].sum().backward()  # the spike is at the second step
    assert x.grad[0, :2].abs().sum() == 0 and (x.grad[0, 2:] > 0).all()


def test_the_integrator_is_its_recursion():
    x, v = currents().double(), torch.zeros(3, 17, dtype=torch.float64)
    membrane = LeakyIntegrator(4.0)(x)
    for step in range(x.shape[1]):
        v = 0.75 * v + x[:, step]
        torch.testing.assert_close(membrane[:, step], v, rtol=1e-12, atol=1e-12)
    assert torch.equal(LeakyIntegrator(1.0)(x), x)


def test_a_time_constant_below_a_step_is_refused():
    with pytest.raises(ValueError, match="time constant 0.5 is shorter than a time step; use 1 or more"):
        LeakyIntegrateAndFire(0.5)
