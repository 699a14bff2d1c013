"""The feature map of a measured synapse: against release theory, in its limits, and inside attention."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from astromorph.astrocyte import PositionalDrive, PowerLawResponse
from astromorph.attention import AstromorphicMechanism
from astromorph.attention.responses import MeanActivityResponse
from astromorph.feature_map import (
    CurveRelease,
    MeanFieldRelease,
    PositiveActivity,
    positive_activity,
    released_activity,
)
from astromorph.models.attention_from_settings import classifier_attention
from astromorph.settings import CalciumResponse, DigitsSettings, SynapticRelease
from biophys.release_theory import mean_field_release

U, RECOVERY, DECAY, REFERENCE = 0.3, 2.0, 3.33, 2.6  # share, 1/s, 1/s, Hz
DEPRESSING = SynapticRelease("mean_field", 0.6, REFERENCE / RECOVERY, REFERENCE / DECAY)


def test_the_drive_is_rate_times_release_in_theory():
    transfer = MeanFieldRelease(U, REFERENCE / RECOVERY, REFERENCE / DECAY)
    x = np.geomspace(1e-3, 1e3, 60)
    release = mean_field_release(x * REFERENCE, U, RECOVERY, DECAY)
    expected = x * release / mean_field_release(REFERENCE, U, RECOVERY, DECAY)
    np.testing.assert_allclose(transfer(torch.tensor(x)), expected, rtol=1e-13)
    # sites release no more often than they are filled: rate x release tends to Omega_d
    limit = RECOVERY / (REFERENCE * mean_field_release(REFERENCE, U, RECOVERY, DECAY))
    assert transfer(torch.tensor(1e9).double()).item() == pytest.approx(float(limit), rel=1e-8)


@settings(deadline=None, max_examples=30)
@given(resting=st.floats(0.01, 1), recovery=st.floats(0, 30), facilitation=st.floats(0, 30))
def test_every_synapse_is_driven_more_by_higher_rates(resting, recovery, facilitation):
    phi = released_activity(SynapticRelease("mean_field", resting, recovery, facilitation))
    x = torch.linspace(-8, 8, 200, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(phi(x).sum(), x)
    assert (phi(x) > 0).all() and torch.isfinite(slope).all() and (slope > 0).all()
    assert phi(torch.zeros(1)).item() == pytest.approx(1)


def test_without_plasticity_it_is_elu_plus_one():
    phi = released_activity(SynapticRelease("mean_field", 0.4, 0.0, 0.0))
    x = torch.linspace(-6, 6, 50)
    torch.testing.assert_close(phi(x), positive_activity(x), rtol=1e-6, atol=0)
    x = x.double().requires_grad_()
    assert torch.autograd.gradcheck(released_activity(DEPRESSING), x)


def test_a_measured_curve_passes_its_points_and_goes_on_as_said():
    x, drive = (0.1, 0.5, 1.0, 4.0), (0.15, 0.6, 1.0, 0.9)  # release that falls faster than 1/x
    transfer = CurveRelease(x, drive)
    torch.testing.assert_close(transfer(torch.tensor(x)), torch.tensor(drive))
    torch.testing.assert_close(transfer(torch.tensor([0.05, 0.02, 8.0])), torch.tensor([0.075, 0.03, 0.9]))
    at = torch.linspace(0, 6, 301, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(transfer(at).sum(), at)
    assert torch.isfinite(slope).all() and (transfer(at)[1:] > 0).all()
    inside = torch.tensor([0.05, 0.3, 0.8, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(transfer, inside)


def slow_attention(query, key, value, phi, drive, response):
    """One head, token by token."""
    h = [phi(k) + w for k, w in zip(key, drive, strict=True)]
    weight = sum(torch.outer(a, v) for a, v in zip(h, value, strict=True))
    g = len(h) * response(sum(h) / len(h))
    return torch.stack([(phi(q) @ weight) / (phi(q) @ g) for q in query])


def test_attention_with_it_is_the_slow_one_in_values_and_gradients():
    torch.manual_seed(0)
    phi, response, position = (
        released_activity(DEPRESSING),
        PowerLawResponse(0.8, 0.2, 0.25),
        PositionalDrive(1, 3, 5, 2.0),
    )
    fast = AstromorphicMechanism(MeanActivityResponse(response), position.double(), phi)
    inputs = [torch.randn(5, 3, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    found = fast(*(each[None, None] for each in inputs))[0, 0]
    expected = slow_attention(*inputs, phi, position(5)[0], response)
    torch.testing.assert_close(found, expected)
    mixed = torch.randn_like(found)
    for one, other in zip(
        *(torch.autograd.grad((out * mixed).sum(), inputs) for out in (found, expected)), strict=True
    ):
        torch.testing.assert_close(one, other)


def mechanism(*asked):
    return classifier_attention(*asked).mechanism


def test_settings_choose_the_feature_map():
    plain = mechanism(DigitsSettings(), CalciumResponse(), 16, 4)
    assert isinstance(plain.feature_map, PositiveActivity)
    measured = mechanism(DigitsSettings(), CalciumResponse(synapse=DEPRESSING), 16, 4)
    torch.manual_seed(1)
    measured.position.load_state_dict(plain.position.state_dict())
    inputs = [torch.randn(2, 4, 16, 8) for _ in range(3)]
    assert (plain(*inputs) - measured(*inputs)).abs().max() > 1e-3
    assert set(plain.state_dict()) == set(measured.state_dict())
    idle = mechanism(DigitsSettings(), CalciumResponse(synapse=SynapticRelease("mean_field", 0.5, 0.0, 0.0)), 16, 4)
    idle.position.load_state_dict(plain.position.state_dict())
    torch.testing.assert_close(idle(*inputs), plain(*inputs))


@pytest.mark.parametrize("numbers", [(0.0, 1.0, 1.0), (1.2, 1.0, 1.0), (0.5, -1.0, 1.0), (0.5, 1.0, None)])
def test_impossible_synapses_are_refused(numbers):
    with pytest.raises(ValueError, match="does not release; fit another measurement with astromorph map"):
        SynapticRelease("mean_field", *numbers)
