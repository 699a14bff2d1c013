"""Every part of an attention alone: gradients equal finite differences, in full."""

import pytest
import torch

from astromorph.astrocyte import CurveResponse, HillResponse, PowerLawResponse
from astromorph.attention.plasticity import Hebbian, SaturatingHebbian
from astromorph.attention.positions import PositionalDrive
from astromorph.attention.responses import (
    LinearResponse,
    MeanActivityResponse,
    NoFeedback,
    PowerOfSum,
    Reciprocal,
)
from astromorph.feature_map import PositiveActivity

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
    "Hebbian": Hebbian(0.3),
    "saturating": SaturatingHebbian(0.7, 1.3),
    "reciprocal": Reciprocal(),
    "no feedback": NoFeedback(),
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


def test_the_learned_drive():
    torch.manual_seed(0)
    position = PositionalDrive(HEADS, FEATURES, TOKENS, 2.0).double()
    assert torch.autograd.gradcheck(lambda table: position.terms(TOKENS, torch.float64)["drive"], (position.table,))
