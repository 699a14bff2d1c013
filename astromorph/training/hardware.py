"""Where the arithmetic happens and in which precision."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor


class Processor(NamedTuple):
    """A device and the type its matrix products use."""

    device: torch.device
    bfloat16: bool

    @classmethod
    def choose(cls, precision: str) -> "Processor":
        """The GPU if there is one; bfloat16 if asked for or, with "auto", where the hardware multiplies in it."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        native = device.type == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()
        return cls(device, precision == "bfloat16" or (precision == "auto" and native))

    def precision(self) -> AbstractContextManager:
        """A context in which matrix products run in bfloat16, or an empty one."""
        return torch.autocast(self.device.type, torch.bfloat16) if self.bfloat16 else nullcontext()

    def move(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        return [tensor.to(self.device, non_blocking=True) for tensor in tensors]
