"""Back-propagation: the gradient of the loss by the chain rule, through time where the model has time."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class Backpropagation:
    """The gradient itself, of any model with parameters that learn."""

    def __init__(self, model: nn.Module) -> None:
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise ValueError(f"{type(model).__name__} has no parameter that learns; set requires_grad on some")

    def __call__(
        self, forward: Callable[..., Any], inputs: tuple[Tensor, ...], labels: Tensor, loss: Callable[..., Tensor]
    ) -> Tensor:
        mean = loss(forward(*inputs), labels)
        mean.backward()
        return mean.detach()
