"""Muon: steps along the orthogonalised momentum, which learn in fewer steps than AdamW or SGD.

Of a matrix of weights with the gradients' running sum M = U Σ Vᵀ, the step is U Vᵀ: every direction that the gradients
know moves by the same amount, none is left behind because it is weak (K. Jordan et al., "Muon: an optimizer for hidden
layers in neural networks", 2024):

    M ← μ M + G,   W ← (1 - η λ) W - η √max(1, rows / columns) orthogonalised(G + μ M)

U Vᵀ is not computed by a singular value decomposition but by the iteration

    X₀ = M / ‖M‖,   X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X

which acts on each singular value alone, s ← a s + b s³ + c s⁵. With the constants below, after three rounds every value
from 0.02 to 1 lies between 0.68 and 1.21. More is not needed, so bfloat16 will do, and the cost is a few matrix
products a step, whatever the batch.

Filters of a convolution are a matrix with a row an output. Batch normalisation follows them, so that their size does
not act: before each step it is set to ‖W‖ = √rows, and the learning rate means the same angle throughout (the same
author's airbench94). What is no hidden matrix, thresholds, positions and the read-out, goes by AdamW.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from astromorph.models.encoder import EncoderLayer

ROUNDS = 3
COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # a, b, c
MATRICES, OTHERS = 0.3, 0.04  # learning rates of matrices and of AdamW in units of that of filters
BETAS, LEAST = (0.9, 0.98), 1e-8  # of AdamW


def orthogonalised(matrix: Tensor, rounds: int = ROUNDS) -> Tensor:
    """Nearly U Vᵀ of `matrix` = U Σ Vᵀ: (rows, columns), any number type, which the result has too."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.mT if tall else matrix).bfloat16()
    x = x / x.norm().clamp_min(torch.finfo(torch.float32).tiny)
    for _ in range(rounds):
        squared = x @ x.mT
        x = a * x + (b * squared + c * squared @ squared) @ x
    return (x.mT if tall else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Groups of parameters of three kinds: "filters" and "matrices" go by Muon, "others" by AdamW.

    filters: (outputs, inputs, height, width); matrices: (rows, columns); others: any shape. `learning_rate` is that of
    filters, the norm of a step's matrix; those of matrices and of the others are in proportion.
    """

    def __init__(
        self,
        filters: Iterable[Tensor],
        matrices: Iterable[Tensor],
        others: Iterable[Tensor],
        learning_rate: float,
        momentum: float,
        weight_decay: float,
    ) -> None:
        shares = {"filters": (filters, 1.0), "matrices": (matrices, MATRICES), "others": (others, OTHERS)}
        groups = [
            {"params": list(parameters), "kind": kind, "lr": share * learning_rate}
            for kind, (parameters, share) in shares.items()
        ]
        super().__init__(
            [group for group in groups if group["params"]], {"momentum": momentum, "weight_decay": weight_decay}
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Moves every parameter that has a gradient; returns what `closure` returns."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            move = adamw_step if group["kind"] == "others" else muon_step
            for parameter in group["params"]:
                if parameter.grad is not None:
                    move(parameter, parameter.grad, self.state[parameter], group)
        return loss


def muon_step(weight: Tensor, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
    """A step of a matrix or of filters; `state` holds M."""
    if not state:
        state["momentum"] = torch.zeros_like(weight)
    rate, momentum = group["lr"], state["momentum"]
    momentum.mul_(group["momentum"]).add_(gradient)
    ahead = gradient.add(momentum, alpha=group["momentum"]).flatten(1)
    rows, columns = ahead.shape
    if group["kind"] == "filters":
        weight.mul_(rows**0.5 / weight.norm())
    else:
        weight.mul_(1 - rate * group["weight_decay"])
    weight.add_(orthogonalised(ahead).view_as(weight), alpha=-rate * max(1.0, rows / columns) ** 0.5)


def adamw_step(weight: Tensor, gradient: Tensor, state: dict[str, Tensor], group: dict[str, Any]) -> None:
    """A step of AdamW (Loshchilov and Hutter, arXiv:1711.05101, 2019, Algorithm 2); vectors do not decay."""
    if not state:
        state |= {"step": torch.zeros(()), "mean": torch.zeros_like(weight), "square": torch.zeros_like(weight)}
    state["step"] += 1
    (first, second), count = BETAS, state["step"].item()
    mean = state["mean"].lerp_(gradient, 1 - first) / (1 - first**count)
    square = state["square"].mul_(second).addcmul_(gradient, gradient, value=1 - second) / (1 - second**count)
    if weight.dim() > 1:
        weight.mul_(1 - group["lr"] * group["weight_decay"])
    weight.addcdiv_(mean, square.sqrt_().add_(LEAST), value=-group["lr"])


def muon(model: nn.Module, learning_rate: float, momentum: float, weight_decay: float) -> Muon:
    """Muon for the filters and the encoder layers' matrices of `model`, AdamW for the rest."""
    filters = list(weights(model, nn.Conv2d))
    layers = [module for module in model.modules() if isinstance(module, EncoderLayer)]
    matrices = [weight for layer in layers for weight in weights(layer, nn.Linear)]
    hidden = {id(weight) for weight in (*filters, *matrices)}
    others = [each for each in model.parameters() if each.requires_grad and id(each) not in hidden]
    return Muon(filters, matrices, others, learning_rate, momentum, weight_decay)


def weights(model: nn.Module, kind: type[nn.Conv2d] | type[nn.Linear]) -> Iterator[Tensor]:
    return (module.weight for module in model.modules() if isinstance(module, kind))
