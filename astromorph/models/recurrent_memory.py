"""Long inputs read segment by segment, with memory tokens handed on (RMAAT; Mia et al., arXiv 2601.00426).

A few memory tokens stand in front of every segment. The encoder turns [memory, segment] into [memory', outputs], and
the next segment starts from

    memory = r(t, T) · memory',        r(t, T) = Δp_t / Σ_i Δp_i,

where Δp_t ∝ q^(t-1) is what the long-term process of an astrocyte gains in the t-th of T cycles (`mapping` measures q).
T counts the segments that hold a real token of the sequence, and segments of padding leave its memory as it is, so
padding changes nothing.

Training keeps only the memory between segments and computes each segment once more when its gradient is due (the
recomputation of Chen et al. 2016, which RMAAT calls AMRB), so the memory it takes is that of one segment.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class RecurrentMemory(nn.Module):
    """layers: modules on (batch, tokens, width) with a `keep` mask, for `memory` + `segment` tokens at once.

    retention: the ratio q; segments: the most there may be; recompute: whether training computes segments again instead
    of keeping them, which changes neither values nor gradients.
    """

    factors: Tensor

    def __init__(
        self,
        layers: Sequence[nn.Module],
        width: int,
        memory: int,
        segment: int,
        segments: int,
        retention: float,
        recompute: bool = True,
    ) -> None:
        super().__init__()
        if memory < 1 or segment < 1:
            raise ValueError(f"{memory} memory tokens and segments of {segment} tokens: use at least 1 of each")
        self.layers = nn.ModuleList(layers)
        self.start = nn.Parameter(0.1 * torch.randn(memory, width))
        self.segment, self.recompute = segment, recompute
        self.register_buffer("factors", retention_factors(retention, segments), persistent=False)

    @torch.compiler.disable  # the loop would be unrolled, and compiled anew for every number of segments
    def forward(
        self, embed: Callable[[Tensor, Tensor], Tensor], symbols: Tensor, keep: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Sum of the outputs over the real tokens, (batch, width) in float32, and the last memory.

        symbols: (batch, tokens, …), which `embed(symbols, positions)` turns into (batch, segment, width), positions
        (segment,) counting from the start of the whole input; keep: (batch, tokens), True where a token is real.
        ValueError if there are more segments than the retention factors know.
        """
        count = -(-symbols.shape[1] // self.segment)
        if count > len(self.factors):
            raise ValueError(
                f"{symbols.shape[1]} tokens are {count} segments of {self.segment}, more than the model's "
                f"{len(self.factors)}; shorten the input or build the model with more segments"
            )
        used = torch.stack([part.any(1) for part in keep.split(self.segment, 1)], 1)
        factors = self.factors[used.sum(1).clamp_min(1) - 1]  # (batch, most segments)
        memory = self.start.expand(len(symbols), -1, -1)
        total = torch.zeros(memory[:, 0].shape, device=memory.device)
        read = partial(self.read, embed)
        for t, (part, real) in enumerate(zip(symbols.split(self.segment, 1), keep.split(self.segment, 1), strict=True)):
            if self.recompute and torch.is_grad_enabled():
                new, total = checkpoint(read, memory, total, part, real, t * self.segment, use_reentrant=False)
            else:
                new, total = read(memory, total, part, real, t * self.segment)
            memory = torch.where(used[:, t, None, None], factors[:, t, None, None].to(new.dtype) * new, memory)
        return total, memory

    def read(
        self,
        embed: Callable[[Tensor, Tensor], Tensor],
        memory: Tensor,
        total: Tensor,
        part: Tensor,
        real: Tensor,
        first: int,
    ) -> tuple[Tensor, Tensor]:
        """One segment: the memory after it, and `total` with its outputs added."""
        positions = torch.arange(first, first + part.shape[1], device=part.device)
        tokens = embed(part, positions)
        tokens = torch.cat((memory.to(tokens.dtype), tokens), 1)
        all_real = torch.cat((real.new_ones(memory.shape[:2]), real), 1)
        for layer in self.layers:
            tokens = layer(tokens, all_real)
        memory, outputs = tokens.split((memory.shape[1], part.shape[1]), 1)
        return memory, total + (outputs * real.unsqueeze(-1)).sum(1, dtype=torch.float32)


def retention_factors(ratio: float, segments: int) -> Tensor:
    """Row T - 1 holds r(1, T) … r(T, T), then zeros: q^(t-1) / Σ_i q^(i-1), shape (segments, segments)."""
    gained = ratio ** torch.arange(segments, dtype=torch.float64).expand(segments, -1).tril()
    return (gained.tril() / gained.tril().sum(1, keepdim=True)).float()
