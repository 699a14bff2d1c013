"""Weights under the names of version 0.4: one attention layer kept its projections apart and its parts beside them.

to_query, to_key, to_value   are one matrix, to_query_key_value
position.…                   is a part of the mechanism (a learned drive had its table one level down)
mechanism.mechanism.…        stood behind a gain, which is a number of the layer now
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

APART = ("to_query.", "to_key.", "to_value.")


def in_todays_names(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors where they belong today; others as they are."""
    renamed = {name.replace("mechanism.mechanism.", "mechanism."): tensor for name, tensor in stored.items()}
    for layer in [name.removesuffix("to_query.weight") for name in stored if name.endswith("to_query.weight")]:
        for kind in ("weight", "bias"):
            together = [renamed.pop(f"{layer}{name}{kind}") for name in APART if f"{layer}{name}{kind}" in renamed]
            if len(together) == len(APART):
                joined = torch.cat(together) if together[0].dim() else together[0]  # an optimiser's count of steps
                renamed[f"{layer}to_query_key_value.{kind}"] = joined
        for name in beginning(renamed, f"{layer}position."):
            place = name.removeprefix(f"{layer}position.").removeprefix("drive.")
            renamed[f"{layer}mechanism.position.{place}"] = renamed.pop(name)
    return renamed


def beginning(names: Iterable[str], prefix: str) -> list[str]:
    return [name for name in names if name.startswith(prefix)]
