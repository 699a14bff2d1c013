"""torch.func, forward mode and second derivatives, in single precision as in double."""

import pytest
import torch
from torch.func import functional_call, grad, jacrev, jvp, vmap

from astromorph.astrocyte import HillResponse
from astromorph.attention import AstromorphicAttention, LinearAttention, MultiheadAttention, SoftmaxAttention, blocks
from astromorph.attention.distance import MultiplicativeDistance
from astromorph.attention.positions import PositionalDrive, Unordered
from astromorph.attention.responses import MeanActivityResponse
from astromorph.delays import Delays
from astromorph.neurons.leaky_integrate_and_fire import LeakyIntegrateAndFire

HILL = MeanActivityResponse(HillResponse(0.47, 0.66, 1.01, 0.25))
LAYERS = {
    "recommended": lambda: AstromorphicAttention(8, 2),
    "causal": lambda: AstromorphicAttention(8, 2, causal=True),
    "causal, Hill": lambda: AstromorphicAttention(8, 2, causal=True, response=HILL),
    "unordered": lambda: AstromorphicAttention(8, 2, position=Unordered()),
    "fading": lambda: AstromorphicAttention(8, 2, position=MultiplicativeDistance(2)),
    "drive": lambda: AstromorphicAttention(8, 2, position=PositionalDrive(2, 4, 9)),
    "linear": lambda: MultiheadAttention(8, 2, LinearAttention()),
    "softmax": lambda: MultiheadAttention(8, 2, SoftmaxAttention()),
    "softmax, causal": lambda: MultiheadAttention(8, 2, SoftmaxAttention(causal=True)),
}


def built(name, dtype=torch.float32):
    torch.manual_seed(0)
    layer, x = LAYERS[name]().to(dtype), torch.randn(3, 6, 8).to(dtype)
    return layer, x


def loss(layer, parameters, x):
    return functional_call(layer, parameters, (x,)).square().sum()


@pytest.mark.parametrize("name", LAYERS)
def test_transforms_equal_the_backward_pass(name):
    layer, x = built(name)
    parameters = {key: value.detach() for key, value in layer.named_parameters()}
    of_one = lambda parameters, x: loss(layer, parameters, x[None])
    each = vmap(grad(of_one), in_dims=(None, 0))(parameters, x)
    whole = grad(lambda parameters: loss(layer, parameters, x))(parameters)
    expected = torch.autograd.grad(layer(x).square().sum(), list(layer.parameters()))
    for one, (key, _) in zip(expected, layer.named_parameters(), strict=True):
        torch.testing.assert_close(whole[key], one, rtol=1e-3, atol=1e-4)
        torch.testing.assert_close(each[key].sum(0), one, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(vmap(lambda x: layer(x[None])[0])(x), layer(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_forward_mode_equals_backward_mode(name):
    layer, x = built(name)
    along = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    _, tangent = jvp(lambda x: layer(x), (x,), (along,))
    jacobian = jacrev(lambda x: layer(x))(x)
    torch.testing.assert_close(tangent, torch.tensordot(jacobian, along, 3), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("name", [name for name in LAYERS if name != "softmax, causal"])  # torch's kernel has none
def test_the_second_derivative_in_single_precision_is_that_in_double(name, padded, blocked, monkeypatch):
    keep = torch.arange(6) < torch.tensor([[6], [4], [1]]) if padded else None
    results = []
    for dtype in (torch.float32, torch.float64):
        layer, x = built(name, dtype)
        x.requires_grad_()
        plain = dtype == torch.float64
        monkeypatch.setattr(blocks, "AT_ONCE", 2**19 if plain or not blocked else 8)
        if plain and name.startswith("softmax"):
            layer.mechanism.forward = by_hand
        output = layer(x, keep=keep)
        (slope,) = torch.autograd.grad(output.square().sum(), x, create_graph=True)
        learned = [p for key, p in layer.named_parameters() if not key.endswith("to_output.bias")]
        results.append([slope.detach(), *torch.autograd.grad(slope.square().sum(), [x, *learned])])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=2e-3, atol=2e-4 * max(1.0, float(other.abs().max())))


def by_hand(query, key, value, keep):
    scores = query @ key.mT / query.shape[-1] ** 0.5
    return (scores if keep is None else scores.masked_fill(~keep[:, None, None], -torch.inf)).softmax(-1) @ value


@pytest.mark.parametrize("kind", ["synapse", "axon", "dendrite"])
def test_delays_and_neurons_under_torch_func(kind):
    torch.manual_seed(0)
    layer, neurons = Delays(5, 4, 6, kind=kind).eval(), LeakyIntegrateAndFire(2.0)
    x = (torch.rand(3, 12, 5) < 0.4).float()
    parameters = {key: value.detach() for key, value in layer.named_parameters()}
    answer = lambda parameters, x: neurons(functional_call(layer, parameters, (x[None],))).square().sum()
    each = vmap(grad(answer), in_dims=(None, 0))(parameters, x)
    expected = torch.autograd.grad(neurons(layer(x)).square().sum(), list(layer.parameters()))
    for one, (key, _) in zip(expected, layer.named_parameters(), strict=True):
        torch.testing.assert_close(each[key].sum(0), one, rtol=1e-3, atol=1e-4)
