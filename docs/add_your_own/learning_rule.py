"""Every weight by the sign of its gradient (Bernstein et al. 2018, "signSGD", arXiv 1802.04434)."""

from torch import Tensor, nn

from astromorph.learning_rules.backpropagation import Backpropagation


class SignGradient:
    """The gradient with all entries of a tensor at their mean size; at an angle below 90 degrees to the true one."""

    def __init__(self, model: nn.Module) -> None:
        self.exact, self.parameters = Backpropagation(model), list(model.parameters())

    def __call__(self, forward, inputs, labels, loss) -> Tensor:
        mean = self.exact(forward, inputs, labels, loss)
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.grad = parameter.grad.sign() * parameter.grad.abs().mean()
        return mean
