"""How does the cost of attention grow with the number of tokens, in time and in memory?

Times mechanisms alone, without projections, on random queries, keys and values: the recommended astromorphic attention
(calcium response and additive distance kernel), the same without either, content that fades over distance, PyTorch's
fused softmax, and linear attention spelled with einsum as in Katharopoulos et al. (2020, Eq. 5). All share one process
and take turns, so that a busy machine slows all of them; the median of the turns counts. Memory is the peak of what
the process holds during forward and backward beyond what it held before the inputs were made, over the size of inputs
and outputs (Linux).
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import matplotlib.pyplot as plt
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn
from tqdm import tqdm

from astromorph.astrocyte import response_module
from astromorph.attention.distance import AdditiveDistance, MultiplicativeDistance
from astromorph.attention.functional import astromorphic_attention
from astromorph.attention.responses import MeanActivityResponse
from astromorph.settings import CalciumResponse
from studies.benches.machine import peak_memory, processor
from studies.figure import paper_style
from studies.threads import processor_threads

REFERENCE = "softmax"
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
Mechanism = Callable[[Tensor, Tensor, Tensor], Tensor]


class EinsumLinearAttention(nn.Module):
    """Linear attention as it is usually written, without masks or care for precision."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        query, key = nn.functional.elu(query) + 1, nn.functional.elu(key) + 1
        memory = torch.einsum("bhtf,bhtv->bhfv", key, value)
        total = torch.einsum("bhtf,bhuf->bht", query, key.sum(2, keepdim=True))
        return torch.einsum("bhtf,bhfv->bhtv", query, memory) / total.unsqueeze(-1)


def mechanisms(heads: int, response: CalciumResponse, causal: bool) -> dict[str, Mechanism]:
    """What is compared, by name; einsum has no causal form of linear cost."""
    rho = MeanActivityResponse(response_module(response))
    near, fading = AdditiveDistance(heads), MultiplicativeDistance(heads)
    compared: dict[str, Mechanism] = {
        REFERENCE: lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal),
        "linear, einsum": EinsumLinearAttention(),
        "astromorphic": lambda q, k, v: astromorphic_attention(q, k, v, is_causal=causal, response=rho, position=near),
        "astromorphic, linear": lambda q, k, v: astromorphic_attention(q, k, v, is_causal=causal),
        "astromorphic, fading": lambda q, k, v: astromorphic_attention(
            q, k, v, is_causal=causal, response=rho, position=fading
        ),
    }  # fmt: skip
    if causal:
        del compared["linear, einsum"]
    return compared


def bench(
    lengths: Sequence[int] = (256, 512, 1024, 4096, 16384),
    *,
    batch: int = 4,
    heads: int = 4,
    features: int = 32,
    repeats: int = 7,
    softmax_up_to: int = 8192,
    threads: int = 2,
    seed: int = 0,
    response: CalciumResponse = CalciumResponse(),  # noqa: B008 - frozen
) -> pd.DataFrame:
    """Seconds and memory of every mechanism, length and precision, causal and not.

    Args:
        lengths: numbers of tokens.
        batch: inputs at once.
        heads: heads of each.
        features: features of a head.
        repeats: turns of each mechanism, after one that does not count; their median is reported.
        softmax_up_to: tokens beyond which softmax, whose cost grows with their square, is left out.
        threads: processor threads.
        seed: of the random inputs.
        response: calcium response of the astromorphic mechanism.

    Returns the columns precision, causal, tokens, mechanism, forward_seconds, seconds (forward and backward), fastest,
    slowest, times_faster_than_softmax, memory_over_inputs_and_outputs.
    """
    counts = {"batch": batch, "heads": heads, "features": features, "repeats": repeats, "threads": threads}
    for name, count in [*counts.items(), *(("tokens", length) for length in lengths)]:
        if count < 1:
            raise ValueError(f"{name} {count} leaves nothing to time; use at least 1")
    torch.manual_seed(seed)
    rows: list[dict[str, object]] = []
    orders = (False, True)
    cases = [(p, causal, tokens) for p in PRECISIONS for causal in orders for tokens in sorted(set(lengths))]
    with processor_threads(threads):
        for precision, causal, tokens in tqdm(cases, unit="case", disable=None):
            compared = mechanisms(heads, response, causal)
            if tokens > softmax_up_to:
                del compared[REFERENCE]
            shape, dtype = (batch, heads, tokens, features), PRECISIONS[precision]
            memory = {name: memory_over_held(each, shape, dtype) for name, each in compared.items()}
            inputs = [torch.randn(shape).to(dtype).requires_grad_() for _ in range(3)]
            forward, both = take_turns(compared, inputs, repeats)
            case = {"precision": precision, "causal": causal, "tokens": tokens}
            rows += [case | row for row in summarised(forward, both, memory)]
    frame = pd.DataFrame(rows)
    frame.attrs["hardware"] = f"{processor()}, {threads} threads"
    return frame


def take_turns(
    compared: Mapping[str, Mechanism], inputs: Sequence[Tensor], repeats: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds of each turn of each mechanism, forward and both passes, the first turn left out."""
    forward: dict[str, list[float]] = {name: [] for name in compared}
    both: dict[str, list[float]] = {name: [] for name in compared}
    gradient = torch.randn_like(inputs[0])
    for turn in range(repeats + 1):
        for name, mechanism in compared.items():
            for tensor in inputs:
                tensor.grad = None
            start = time.perf_counter()
            output = mechanism(*inputs)
            middle = time.perf_counter()
            output.backward(gradient)
            end = time.perf_counter()
            del output
            if turn:
                forward[name].append(middle - start)
                both[name].append(end - start)
    return forward, both


def memory_over_held(mechanism: Mechanism, shape: tuple[int, ...], dtype: torch.dtype) -> float:
    """Peak of memory over inputs, output and a training step, in sizes of inputs and output; NaN if it is not known."""
    held = 1

    def step() -> None:
        nonlocal held
        inputs = [torch.randn(shape, dtype=dtype).requires_grad_() for _ in range(3)]
        output = mechanism(*inputs)
        output.backward(torch.ones_like(output))
        held = sum(x.nbytes for x in (*inputs, output))

    return peak_memory(step) / held


def summarised(
    forward: Mapping[str, list[float]], both: Mapping[str, list[float]], memory: Mapping[str, float]
) -> list[dict[str, object]]:
    """A row a mechanism: medians, extremes, and the ratio to softmax where that was timed."""
    medians = {name: median(seconds) for name, seconds in both.items()}
    return [
        {
            "mechanism": name,
            "forward_seconds": median(forward[name]),
            "seconds": medians[name],
            "fastest": min(seconds),
            "slowest": max(seconds),
            "times_faster_than_softmax": medians.get(REFERENCE, math.nan) / medians[name],
            "memory_over_inputs_and_outputs": memory[name],
        }
        for name, seconds in both.items()
    ]


def draw(frame: pd.DataFrame) -> Figure:
    """Seconds against tokens, a panel a precision and order; bars from fastest to slowest turn."""
    panels = list(frame.groupby(["precision", "causal"], sort=False))
    with paper_style():
        figure, grid = plt.subplots(2, 2, figsize=(7.2, 5.6), sharex=True, sharey=True)
        for axes, ((precision, causal), rows) in zip(grid.flat, panels, strict=True):
            _draw_panel(axes, rows)
            axes.set_title(f"{precision}, {'causal' if causal else 'all tokens'}")
        for axes in grid[1]:
            axes.set_xlabel("tokens")
        for axes in grid[:, 0]:
            axes.set_ylabel("forward and backward (s)")
        figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
        if "hardware" in frame.attrs:
            figure.supxlabel(frame.attrs["hardware"], fontsize=8)
    return figure


def _draw_panel(axes: Axes, frame: pd.DataFrame) -> None:
    colours = {name: f"C{i}" for i, name in enumerate(mechanisms(1, CalciumResponse(), causal=False))}
    for name, rows in frame.groupby("mechanism", sort=False):
        spread = [rows.seconds - rows.fastest, rows.slowest - rows.seconds]
        axes.errorbar(rows.tokens, rows.seconds, spread, fmt="o-", capsize=2, label=name, color=colours[str(name)])
    axes.set(xscale="log", yscale="log")
    lengths = sorted(frame.tokens.unique())
    axes.set_xticks(lengths, [str(length) for length in lengths])
    axes.minorticks_off()
