"""A layer of delayed connections (Hammouamri, Khalfaoui-Hassani and Masquelier 2024, "Learning delays in spiking neural
networks using dilated convolutions with learnable spacings", ICLR, arXiv 2306.17670).

Two things differ from theirs: a delay counts back from the present step, so that a layer neither lengthens the sequence
nor shifts it, and it may also belong to a whole axon or dendrite, which shares it among its synapses.
"""

from math import isfinite
from typing import Literal

import torch
from torch import Tensor, nn

from astromorph.delays.connections import delayed
from astromorph.delays.integer import IntegerDelays
from astromorph.delays.kernels import gaussian, triangular
from astromorph.within import within

KERNELS = {"gaussian": gaussian, "triangular": triangular}


class Delays(nn.Module):
    """y_o(t) = Σ_i w_oi Σ_τ k(τ; d_oi, width) x_i(t - τ) with learned weights w and delays d, 0 ≤ d ≤ longest.

    weight: (outputs, inputs); position, the delays in time steps: (outputs, inputs) for kind "synapse", (1, inputs) for
    "axon", (outputs, 1) for "dendrite". The kernel sums to one and reaches from the present step to `longest` steps
    back. Positions want a learning rate of their own, about a hundred times that of the weights, and no weight decay;
    for fixed delays, `layer.position.requires_grad_(False)`. `layer.width` is the user's to narrow during training
    (`annealed_width`); it is saved with the layer.

    Args:
        inputs, outputs: neurons on either side.
        longest: the longest delay in whole time steps; 0 for none.
        kind: what owns a delay.
        kernel: "gaussian", whose standard deviation is the width, or "triangular", half as long at its base as 1 +
            width.
        width: in time steps at the start; half the longest delay if None.
        generator: of the first weights (uniform within ±√(6 / inputs)) and delays (uniform in 0..longest); torch's own
            if None.

    Raises:
        ValueError: a number of neurons below one, a negative longest delay, an unknown kind or kernel, a bad width.
    """

    optimiser_options: dict[str, dict[str, float]] = {"position": {"weight_decay": 0.0}}  # training/optimiser.py

    def __init__(
        self,
        inputs: int,
        outputs: int,
        longest: int,
        *,
        kind: Literal["synapse", "axon", "dendrite"] = "synapse",
        kernel: Literal["gaussian", "triangular"] = "gaussian",
        width: float | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if min(inputs, outputs) < 1:
            raise ValueError(f"{inputs} inputs and {outputs} outputs make no layer; give at least one of each")
        if longest < 0 or longest != int(longest):
            raise ValueError(f"longest delay {longest} is not a whole number of time steps; give 0 or more")
        owners = {"synapse": (outputs, inputs), "axon": (1, inputs), "dendrite": (outputs, 1)}
        if kind not in owners:
            raise ValueError(f"delays of kind {kind!r} are unknown; choose from {', '.join(owners)}")
        if kernel not in KERNELS:
            raise ValueError(f"kernel {kernel!r} is unknown; choose from {', '.join(KERNELS)}")
        self.inputs, self.outputs, self.longest, self.kind, self.kernel = inputs, outputs, int(longest), kind, kernel
        bound = (6 / inputs) ** 0.5
        self.weight = nn.Parameter(torch.empty(outputs, inputs).uniform_(-bound, bound, generator=generator))
        self.position = nn.Parameter(torch.rand(owners[kind], generator=generator) * longest)
        self.register_buffer("spread", torch.zeros(()))
        self.width = longest / 2 if width is None else width

    @property
    def width(self) -> float:
        """Width of the kernel, time steps; at 0 a whole delay is exactly one tap."""
        return self.get_buffer("spread").item()

    @width.setter
    def width(self, width: float) -> None:
        if not (isfinite(width) and width >= 0):
            raise ValueError(f"width {width} is not a length of time; give a finite number of steps, 0 or more")
        self.get_buffer("spread").fill_(width)

    @property
    def delay(self) -> Tensor:
        """The delays in force, time steps: positions within 0..longest, in the shape of `position`."""
        return within(self.position, 0, self.longest)

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, time, inputs); returns (batch, time, outputs).

        In training, positions that a step of the optimiser has carried out of 0..longest are put back first.
        """
        if x.dim() != 3 or x.shape[-1] != self.inputs:
            raise ValueError(f"input of shape {tuple(x.shape)} is not (batch, time, {self.inputs}); reshape it")
        if self.training:
            with torch.no_grad():
                self.position.clamp_(0, self.longest)
        return delayed(x, self.weight, self.delay, self.longest, self.width, KERNELS[self.kernel])

    def rounded(self) -> IntegerDelays:
        """The layer for inference: a copy of the weights, each delay rounded to the nearest step (halves to even)."""
        return IntegerDelays(self.weight.detach().clone(), self.delay.detach().round().long(), self.longest)

    @torch.no_grad()
    def settle(self) -> None:
        """Rounds the delays in place, fixes them and sets width 0: from here the layer computes what `rounded()` does.

        Weights may be trained on, with the very delays that will be deployed.
        """
        self.position.copy_(self.delay.round()).requires_grad_(False)
        self.width = 0.0

    def extra_repr(self) -> str:
        return f"{self.inputs}, {self.outputs}, longest={self.longest}, kind={self.kind!r}, kernel={self.kernel!r}"
