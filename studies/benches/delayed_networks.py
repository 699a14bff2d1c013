"""A network of two delayed layers in several forms, what one turn of it takes, and the most memory it holds."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from astromorph.delays import Delays, delayed_slowly
from studies.benches.comparison import refuse_different
from studies.benches.machine import peak_memory

OURS, DENSE, DCLS = "astromorph", "dense", "dcls"
INFERENCE = "inference"
TOLERANCE = 1e-4  # of the largest output, in float32
Layer = Callable[[Tensor], Tensor]


class Sizes(NamedTuple):
    """Of the network and its input."""

    batch: int
    steps: int
    inputs: int
    hidden: int
    activity: float
    seed: int


class Case(NamedTuple):
    """What is measured: a stage of the annealing, or inference."""

    longest: int
    stage: str
    width: float


class Spike(torch.autograd.Function):
    """One above the threshold θ, with the derivative 1 / (1 + (π(y - θ))²) of an arc tangent (Fang et al. 2021)."""

    @staticmethod
    def forward(ctx, y: Tensor, threshold: float) -> Tensor:
        ctx.save_for_backward(y)
        ctx.threshold = threshold
        return (y > threshold).to(y.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        (y,) = ctx.saved_tensors
        return gradient / (y - ctx.threshold).mul_(torch.pi).square_().add_(1), None


def stages(longest: int) -> list[Case]:
    """Widths at the start, in the middle and at the end of annealing, and inference with rounded delays."""
    start, end = max(longest / 2, 0.5), 0.5
    widths = {"start": start, "middle": (start * end) ** 0.5, "end": end, INFERENCE: 0.0}
    return [Case(longest, stage, width) for stage, width in widths.items()]


def layers(form: str, sizes: Sizes, case: Case) -> list[Layer]:
    """Both layers in one form, with the weights and delays of the seed."""
    generator = torch.Generator().manual_seed(sizes.seed)
    shapes = ((sizes.inputs, sizes.hidden), (sizes.hidden, sizes.hidden))
    drawn = [Delays(*shape, case.longest, width=case.width, generator=generator) for shape in shapes]
    if case.stage == INFERENCE:
        for layer in drawn:
            layer.settle()
    if form == DCLS:
        return [as_dcls(layer) for layer in drawn]
    if case.stage == INFERENCE:
        rounded = [layer.rounded() for layer in drawn]
        return [layer.events if form == OURS else layer for layer in rounded]
    return list(drawn) if form == OURS else [dense(layer) for layer in drawn]


def dense(layer: Delays) -> Layer:
    return lambda x: delayed_slowly(x, layer.weight, layer.delay, layer.longest, layer.width)


def as_dcls(layer: Delays) -> Layer:
    """The same layer of `dcls`: its positions count from the middle of the kernel forwards, its width from 0.27."""
    from DCLS.construct.modules import Dcls1d

    taps = layer.longest + 1
    other = Dcls1d(layer.inputs, layer.outputs, 1, dilated_kernel_size=taps, bias=False, version="gauss")
    with torch.no_grad():
        other.weight.copy_(layer.weight[..., None])
        other.P.copy_(layer.longest - taps // 2 - layer.delay[None, :, :, None])
        other.SIG.fill_(max(layer.width - 0.27, 0.0))
    return lambda x: other(F.pad(x.mT, (layer.longest, 0))).mT


class Network(nn.Module):
    """Spikes through both layers, with a threshold that `activity` of the hidden neurons exceed at a time."""

    def __init__(self, form: str, sizes: Sizes, case: Case, threshold: float) -> None:
        super().__init__()
        self.first, self.second = layers(form, sizes, case)
        self.threshold, self.learns = threshold, case.stage != INFERENCE

    def forward(self, x: Tensor) -> Tensor:
        return self.second(Spike.apply(self.first(x), self.threshold))

    def seconds(self, x: Tensor, gradient: Tensor) -> float:
        """Of one turn."""
        begun = time.perf_counter()
        with torch.set_grad_enabled(self.learns):
            y = self(x)
        if self.learns:
            y.backward(gradient)
        return time.perf_counter() - begun


def given(sizes: Sizes) -> tuple[Tensor, Tensor]:
    """Input spikes, and what comes back from above."""
    generator = torch.Generator().manual_seed(sizes.seed + 1)
    x = torch.rand(sizes.batch, sizes.steps, sizes.inputs, generator=generator) < sizes.activity
    return x.float(), torch.randn(sizes.batch, sizes.steps, sizes.hidden, generator=generator)


def compare_results(others: Sequence[str]) -> None:
    """ValueError unless a layer of every form gives the same in a small network, at every stage.

    The rounded delays of inference are not compared with `dcls`, whose kernel then still has a width.
    """
    small = Sizes(batch=3, steps=40, inputs=6, hidden=7, activity=0.2, seed=1)
    x, _ = given(small)
    for case in stages(8):
        with torch.no_grad():
            results = {form: layers(form, small, case)[0](x).numpy() for form in (OURS, *others)}
        for form in others:
            if form != DCLS or case.stage != INFERENCE:
                what = f"delays at stage {case.stage!r} here and in {form}"
                refuse_different(what, results[OURS], results[form], TOLERANCE)


def threshold(sizes: Sizes, case: Case, x: Tensor) -> float:
    """Which that part of the first layer's output exceeds that spikes in the input."""
    with torch.no_grad():
        y = layers(OURS, sizes, case)[0](x).flatten()
    return y.kthvalue(max(1, round((1 - sizes.activity) * len(y)))).values.item()


def peaks(form: str, sizes: Sizes, cases: Sequence[tuple[Case, float]], threads: int) -> list[float]:
    """Megabytes of one turn of each case and threshold beyond those before it; NaN where Linux does not say.

    For a fresh process.
    """
    torch.set_num_threads(threads)
    found = []
    for case, level in cases:
        small = Sizes(2, 12, 8, 8, 0.2, 0)
        Network(form, small, case._replace(longest=4, width=min(case.width, 1.0)), 0.0).seconds(*given(small))
        network, *tensors = Network(form, sizes, case, level), *given(sizes)  # with the libraries loaded
        found.append(peak_memory(partial(network.seconds, *tensors)) / 1e6)
        del network, tensors
    return found
