"""How does the cost of an attention mechanism grow with the number of tokens?

Times forward and backward of the mechanisms alone (no projections) on random queries, keys and values,
beside two alternatives: softmax through PyTorch's fused kernel, and linear attention spelled with einsum as
in Katharopoulos et al. (2020, Eq. 5). All share one process and take turns, so that a busy machine slows all
of them; the median of the turns counts. Softmax costs N² by its nature. The write and read phases of
astromorphic attention cost N, but the positional drive (Mia, Bal and Sengupta 2025, Eq. 12) multiplies by an
N x N distance kernel, once for all inputs of a batch; hence the rows with and without it.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn
from tqdm import tqdm

from astromorph.astrocyte import PositionalDrive, response_module
from astromorph.attention import AstromorphicAttention, LinearAttention, SoftmaxAttention
from astromorph.settings import CalciumResponse
from studies.threads import processor_threads

REFERENCE = "softmax"
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
POSITION_SCALE = 16.0  # tokens, the default of the IMDB settings


class EinsumLinearAttention(nn.Module):
    """Linear attention as it is usually written, without masks or care for precision."""

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        query, key = nn.functional.elu(query) + 1, nn.functional.elu(key) + 1
        memory = torch.einsum("bhtf,bhtv->bhfv", key, value)
        total = torch.einsum("bhtf,bhuf->bht", query, key.sum(2, keepdim=True))
        return torch.einsum("bhtf,bhfv->bhtv", query, memory) / total.unsqueeze(-1)


def mechanisms(heads: int, features: int, tokens: int, response: CalciumResponse) -> dict[str, nn.Module]:
    """What is compared, by name."""
    rho = response_module(response)
    drive = PositionalDrive(heads, features, tokens, POSITION_SCALE)
    return {
        REFERENCE: SoftmaxAttention(),
        "linear, einsum": EinsumLinearAttention(),
        "linear": LinearAttention(),
        "astromorphic": AstromorphicAttention(rho, drive),
        "astromorphic, no drive": AstromorphicAttention(rho),
    }


def bench(
    lengths: Sequence[int] = (256, 512, 1024, 2048, 4096),
    *,
    batch: int = 4,
    heads: int = 4,
    features: int = 32,
    repeats: int = 5,
    threads: int = 2,
    seed: int = 0,
    response: CalciumResponse = CalciumResponse(),  # noqa: B008 - frozen
) -> pd.DataFrame:
    """Seconds for forward and backward of every mechanism, length and precision.

    Args:
        lengths: numbers of tokens.
        batch: inputs at once.
        heads: heads of each.
        features: features of a head.
        repeats: turns of each mechanism, after one that does not count; their median is reported.
        threads: processor threads.
        seed: of the random inputs.
        response: calcium response of the astromorphic mechanism.

    Returns the columns precision, tokens, mechanism, seconds, fastest, slowest, ratio_to_softmax.
    """
    counts = {"batch": batch, "heads": heads, "features": features, "repeats": repeats, "threads": threads}
    for name, count in [*counts.items(), *(("tokens", length) for length in lengths)]:
        if count < 1:
            raise ValueError(f"{name} {count} leaves nothing to time; use at least 1")
    torch.manual_seed(seed)
    rows: list[dict[str, object]] = []
    cases = [(precision, tokens) for precision in PRECISIONS for tokens in sorted(set(lengths))]
    with processor_threads(threads):
        for precision, tokens in tqdm(cases, unit="case", disable=None):
            inputs = [
                torch.randn(batch, heads, tokens, features).to(PRECISIONS[precision]).requires_grad_() for _ in range(3)
            ]
            timed = take_turns(mechanisms(heads, features, tokens, response), inputs, repeats)
            rows += [{"precision": precision, "tokens": tokens, **row} for row in summarised(timed)]
    return pd.DataFrame(rows)


def take_turns(compared: Mapping[str, nn.Module], inputs: Sequence[Tensor], repeats: int) -> dict[str, list[float]]:
    """Seconds of each turn of each mechanism, the first turn left out."""
    seconds: dict[str, list[float]] = {name: [] for name in compared}
    gradient = torch.randn_like(inputs[0])
    for turn in range(repeats + 1):
        for name, mechanism in compared.items():
            for tensor in (*inputs, *mechanism.parameters()):
                tensor.grad = None
            start = time.perf_counter()
            mechanism(*inputs).backward(gradient)
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def summarised(timed: Mapping[str, list[float]]) -> list[dict[str, object]]:
    """A row a mechanism: median, extremes, and the median over softmax's."""
    medians = {name: median(seconds) for name, seconds in timed.items()}
    return [
        {
            "mechanism": name,
            "seconds": medians[name],
            "fastest": min(seconds),
            "slowest": max(seconds),
            "ratio_to_softmax": medians[name] / medians[REFERENCE],
        }
        for name, seconds in timed.items()
    ]


def draw(frame: pd.DataFrame) -> Figure:
    """Seconds against tokens for every mechanism, a panel a precision; bars from fastest to slowest."""
    precisions = list(frame.precision.unique())
    with plt.style.context(Path(__file__).with_name("figures.mplstyle")):
        figure, panels = plt.subplots(1, len(precisions), figsize=(8.4, 3.8), sharey=True, squeeze=False)
        for axes, precision in zip(panels[0], precisions, strict=True):
            _draw_precision(axes, frame[frame.precision == precision])
            axes.set_title(precision)
        panels[0][0].set_ylabel("forward and backward (s)")
        panels[0][0].legend()
    return figure


def _draw_precision(axes: Axes, frame: pd.DataFrame) -> None:
    for name, rows in frame.groupby("mechanism", sort=False):
        spread = [rows.seconds - rows.fastest, rows.slowest - rows.seconds]
        axes.errorbar(rows.tokens, rows.seconds, spread, fmt="o-", capsize=2, label=name)
    axes.set(xscale="log", yscale="log", xlabel="tokens")
    lengths = sorted(frame.tokens.unique())
    axes.set_xticks(lengths, [str(length) for length in lengths])
    axes.minorticks_off()
