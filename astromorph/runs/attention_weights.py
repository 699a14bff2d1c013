"""How much of each token attention takes up: the numbers by which a mechanism weighs the values.

In one head of any mechanism here the output of query i is a sum over the real tokens j, L_i = Σ_j A_ij v_j, with

    softmax        A_ij = exp(q_i·k_j / √m) / Σ_t exp(q_i·k_t / √m)
    linear         A_ij = φ(q_i)·φ(k_j) / φ(q_i)·Σ_t φ(k_t)
    astromorphic   A_ij = φ(q_i)·h_j / C_i,  h_j = φ(k_j) + w_j,  C_i = φ(q_i)·g  the calcium

The rows of the first two sum to 1; those of the third do not, as calcium saturates. A is read off the mechanism itself,
as its output for values that are unit vectors, so it holds for whatever was trained, with its positional drive and
padding. A mechanism that is no weighted sum of the values is found out and refused.

The weight of a token is the mean of A_ij over the real queries i and the heads: with it the values enter the mean over
tokens that the classifier reads, as far as they come by attention. It is no explanation of the decision. A token's
value may be large or nothing, may speak for or against a class, reaches the read-out by the residual path too, and
passes a feed-forward layer on the way; in a second layer a token is no longer a word.
"""

from contextlib import ExitStack
from functools import partial

import torch
from torch import Tensor, nn

from astromorph.attention import MultiheadAttention
from astromorph.attention.token_delays import TokenDelays

AGREEMENT = 1e-3  # between what the weights give and what the mechanism gave, relative; far above rounding


def weights_of(mechanism: nn.Module, query: Tensor, key: Tensor, value: Tensor, keep: Tensor | None = None) -> Tensor:
    """A, shape (batch, heads, queries, tokens), zero for tokens that are padding; arguments as of the mechanism.

    ValueError if A times `value` is not what the mechanism gives.
    """
    units = torch.eye(key.shape[-2], dtype=value.dtype, device=value.device).expand(*key.shape[:-1], -1)
    weights = mechanism(query, key, units, keep)
    attended = mechanism(query, key, value, keep)
    if float((weights @ value - attended).norm()) > AGREEMENT * float(attended.norm()):
        raise ValueError(f"{type(mechanism).__name__} is no weighted sum of its values; its tokens have no weights")
    return weights


def mean_over_queries(weights: Tensor, keep: Tensor | None = None) -> Tensor:
    """The weight of every token in the mean over real queries, (batch, heads, tokens), from A as `weights_of` gives it.

    keep: (batch, tokens), True where a token is real; queries are the tokens.
    """
    if keep is None:
        return weights.mean(-2)
    real = keep.to(weights.dtype)
    return torch.einsum("bhij,bi->bhj", weights, real) / real.sum(1).clamp_min(1)[:, None, None]


@torch.no_grad()
def attention_weights(model: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """The weights (batch, heads, tokens) in each attention layer of `model` when it reads `inputs`, in their order."""
    calls: list[tuple[MultiheadAttention, tuple[Tensor, Tensor, Tensor, Tensor | None]]] = []

    def note(attention: MultiheadAttention, mechanism: nn.Module, entering: tuple, leaving: Tensor) -> None:
        calls.append((attention, entering))

    with ExitStack() as hooks:
        for module in model.modules():
            if isinstance(module, MultiheadAttention):
                hooks.enter_context(module.mechanism.register_forward_hook(partial(note, module)))
        model(*inputs)
    return [
        attention.gain
        * of_senders(attention, mean_over_queries(weights_of(attention.mechanism, *entering), entering[3]))
        for attention, entering in calls
    ]


def of_senders(attention: MultiheadAttention, weights: Tensor) -> Tensor:
    """Weights (batch, heads, tokens) of delayed values, each given to the token whose value it is."""
    if not isinstance(attention.delays, TokenDelays):
        return weights
    sent = torch.zeros_like(weights)
    for head, delay in enumerate(attention.delays.position[1].round().int().tolist()):
        sent[:, head, : max(0, weights.shape[-1] - delay)] = weights[:, head, delay:]
    return sent
