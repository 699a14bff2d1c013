"""The positive feature map of linear attention: activity of hidden neurons as a function of their input.

φ(x) = elu(x) + 1 (Katharopoulos et al. 2020, Eq. 7; Mia et al. 2025, Eq. 4). φ is positive everywhere, φ(0) = 1, so a
hidden neuron at rest has activity 1, which the mapping ties to the reference rate of the measured calcium response.
"""

import torch.nn.functional as F
from torch import Tensor


def positive_activity(x: Tensor) -> Tensor:
    """φ(x) = elu(x) + 1, elementwise; any shape."""
    return F.elu(x) + 1
