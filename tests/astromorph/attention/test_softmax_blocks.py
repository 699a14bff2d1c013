"""Blocked softmax attention on a processor against PyTorch's kernel, values and gradients."""

import pytest
import torch
import torch.nn.functional as F

from astromorph.attention import SoftmaxAttention, softmax


def inputs(batch: int, queries: int, keys: int) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(batch + queries)
    shapes = [(batch, 2, queries, 6), (batch, 2, keys, 6), (batch, 2, keys, 6)]
    return [torch.randn(shape, generator=draw, dtype=torch.float64).requires_grad_() for shape in shapes]


@pytest.mark.parametrize("at_once", [1, 200, 2**20], ids=["a sequence", "two sequences, then one", "all"])
@pytest.mark.parametrize("keys", [7, 11])
@pytest.mark.parametrize("padded", [False, True])
def test_blocks_equal_the_fused_kernel_in_values_and_gradients(monkeypatch, at_once, keys, padded):
    monkeypatch.setattr(softmax, "SCORES_AT_ONCE", at_once)
    keep = torch.arange(keys) < torch.tensor([[keys], [3], [5]]) if padded else None
    ours, theirs = inputs(3, 7, keys), inputs(3, 7, keys)
    output = SoftmaxAttention()(*ours, keep)
    expected = F.scaled_dot_product_attention(*theirs, attn_mask=None if keep is None else keep[:, None, None, :])
    weight = torch.randn(output.shape, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    (output * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(output, expected, rtol=1e-12, atol=1e-12)
    for mine, known in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, known.grad, rtol=1e-10, atol=1e-12)


def test_gradients_pass_finite_differences():
    keep = torch.tensor([[True] * 5, [True, True, False, False, False]])
    assert torch.autograd.gradcheck(lambda q, k, v: SoftmaxAttention()(q, k, v, keep), inputs(2, 5, 5))


def test_bfloat16_is_as_close_to_the_truth_as_the_fused_kernel():
    exact = inputs(4, 200, 200)
    expected = F.scaled_dot_product_attention(*exact)
    coarse = [tensor.detach().bfloat16().requires_grad_() for tensor in exact]
    fused, blocked = F.scaled_dot_product_attention(*coarse), SoftmaxAttention()(*coarse)
    assert blocked.dtype is torch.bfloat16
    assert (blocked - expected).norm() < 2 * (fused - expected).norm()
