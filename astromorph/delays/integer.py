"""Delays of whole steps, for inference: a whole sequence, one step at a time, or one spike at a time.

A spike of input i at step t adds w_oi to output o at step t + d_oi. `forward` looks back for it, over all inputs at all
delays; `events` and `step` look ahead and touch only the inputs that are active: what a spike will add is written into
the future, for `step` into a ring of longest + 1 slots, one of which is read and emptied at each step.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from astromorph.delays import spikes
from astromorph.delays.kernels import gaussian
from astromorph.delays.sending import Outgoing, outgoing, send


class Scheduled(NamedTuple):
    """What earlier inputs will still add to the outputs."""

    future: Tensor  # ring: (batch, longest + 1, outputs)
    slot: int  # of the present step
    connections: Outgoing
    steps: int = 0  # taken so far
    written: Tensor | None = None  # how many steps have been taken with this ring: a number without axes


class IntegerDelays(nn.Module):
    """y_o(t) = Σ_i w_oi x_i(t - d_oi), with fixed weights and whole delays; `Delays.rounded()` makes one.

    Args:
        weight: (outputs, inputs).
        steps: delays in time steps, whole numbers in 0..longest; (outputs, inputs), (1, inputs) or (outputs, 1).
        longest: the longest delay, time steps.

    Raises:
        ValueError: a delay is no whole number or lies outside 0..longest, or shapes do not fit.
    """

    weight: Tensor
    steps: Tensor

    def __init__(self, weight: Tensor, steps: Tensor, longest: int) -> None:
        super().__init__()
        if steps.is_floating_point():
            raise ValueError(f"delays of type {steps.dtype} are not whole steps; round them and give integers")
        outputs, inputs = weight.shape
        if tuple(steps.shape) not in {(outputs, inputs), (1, inputs), (outputs, 1)}:
            raise ValueError(f"delays of shape {tuple(steps.shape)} do not fit weights of shape {(outputs, inputs)}")
        if steps.min() < 0 or steps.max() > longest:
            raise ValueError(f"delays {steps.min()} to {steps.max()} do not lie in 0..{longest}; clamp them")
        self.register_buffer("weight", weight)
        self.register_buffer("steps", steps.long())
        self.longest = longest

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, time, inputs); returns (batch, time, outputs)."""
        x = self._checked(x)
        if not x.shape[1]:
            return F.linear(x, self.weight)
        if self.steps.shape[0] == 1:
            return F.linear(_shifted(x, self.steps[0]), self.weight)
        if self.steps.shape[1] == 1:
            return _shifted(F.linear(x, self.weight), self.steps[:, 0])
        taps = F.one_hot(self.longest - self.steps, self.longest + 1) * self.weight[..., None]
        return F.conv1d(F.pad(x.mT, (self.longest, 0)), taps).mT

    def events(self, x: Tensor) -> Tensor:
        """`forward` event by event; x: (batch, time, inputs), dense or sparse COO, spikes or graded values."""
        x = self._checked(x)
        if spikes.fits(x, self.weight):
            steps = self.steps.to(x.dtype).expand_as(self.weight)
            bump = spikes.Bump(self.longest, 0.0, gaussian)
            return spikes.sent(spikes.listed(x.to_dense()), self.weight, steps, bump)
        x = (x if x.is_sparse else x.to_sparse()).coalesce()
        (sample, time, source), value = x.indices(), x.values()
        future = self.weight.new_zeros(x.shape[0], x.shape[1] + self.longest, len(self.weight))
        send(future, outgoing(self.weight, self.steps), sample, time, source, value)
        return future[:, : x.shape[1]]

    def _checked(self, x: Tensor) -> Tensor:
        if x.dim() != 3 or x.shape[-1] != self.weight.shape[1]:
            raise ValueError(
                f"input of shape {tuple(x.shape)} is not (batch, time, {self.weight.shape[1]}); reshape it"
            )
        return x.to(self.weight.dtype)

    def start(self, batch: int) -> Scheduled:
        """The state before the first step: nothing on its way."""
        future = self.weight.new_zeros(batch, self.longest + 1, len(self.weight))
        return Scheduled(
            future, 0, outgoing(self.weight, self.steps), 0, torch.zeros((), dtype=torch.int64, device="cpu")
        )

    def step(self, x: Tensor, state: Scheduled) -> tuple[Tensor, Scheduled]:
        """One time step; x: (batch, inputs); returns (batch, outputs) and the next state, which reuses the old one.

        ValueError for a state from which a step has been taken: to go two ways from one, take `copy.deepcopy` of it.
        """
        future, slot, connections, steps, written = state
        if x.shape != (len(future), len(connections.weight)):
            raise ValueError(
                f"x has shape {tuple(x.shape)}; give ({len(future)}, {len(connections.weight)}), (batch, inputs)"
            )
        if written is not None:
            if int(written) != steps:
                raise ValueError(
                    f"the state after {steps} steps is used up, {int(written)} have been taken from it; go "
                    "on from the last one, or from a copy.deepcopy made before"
                )
            written += 1
        sample, source = x.nonzero(as_tuple=True)
        send(future, connections, sample, torch.full_like(sample, slot), source, x[sample, source])
        present = future[:, slot].clone()
        future[:, slot] = 0
        return present, Scheduled(future, (slot + 1) % future.shape[1], connections, steps + 1, written)


torch.serialization.add_safe_globals([Scheduled, Outgoing])  # a stream that was saved is loaded as weights are


def _shifted(x: Tensor, steps: Tensor) -> Tensor:
    """Each channel `steps` (channels,) later; x: (batch, time, channels)."""
    time = torch.arange(x.shape[1], device=x.device)[:, None] - steps
    return x.gather(1, time.clamp_min(0).expand_as(x)) * (time >= 0)
