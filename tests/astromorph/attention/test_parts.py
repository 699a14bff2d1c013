"""Every part of an attention alone, and every printed form: gradients equal finite differences, in full."""

import pytest
import torch

from astromorph.astrocyte import CurveResponse, HillResponse, PowerLawResponse
from astromorph.attention import astromorphic_attention, published
from astromorph.attention.plasticity import Hebbian, SaturatingHebbian
from astromorph.attention.positions import PositionalDrive
from astromorph.attention.responses import (
    LinearResponse,
    MeanActivityResponse,
    NoFeedback,
    PowerOfSum,
    Reciprocal,
    RunningPower,
)
from astromorph.feature_map import ExponentialActivity, PositiveActivity, RectifiedActivity

HEADS, TOKENS, FEATURES = 2, 5, 3
COUNT = torch.tensor(5.0, dtype=torch.float64)
RESPONSES = {
    "linear": LinearResponse(),
    "power law": MeanActivityResponse(PowerLawResponse(0.8, 0.2, 0.25)),
    "Hill": MeanActivityResponse(HillResponse(0.47, 0.66, 1.01, 0.25)),
    "curve": MeanActivityResponse(CurveResponse((0.1, 1.0, 1.5, 4.0), (0.5, 1.0, 1.3, 1.4))),
    "power of sum": PowerOfSum(0.25),
}
ELEMENTWISE = {
    "elu + 1": PositiveActivity(),
    "exponential": ExponentialActivity(),
    "rectified": RectifiedActivity(),
    "Hebbian": Hebbian(0.3),
    "saturating": SaturatingHebbian(0.7, 1.3),
    "reciprocal": Reciprocal(),
    "no feedback": NoFeedback(),
}
PRINTED = {
    "Eq. 11": published.equation_11,
    "Eq. 18": published.equation_18,
    "Algorithm 1": published.algorithm_1,
    "RMAAT": published.rmaat,
}


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_parts(name):
    x = drawn(4, 6)
    if name == "reciprocal":
        x = (x.detach().abs() + 0.2).requires_grad_()
    assert torch.autograd.gradcheck(ELEMENTWISE[name], (x,))


@pytest.mark.parametrize("name", RESPONSES)
def test_responses(name):
    total = (drawn(2, HEADS, FEATURES).detach().abs() * 5 + 0.6).requires_grad_()
    assert torch.autograd.gradcheck(lambda total: RESPONSES[name](total, COUNT), (total,))


def test_the_running_power_of_algorithm_1():
    activity = (drawn(2, HEADS, TOKENS, FEATURES).detach().abs() + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(RunningPower(0.25).over_tokens, (activity,))


def test_the_learned_drive():
    torch.manual_seed(0)
    position = PositionalDrive(HEADS, FEATURES, TOKENS, 2.0).double()
    assert torch.autograd.gradcheck(lambda table: position.terms(TOKENS, torch.float64)["drive"], (position.table,))


@pytest.mark.parametrize("padded", [False, True])
def test_calcium_without_the_drive_follows_the_keys_alone(padded):
    """As printed (`normalised=False`): the drive stands in the Hebbian weight only."""
    torch.manual_seed(0)
    query, key, value = (drawn(2, HEADS, TOKENS, FEATURES, seed=seed).detach() for seed in range(3))
    keep = torch.ones(2, 1, 1, TOKENS, dtype=torch.bool)
    keep[1, ..., 3:] = not padded
    position = PositionalDrive(HEADS, FEATURES, TOKENS, 2.0, normalised=False).double()
    found = astromorphic_attention(query, key, value, keep, position=position)
    phi, real = PositiveActivity(), keep.mT.double()
    weight = ((phi(key) + position(TOKENS)) * real).mT @ value
    expected = phi(query) @ weight / (phi(query) * (phi(key) * real).sum(2, keepdim=True)).sum(-1, keepdim=True)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", PRINTED)
def test_printed_forms(name):
    torch.manual_seed(0)
    parts = {key: part.double() for key, part in PRINTED[name](HEADS, FEATURES, TOKENS, scaling=4.0).items()}
    tensors = [drawn(2, HEADS, TOKENS, FEATURES, seed=seed) for seed in range(3)]
    learned = [each for part in parts.values() for each in part.parameters()]
    assert learned
    attend = lambda query, key, value, *_: astromorphic_attention(query, key, value, **parts)
    assert torch.autograd.gradcheck(attend, (*tensors, *learned), atol=1e-6)
