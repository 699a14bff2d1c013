"""Numbers and curves that are measured: parts of a module, but neither learned nor among its weights.

A curve is the monotone cubic interpolant of its points. Between two points it is a cubic polynomial whose slopes at the
points are harmonic means of the neighbouring ones, 0 where these differ in sign (Fritsch and Butland, SIAM J Sci Stat
Comput 5:300, 1984): the curve rises where the points rise and never overshoots them. It has a continuous derivative.
The polynomials are SciPy's.
"""

from functools import partial
from typing import Any

import torch
from scipy.interpolate import PchipInterpolator
from torch import Tensor, nn

from astromorph.within import within

MEASURED = "measured"  # of a state dict's metadata


def hold(module: nn.Module, **coefficients: float) -> None:
    """Keep numbers that belong to the settings, not to the weights.

    As tensors without axes: they take the type of what they meet, and torch.compile does not treat them as inputs. A
    state dict names them in its metadata, and is not loaded beside other ones.
    """
    hold_tensors(
        module, **{name: torch.tensor(value, dtype=torch.float64, device="cpu") for name, value in coefficients.items()}
    )
    module.register_state_dict_post_hook(partial(_name_them, coefficients=coefficients))
    module.register_load_state_dict_pre_hook(partial(_compare, coefficients=coefficients))


def hold_tensors(module: nn.Module, **tensors: Tensor) -> None:
    """The same of tensors on a processor. A layer that was made on the meta device has them again when it is loaded."""
    for name, tensor in tensors.items():
        module.register_buffer(name, tensor.to(torch.get_default_device(), copy=True), persistent=False)
    module.register_load_state_dict_pre_hook(partial(_hold_again, tensors=tensors))


def _hold_again(module: nn.Module, *_: Any, tensors: dict[str, Tensor]) -> None:
    """torch calls this before it loads a layer."""
    for name, tensor in tensors.items():
        before = module._buffers.get(name)
        if before is None:  # it is learned now
            continue
        place = (
            next((p.device for p in module.parameters() if not p.is_meta), tensor.device)
            if before.is_meta
            else before.device
        )
        setattr(module, name, tensor.to(place, before.dtype, copy=True))


def _name_them(module: nn.Module, _: Any, __: str, metadata: dict[str, Any], *, coefficients: dict[str, float]) -> None:
    metadata[MEASURED] = {name: float(value) for name, value in coefficients.items() if name in module._buffers}


def _compare(
    module: nn.Module, _: Any, __: str, metadata: dict[str, Any], ___: bool, ____: Any, _____: Any,
    messages: list[str], *, coefficients: dict[str, float],
) -> None:  # fmt: skip
    """torch raises RuntimeError with the messages; weights that say nothing, as older ones, are taken as they are."""
    for name, saved in metadata.get(MEASURED, {}).items():
        if name in module._buffers and saved != (here := float(coefficients.get(name, saved))):
            messages.append(
                f"the weights belong to {name} {saved:.9g} of a {type(module).__name__}, and this one has {here:.9g}; "
                f"build it with the same numbers, or load dict(state) to take the weights alone"
            )


class MonotoneCurve(nn.Module):
    """The interpolant of `values` at `knots`, both (knots,), rising knots; constant beyond the first and the last."""

    knots: Tensor
    polynomials: Tensor

    def __init__(self, knots: Tensor, values: Tensor) -> None:
        super().__init__()
        knots, values = knots.double(), values.double()
        pieces = PchipInterpolator(knots.numpy(), values.numpy()).c  # (4, knots - 1), highest power first
        hold_tensors(self, knots=knots, polynomials=torch.from_numpy(pieces.copy()))

    def forward(self, at: Tensor) -> Tensor:
        """at: any shape, of a floating type no narrower than the curve is wanted; returns the same."""
        knots, (a, b, c, d) = self.knots.to(at.dtype), self.polynomials.to(at.dtype)
        inside = within(at, knots[0], knots[-1])
        piece = torch.bucketize(inside.detach().contiguous(), knots[1:-1], right=True)
        step = inside - knots[piece]
        return ((a[piece] * step + b[piece]) * step + c[piece]) * step + d[piece]
