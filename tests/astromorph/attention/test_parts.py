"""Every part of an attention alone, and every printed form: gradients equal finite differences, in full."""

import pytest
import torch

from astromorph.astrocyte import CurveResponse, HillResponse, PowerLawResponse
from astromorph.attention import astromorphic_attention, published
from astromorph.attention.feature_maps import ExponentialActivity, PositiveActivity, RectifiedActivity
from astromorph.attention.plasticity import Hebbian, SaturatingHebbian
from astromorph.attention.positions import LearnedDrive
from astromorph.attention.responses import (
    LinearResponse,
    MeanActivityResponse,
    NoFeedback,
    PowerOfSum,
    Reciprocal,
    RunningPower,
)

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
    position = LearnedDrive(HEADS, FEATURES, TOKENS, 2.0).double()
    value, keep = drawn(2, HEADS, TOKENS, FEATURES), torch.ones(2, HEADS, TOKENS, 1, dtype=torch.bool)
    keep[1, :, 3:] = False
    inputs = (value, *position.parameters())
    assert torch.autograd.gradcheck(lambda value, *table: position(value, keep), inputs)


@pytest.mark.parametrize("name", PRINTED)
def test_printed_forms(name):
    torch.manual_seed(0)
    parts = {key: part.double() for key, part in PRINTED[name](HEADS, FEATURES, TOKENS, scaling=4.0).items()}
    tensors = [drawn(2, HEADS, TOKENS, FEATURES, seed=seed) for seed in range(3)]
    learned = [each for part in parts.values() for each in part.parameters()]
    assert learned
    attend = lambda query, key, value, *_: astromorphic_attention(query, key, value, **parts)
    assert torch.autograd.gradcheck(attend, (*tensors, *learned), atol=1e-6)
