"""The ends pass the gradient on, whatever the version of torch; what is outside has none."""

import torch

from astromorph.within import within


def test_gradient_is_one_from_end_to_end():
    x = torch.tensor([-1.0, 0.0, 4.0, 9.0, 9.5], requires_grad=True)
    for low, high in ((0, 9), (torch.tensor(0.0), torch.tensor(9.0))):
        kept = within(x, low, high)
        assert kept.tolist() == [0, 0, 4, 9, 9]
        assert torch.autograd.grad(kept.sum(), x)[0].tolist() == [0, 1, 1, 1, 0]
