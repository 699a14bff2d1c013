"""The average of the weights over the last steps of training, which is tested in place of the last weights.

An exponential average with the time constant `steps`: w̄ ← w̄ + (w - w̄) / steps (Polyak and Juditsky 1992 in its
running form). It costs one pass over the weights a step and smooths what the last batches did.
"""

from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


class AveragedWeights:
    """The average of the weights of `model` over about `steps` steps; the weights themselves with `steps` 0.

    `model` is the module to validate, save and test; buffers, such as the statistics of batch normalisation, are
    averaged too.
    """

    def __init__(self, model: nn.Module, steps: int) -> None:
        kept = get_ema_multi_avg_fn(1 - 1 / steps) if steps else None
        self.averaged = AveragedModel(model, multi_avg_fn=kept, use_buffers=True) if kept else None
        self.model: nn.Module = self.averaged.module if self.averaged else model

    def update(self, model: nn.Module) -> None:
        """Take in the weights after a step."""
        if self.averaged is not None:
            self.averaged.update_parameters(model)
