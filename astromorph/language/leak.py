"""Does a language model read the future? Tried on the model before it is trained, not argued.

A block of text is read again and again, each time with its last tokens changed from another place on. What the model
gives for the tokens before that place must not change. An attention whose calcium or positional term is summed over the
whole sequence fails, and would reach a perplexity that means nothing (science notes, 1.9).

The weights are drawn anew for the trial, on a copy of the model: a branch that starts at zero would hide what it leaks.
"""

import copy
import math

import torch
from torch import Tensor, nn

TOLERANCE = 1e-5  # of the largest output: rounding in float32, a hundredth of what one token of a thousand leaks
PLACES = 16  # from which on tokens are changed; spread so that they fall inside the chunks of an attention too


@torch.no_grad()
def refuse_leak(model: nn.Module, block: Tensor, vocabulary: int, seed: int = 0) -> None:
    """ValueError if an output of `model` for a token of `block`, (tokens,), depends on a later token.

    model: from (batch, tokens) integers below `vocabulary` to (batch, tokens, width); it is left as it is.
    """
    draw = torch.Generator().manual_seed(seed)
    trial = with_drawn_weights(model, draw).eval()
    count, device = len(block), block.device
    places = torch.linspace(1, count - 1, min(PLACES, count - 1)).round().long().tolist()
    other = (block.cpu() + torch.randint(1, vocabulary, (count,), generator=draw)).to(device) % vocabulary
    index = torch.arange(count, device=device)
    changed = torch.stack([torch.where(index < place, block, other) for place in places])
    unchanged = trial(block[None]).float()
    scale = unchanged.abs().max().item()
    apart = (trial(changed).float() - unchanged).abs().amax(-1)  # (places, tokens)
    for place, difference in zip(places, apart, strict=True):
        if difference[place:].max() <= TOLERANCE * scale:
            raise ValueError(
                f"the trial for leaks is blind: the model's outputs do not change with token {place + 1} of {count}; "
                "give it a model that reads its input"
            )
        leaked = (difference[:place] > TOLERANCE * scale).nonzero()
        if len(leaked):
            where, size = int(leaked[0]), difference[int(leaked[0])].item() / scale
            raise ValueError(
                f"the model reads the future: its output for token {where + 1} of {count} changes by {size:.1g} of the "
                f"largest output when token {place + 1} and those after it are changed; use an attention that is causal"
            )


def with_drawn_weights(model: nn.Module, draw: torch.Generator) -> nn.Module:
    """A copy whose matrices are normal with a variance of one over their last size, so that every branch takes part."""
    drawn = copy.deepcopy(model).float()
    for parameter in drawn.parameters():
        if parameter.ndim > 1:
            normal = torch.randn(parameter.shape, generator=draw) / math.sqrt(parameter.shape[-1])
            parameter.copy_(normal.to(parameter.device))
    return drawn
