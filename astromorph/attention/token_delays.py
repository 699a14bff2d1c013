"""Keys and values that come some tokens later, by delays that every head learns.

A pair of a key and a value is then one of two words at a learned distance, k_{t-d} and v_{t-d'}, which attention over
unordered pairs cannot have otherwise. The kernel is that of the delayed synapses (astromorph/delays/kernels.py;
Hammouamri, Khalfaoui-Hassani and Masquelier 2024), narrowed over training; in evaluation delays are whole tokens.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from astromorph.delays.annealing import annealed_width
from astromorph.delays.kernels import gaussian
from astromorph.native.transforms import without_autocast


class TokenDelays(nn.Module):
    """x_t → Σ_τ k(τ; d) x_{t-τ} in every head, with a delay d of its own for keys and for values, 0 ≤ d ≤ longest.

    position: (2, heads), the delays of keys and of values in tokens. Nothing arrives before it was sent, so causal
    attention stays causal; what would arrive after the last token is lost. `width` is the standard deviation of the
    kernel in tokens; it counts in training only. `rate`: peak learning rate of the delays, if they have their own.
    """

    def __init__(self, heads: int, longest: int, rate: float | None = None) -> None:
        super().__init__()
        self.longest, self.width = longest, longest / 2
        self.position = nn.Parameter(torch.rand(2, heads) * longest)
        own_rate = {} if rate is None else {"lr": rate}
        self.optimiser_options = {"position": {**own_rate, "weight_decay": 0.0}}  # training/optimiser.py

    def forward(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """key, value: (batch, tokens, heads, features), silent before the first token; returns the same shapes."""
        with torch.no_grad():
            self.position.clamp_(0, self.longest)
        delay, width = (self.position, self.width) if self.training else (self.position.detach().round(), 0.0)
        of_keys, of_values = gaussian(delay, self.longest, width).unbind(1)  # (delays, heads)
        return delayed(key, of_keys), delayed(value, of_values)


def delayed(x: Tensor, taps: Tensor) -> Tensor:
    """Every head under taps of its own; x: (batch, tokens, heads, features), taps: (delays, heads)."""
    *_, heads, features = x.shape
    kernel = taps.flip(0).T.repeat_interleave(features, 0)[:, None, :, None].to(x.dtype)
    image = F.pad(x.flatten(2), (0, 0, len(taps) - 1, 0)).mT.unsqueeze(-1)  # channels last: several times as fast
    with without_autocast(x):
        late = F.conv2d(image, kernel.contiguous(memory_format=torch.channels_last), groups=heads * features)
    return late.squeeze(-1).mT.unflatten(-1, (heads, features))


def narrow(model: nn.Module, epoch: int, epochs: int) -> None:
    """Give all delays in `model` the width of their kernels in `epoch`, counted from 1."""
    for module in model.modules():
        if isinstance(module, TokenDelays):
            module.width = annealed_width(epoch - 1, epochs, max(module.longest / 2, 0.5))
