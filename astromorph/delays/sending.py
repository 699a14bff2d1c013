"""Events written into the future of their targets: an event of input i adds w_oi to output o, d_oi slots on, in a ring.

The one operation of streaming inference, and of whole sequences where there is no compiler (else `spikes.py`); its cost
is the number of events times the number of outputs, whatever the delays. `send.cpp` does it where there is a compiler,
the plain form everywhere.
"""

import ctypes
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from astromorph.native.build import library

SOURCE = Path(__file__).with_name("send.cpp")
AT_ONCE = 2**17  # contributions in flight in the plain form


class Outgoing(NamedTuple):
    """Connections by their source, so that those of one input lie together: (inputs, outputs) each."""

    weight: Tensor
    offset: Tensor  # places in the future from an event's slot, output 0, to the arrival: d_oi · outputs + o


def outgoing(weight: Tensor, steps: Tensor) -> Outgoing:
    """weight: (outputs, inputs); steps: whole delays, broadcast to the same."""
    outputs = len(weight)
    offset = steps * outputs + torch.arange(outputs, device=steps.device)[:, None]
    return Outgoing(weight.T.contiguous(), offset.expand_as(weight).T.contiguous())


def send(future: Tensor, connections: Outgoing, sample: Tensor, slot: Tensor, source: Tensor, value: Tensor) -> None:
    """Adds in place to future (batch, slots, outputs), without gaps; the events' tensors: (events,)."""
    value = value.to(future.dtype)
    floats = future.dtype == torch.float32 == connections.weight.dtype
    loaded = library(SOURCE) if floats and future.device.type == "cpu" else None
    if loaded is None:
        _send_plainly(future, connections, sample, slot, source, value)
        return
    slots, outputs = future.shape[1:]
    given = [tensor.contiguous() for tensor in (sample, slot, source, value, connections.offset, connections.weight)]
    sizes = (ctypes.c_int64(size) for size in (len(value), slots, outputs))
    loaded.astromorph_send(*sizes, *(ctypes.c_void_p(tensor.data_ptr()) for tensor in (*given, future)))


def _send_plainly(
    future: Tensor, connections: Outgoing, sample: Tensor, slot: Tensor, source: Tensor, value: Tensor
) -> None:
    slots, outputs = future.shape[1:]
    for part in torch.arange(len(value), device=value.device).split(max(1, AT_ONCE // outputs)):
        place = (slot[part, None] * outputs + connections.offset[source[part]]) % (slots * outputs)
        place += sample[part, None] * (slots * outputs)
        added = connections.weight[source[part]] * value[part, None]
        future.view(-1).index_add_(0, place.flatten(), added.flatten())
