"""The NMDA segment in a network: dendritic segments decide, from a context, which units may answer.

A unit has several segments that see the context c beside its feedforward input x. With the feedforward activation
t = w·x + b and the drive d = max_j u_j·c of its strongest segment, the unit passes on t σ(d), and of a layer only the k
largest pass (Iyer et al. 2022, Front. Neurorobot. 16:846219, section 2; k winners as in Ahmad and Scheinkman 2019).

Their gate σ(d) is half open at rest. An NMDA spike has a threshold, so here the gate is the response of a segment as
measured, σ(gain (d - threshold)): d counts active synapses in units of those that give a spike half of the time
(mapping/segment_response.py), which puts the threshold at 1. Threshold 0 and gain 1 are the published gate. As a spike
needs depolarisation, the segment of the largest drive decides, not (as in the published code) that of the largest
absolute drive.
"""

from statistics import NormalDist

import torch
from torch import Tensor, nn

from astromorph.measured import hold


class SegmentGate(nn.Module):
    """σ(gain (d - threshold)) of a drive d of any shape; σ(-gain · threshold) is its resting value."""

    threshold: Tensor
    gain: Tensor

    def __init__(self, threshold: float = 0.0, gain: float = 1.0) -> None:
        super().__init__()
        if not gain > 0:
            raise ValueError(f"gain {gain} does not open a gate with its drive; use one above 0")
        hold(self, threshold=threshold, gain=gain)

    def forward(self, drive: Tensor) -> Tensor:
        return torch.sigmoid(self.gain * (drive - self.threshold))


class ActiveDendrites(nn.Module):
    """The gate of every unit in a context: `gate` of the largest drive among the unit's segments.

    The weights u begin as independent normal numbers of standard deviation `spread`: so is then the drive of a segment
    in a context of length 1.
    """

    def __init__(self, units: int, segments: int, context: int, gate: nn.Module, spread: float = 1.0) -> None:
        super().__init__()
        for name, count in (("units", units), ("segments", segments), ("context", context)):
            if count < 1:
                raise ValueError(f"{count} {name} make no dendrites; use at least 1")
        self.segments = nn.Parameter(spread * torch.randn(units, segments, context))  # u
        self.gate = gate

    def forward(self, context: Tensor) -> Tensor:
        """context: (..., context) numbers; returns gates (..., units)."""
        units, segments, features = self.segments.shape
        if context.shape[-1] != features:
            raise ValueError(f"a context of {context.shape[-1]} numbers meets segments of {features}; make them equal")
        drive = (context @ self.segments.view(units * segments, features).mT).unflatten(-1, (units, segments))
        return self.gate(drive.amax(-1))


class DendriticLayer(nn.Module):
    """k winners of t · gate, with t the output of a linear layer and the gates those of the context."""

    def __init__(self, inputs: int, dendrites: ActiveDendrites, winners: float = 1.0) -> None:
        super().__init__()
        self.feedforward = nn.Linear(inputs, len(dendrites.segments))
        self.dendrites = dendrites
        self.winners = winners
        winner_count(winners, len(dendrites.segments))

    def forward(self, activity: Tensor, context: Tensor, which: Tensor | None = None) -> Tensor:
        """activity: (batch, inputs); context: (batch, context), or (1, context) for all; returns (batch, units).

        With `which`, (batch,) integers, context is a list (contexts, context) of which row `which[i]` belongs to i.
        """
        gate = self.dendrites(context)
        return k_winners(self.feedforward(activity) * (gate if which is None else gate[which]), self.winners)


def k_winners(activity: Tensor, share: float) -> Tensor:
    """The largest `share` of the last axis, rounded and at least one; the others are 0. Same shape."""
    winners = activity.topk(winner_count(share, activity.shape[-1]), dim=-1)
    return torch.zeros_like(activity).scatter(-1, winners.indices, winners.values)


def winner_count(share: float, units: int) -> int:
    """How many of `units` a share is; ValueError unless it is above 0 and at most 1."""
    if not 0 < share <= 1:
        raise ValueError(f"a share of {share} winners is none or more than all; use one above 0, at most 1")
    return max(1, round(share * units))


def opening_spread(threshold: float, segments: int, share: float) -> float:
    """The `spread` with which, at first, a context of length 1 drives a `share` of all units over `threshold`.

    The largest of s standard normal numbers stays below z with probability Φ(z)^s, so that the spread is
    threshold / Φ⁻¹((1 - share)^(1/s)).
    """
    if not (threshold > 0 and 0 < share < 1 and (quantile := (1 - share) ** (1 / segments)) > 0.5):
        raise ValueError(
            f"no spread lets {segments} segments exceed threshold {threshold} in a share {share} of units; "
            "use a threshold above 0 and a share below 1/2"
        )
    return threshold / NormalDist().inv_cdf(quantile)
