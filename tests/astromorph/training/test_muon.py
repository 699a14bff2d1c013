"""Muon: its iteration against a singular value decomposition, its steps against closed forms and torch's own AdamW."""

import pytest
import torch
from torch import nn

from astromorph.models.encoder import EncoderLayer
from astromorph.training.muon import BETAS, COEFFICIENTS, MATRICES, OTHERS, Muon, muon, orthogonalised


def matrix(rows: int, columns: int, singular: torch.Tensor) -> torch.Tensor:
    """A matrix with the given singular values and random singular vectors."""
    draw = torch.Generator().manual_seed(rows)
    u, _, v = torch.linalg.svd(torch.randn(rows, columns, generator=draw), full_matrices=False)
    return u * singular @ v


@pytest.mark.parametrize(("rows", "columns"), [(24, 60), (60, 24), (32, 32)])
def test_orthogonalised_keeps_the_singular_vectors_and_evens_out_the_values(rows, columns):
    """Every value from 0.02 of the norm on ends between 0.68 and 1.21, along the vectors it had."""
    singular = torch.logspace(0, -1, min(rows, columns))
    given = matrix(rows, columns, singular)
    u, s, v = torch.linalg.svd(given, full_matrices=False)
    assert (s / s.norm()).min() > 0.02
    inside = u.mT @ orthogonalised(1e-4 * given) @ v.mT  # a plain factor does not act
    assert inside.diagonal().min() > 0.67 and inside.diagonal().max() < 1.22
    assert (inside - inside.diagonal().diag()).abs().max() < 0.05  # bfloat16


def test_orthogonalised_acts_on_singular_values_by_the_polynomial():
    singular = torch.tensor([0.8, 0.5, 0.3, 0.1, 0.05])
    u, s, v = torch.linalg.svd(matrix(5, 8, singular), full_matrices=False)
    value, (a, b, c) = s / s.norm(), COEFFICIENTS
    for _ in range(3):
        value = a * value + b * value**3 + c * value**5
    torch.testing.assert_close(orthogonalised(u * s @ v), u * value @ v, atol=0.03, rtol=0.03)


def test_a_matrix_moves_along_its_orthogonalised_momentum():
    start, gradient = torch.randn(6, 2), torch.randn(6, 2)
    weight = nn.Parameter(start.clone())
    optimiser = Muon([], [weight], [], learning_rate=0.1, momentum=0.6, weight_decay=0.5)
    rate, expected, momentum = 0.1 * MATRICES, start.clone(), torch.zeros(6, 2)
    for factor in (1.0, -2.0):
        weight.grad = factor * gradient
        optimiser.step()
        momentum = 0.6 * momentum + factor * gradient
        ahead = factor * gradient + 0.6 * momentum
        expected = expected * (1 - rate * 0.5) - rate * 3**0.5 * orthogonalised(ahead)
    torch.testing.assert_close(weight.data, expected)


def test_filters_keep_their_norm_whatever_it_was():
    """The size of filters does not act: after a step from W and from 5 W they are the same, near √rows in norm."""
    start, gradient = torch.randn(8, 4, 3, 3), torch.randn(8, 4, 3, 3)
    after = []
    for size in (1, 5):
        filters = nn.Parameter(size * start)
        filters.grad = gradient
        Muon([filters], [], [], learning_rate=0.1, momentum=0.6, weight_decay=0.5).step()
        after.append(filters.data)
    torch.testing.assert_close(*after)
    move = after[0] - start * 8**0.5 / start.norm()
    torch.testing.assert_close(move, -0.1 * orthogonalised(1.6 * gradient.flatten(1)).view_as(move))


@pytest.mark.parametrize(("shape", "decay"), [((7,), 0.0), ((3, 5), 0.1)])
def test_others_go_as_by_torchs_adamw(shape, decay):
    """Vectors are not decayed."""
    ours, theirs = (nn.Parameter(torch.ones(shape)) for _ in range(2))
    optimisers = (
        Muon([], [], [ours], learning_rate=0.5, momentum=0.6, weight_decay=0.1),
        torch.optim.AdamW([theirs], lr=0.5 * OTHERS, betas=BETAS, weight_decay=decay),
    )
    draw = torch.Generator().manual_seed(0)
    for _ in range(5):
        ours.grad = theirs.grad = torch.randn(shape, generator=draw)
        for optimiser in optimisers:
            optimiser.step()
    torch.testing.assert_close(ours, theirs)


def test_every_parameter_of_a_classifier_has_one_group():
    class Attend(nn.Linear):
        def forward(self, tokens, keep=None):
            return super().forward(tokens)

    model = nn.ModuleDict(
        {
            "front": nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)),
            "layer": EncoderLayer(8, Attend(8, 8), 16, 0.0),
            "classify": nn.Linear(8, 10),
        }
    )
    model["front"][1].weight.requires_grad_(False)
    filters, matrices, others = muon(model, 0.12, 0.6, 0.0).param_groups
    assert [tuple(weight.shape) for weight in filters["params"]] == [(8, 3, 3, 3)]
    assert [tuple(weight.shape) for weight in matrices["params"]] == [(8, 8), (16, 8), (8, 16)]
    assert [filters["lr"], matrices["lr"], others["lr"]] == [0.12, 0.12 * MATRICES, 0.12 * OTHERS]
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    grouped = [parameter for group in (filters, matrices, others) for parameter in group["params"]]
    assert len(grouped) == len(learned) and set(map(id, grouped)) == set(map(id, learned))
