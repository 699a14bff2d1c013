"""Neurons whose threshold rises with every spike and falls back (Bellec et al. 2018, arXiv 1803.09574)."""

import torch
from torch import Tensor, nn

from astromorph.neurons.surrogate import spike


class AdaptiveThreshold(nn.Module):
    """h = 0.9 v + x; a spike where h ≥ 1 + a / 2, after which v = 0; a, which decays by 0.95, rises by each spike."""

    def start(self, batch: int, device: torch.device | str | None = None) -> tuple[Tensor, Tensor]:
        return torch.zeros(batch, 1, device=device), torch.zeros(batch, 1, device=device)

    def step(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h, threshold = 0.9 * state[0] + x, 1 + state[1] / 2
        fired = spike(h - threshold)
        return fired, (h * (h < threshold), 0.95 * state[1] + fired)

    def forward(self, x: Tensor) -> Tensor:
        state, spikes = self.start(len(x), x.device), []
        for now in x.unbind(1):
            fired, state = self.step(now, state)
            spikes.append(fired)
        return torch.stack(spikes, 1)
