"""How does the cost of attention grow with the number of tokens, in time and in memory?

Times mechanisms alone, without projections, on random queries, keys and values: the recommended astromorphic attention
(calcium response and additive distance kernel), the same without either, content that fades over distance, PyTorch's
fused softmax, and linear attention spelled with einsum as in Katharopoulos et al. (2020, Eq. 5). All share one process
and take turns, so that a busy machine slows all of them; the median of the turns counts. Memory is the peak of what
the process holds during forward and backward beyond what it held before the inputs were made, over the size of inputs
and outputs (Linux). Before anything is timed, outputs and gradients of every mechanism are compared with what it gives
in float64, where ours takes the plain formulas.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn

from astromorph.astrocyte import response_module
from astromorph.attention.distance import AdditiveDistance, MultiplicativeDistance
from astromorph.attention.functional import astromorphic_attention
from astromorph.attention.responses import MeanActivityResponse
from astromorph.settings import CalciumResponse
from astromorph.settings.checks import check_seed
from biophys.simulation.progress import progress
from studies.benches.comparison import name_machine, refuse_different, refuse_few, say_how_long, take_turns
from studies.benches.machine import peak_memory, processor
from studies.figure import paper_style
from studies.numerals import counted
from studies.threads import processor_threads

REFERENCE = "softmax"
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
TOLERANCES = {"float32": 1e-4, "bfloat16": 0.05}  # of the largest number of an output or gradient
COMPARED, TRIED = 48, 512  # tokens on which results are compared, and at most those of the turn that tells how long
Case = tuple[str, bool, int]  # precision, causal, tokens
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
    plain = partial(astromorphic_attention, is_causal=causal)
    ours = partial(plain, response=MeanActivityResponse(response_module(response)))
    compared: dict[str, Mechanism] = {
        REFERENCE: partial(F.scaled_dot_product_attention, is_causal=causal),
        "linear, einsum": EinsumLinearAttention(),
        "astromorphic": partial(ours, position=AdditiveDistance(heads)),
        "astromorphic, linear": plain,
        "astromorphic, fading": partial(ours, position=MultiplicativeDistance(heads)),
    }
    if causal:
        del compared["linear, einsum"]
    return compared


def bench(
    lengths: Sequence[int] = (256, 512, 1024, 4096, 16384),
    *,
    batch: int = 4,
    heads: int = 4,
    features: int = 32,
    repeats: int = 3,
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
    check_seed(seed)
    refuse_few(batch=batch, heads=heads, features=features, repeats=repeats, threads=threads, tokens=lengths)
    torch.manual_seed(seed)
    rows: list[dict[str, object]] = []
    cases = list(product(PRECISIONS, (False, True), sorted(set(lengths))))
    with processor_threads(threads):
        for precision, causal in product(PRECISIONS, (False, True)):
            compare_results(precision, causal, heads, features, response)
        taken = expected_seconds(cases, (batch, heads, features), repeats, softmax_up_to, response)
        say_how_long(taken, f"{counted(len(cases), 'case')} of 4 or 5 mechanisms", threads)
        for precision, causal, tokens in progress(cases, unit="case"):
            compared = mechanisms(heads, response, causal)
            if tokens > softmax_up_to:
                del compared[REFERENCE]
            shape, dtype = (batch, heads, tokens, features), PRECISIONS[precision]
            memory = {name: memory_over_held(each, shape, dtype) for name, each in compared.items()}
            inputs = [torch.randn(shape).to(dtype).requires_grad_() for _ in range(3)]
            case = {"precision": precision, "causal": causal, "tokens": tokens}
            warm = int(any(map(math.isnan, memory.values())))  # what is known was measured in a turn that warmed
            rows += [case | row for row in timed(compared, inputs, repeats, memory, warm)]
    frame = pd.DataFrame(rows)
    frame.attrs["hardware"] = f"{processor()}, {counted(threads, 'thread')}"
    return frame


def compare_results(precision: str, causal: bool, heads: int, features: int, response: CalciumResponse) -> None:
    """ValueError unless every mechanism gives what it gives in float64, on the same numbers, in both passes."""
    shape, dtype = (2, heads, COMPARED, features), PRECISIONS[precision]
    given = [torch.randn(shape).to(dtype) for _ in range(4)]
    for name, mechanism in mechanisms(heads, response, causal).items():
        results, expected = both_passes(mechanism, given), both_passes(mechanism, [each.double() for each in given])
        what = f"{name} in {precision}, {'causal' if causal else 'all tokens'}"
        for result, exact in zip(results, expected, strict=True):
            refuse_different(what, result.double().numpy(), exact.numpy(), TOLERANCES[precision])


def both_passes(mechanism: Mechanism, given: Sequence[Tensor]) -> list[Tensor]:
    """Output, and the gradients of query, key and value where the last of those given comes back to the output."""
    inputs = [each.clone().requires_grad_() for each in given[:3]]
    output = mechanism(*inputs)
    return [output.detach(), *torch.autograd.grad(output, inputs, given[3])]


def expected_seconds(
    cases: Iterable[Case], shape: tuple[int, int, int], repeats: int, softmax_up_to: int, response: CalciumResponse
) -> float:
    """Of all cases, from one turn of every mechanism at few tokens, of which softmax's grows with their square."""
    batch, heads, features = shape
    lengths: dict[tuple[str, bool], list[int]] = {}
    for precision, causal, tokens in cases:
        lengths.setdefault((precision, causal), []).append(tokens)
    total = 0.0
    for (precision, causal), several in lengths.items():
        few = min(TRIED, max(several))
        inputs = [torch.randn(batch, heads, few, features).to(PRECISIONS[precision]) for _ in range(4)]
        for name, mechanism in mechanisms(heads, response, causal).items():
            both_passes(mechanism, inputs)
            start = time.perf_counter()
            both_passes(mechanism, inputs)
            once = time.perf_counter() - start
            power = 2 if name == REFERENCE else 1
            counts = [tokens for tokens in several if name != REFERENCE or tokens <= softmax_up_to]
            total += once * sum(max(tokens / few, 1) ** power for tokens in counts)
    return total * (repeats + 1)  # one for memory, which does not count


def timed(
    compared: Mapping[str, Mechanism],
    inputs: Sequence[Tensor],
    repeats: int,
    memory: Mapping[str, float],
    warm: int = 1,
) -> list[dict[str, object]]:
    """A row a mechanism: medians and extremes of its turns, and the ratio to softmax where that is among them."""
    gradient = torch.randn_like(inputs[0])
    works = {name: partial(one_turn, each, inputs, gradient) for name, each in compared.items()}
    turns = take_turns(works, repeats, warm=warm)
    medians = {name: np.median(seconds, 0) for name, seconds in turns.items()}
    return [
        {
            "mechanism": name,
            "forward_seconds": medians[name][0],
            "seconds": medians[name][1],
            "fastest": min(both for _, both in seconds),
            "slowest": max(both for _, both in seconds),
            "times_faster_than_softmax": medians[REFERENCE][1] / medians[name][1] if REFERENCE in medians else math.nan,
            "memory_over_inputs_and_outputs": memory[name],
        }
        for name, seconds in turns.items()
    ]


def one_turn(mechanism: Mechanism, inputs: Sequence[Tensor], gradient: Tensor) -> tuple[float, float]:
    """Seconds of the forward pass and of both passes."""
    for tensor in inputs:
        tensor.grad = None
    start = time.perf_counter()
    output = mechanism(*inputs)
    middle = time.perf_counter()
    output.backward(gradient)
    return middle - start, time.perf_counter() - start


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


def draw(frame: pd.DataFrame) -> Figure:
    """Seconds against tokens, a panel a precision and order; bars from fastest to slowest turn."""
    colours = {name: f"C{i}" for i, name in enumerate(mechanisms(1, CalciumResponse(), causal=False))}
    cases = frame.groupby(["precision", "causal"], sort=False)
    with paper_style():
        figure, panels = plt.subplots(2, 2, figsize=(7.2, 5.6), sharex=True, sharey=True)
        for axes, ((precision, causal), case) in zip(panels.flat, cases, strict=True):
            for name, rows in case.groupby("mechanism", sort=False):
                spread = [rows.seconds - rows.fastest, rows.slowest - rows.seconds]
                look = {"fmt": "o-", "capsize": 2, "color": colours[str(name)]}
                axes.errorbar(rows.tokens, rows.seconds, spread, label=name, **look)
            axes.set(xscale="log", yscale="log", xlabel="tokens", ylabel="forward and backward (s)")
            axes.set_title(f"{precision}, {'causal' if causal else 'all tokens'}")
            lengths = sorted(case.tokens.unique())
            axes.set_xticks(lengths, map(str, lengths))
            axes.minorticks_off()
            axes.label_outer()
        figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
        name_machine(figure, frame)
    return figure
