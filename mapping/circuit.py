"""A trained attention layer, run as a neuron-astrocyte network: the bridge walked downwards.

Every head of a linear or astromorphic layer (astromorph/attention) is the steady state of a circuit of input, hidden
and output neurons with plastic synapses and astrocytic processes (biophys/circuits/attention_circuit.py). This file
gives the circuit its numbers and puts it in the layer's place, so that whole models run through it:

    to_query_key_value   strengths of the fixed synapses; its bias is one more input neuron that is always active
    PositionalDrive      drive of the hidden neurons by the astrocyte while the token of a position is written
    calcium response     what the calcium of a process settles at; linear attention is the response rho(x) = x
    padding              tokens that are not presented

The matrix that joins the heads afterwards, `to_output`, is applied to the activities of the output neurons.
"""

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from brian2 import second, umolar
from numpy.typing import NDArray
from torch import Tensor, nn

from astromorph.astrocyte import CurveResponse, HillResponse, PowerLawResponse
from astromorph.attention import AstromorphicMechanism, MultiheadAttention
from astromorph.attention.parts import offered, terms_of
from astromorph.attention.responses import LinearResponse, MeanActivityResponse
from astromorph.feature_map import positive_activity
from biophys.astrocyte import AstrocyteParameters
from biophys.circuits.attention_circuit import Layer, Neurons, Stimulus, attend
from biophys.circuits.process_astrocyte import AstrocyteCalcium
from biophys.circuits.process_calcium import Calcium, CurveCalcium, FittedCalcium
from biophys.simulation.quantities import read_quantity
from mapping.calcium_section import Reference


def circuit_layer(attention: MultiheadAttention) -> Layer:
    """The fixed synapses of a layer, (width + 1, heads, features) each; the last input neuron carries the bias."""
    weight, bias = attention.to_query_key_value.weight, attention.to_query_key_value.bias
    bias = weight.new_zeros(len(weight)) if bias is None else bias
    strengths = torch.cat((weight, bias[:, None]), dim=1).detach().double().numpy()
    query, key, value = strengths.T.reshape(strengths.shape[1], 3, attention.heads, -1).transpose(1, 0, 2, 3)
    return Layer(key=key, query=query, value=value)


def size(activities: Tensor) -> float:
    """Root mean square."""
    return float(activities.square().mean().sqrt())


def in_units(layer: Layer, unit: float, unit_out: float) -> Layer:
    """The layer between input neurons whose activity is measured in `unit` (but for the bias) and output neurons whose
    activity is measured in `unit_out`. Rates of spiking neurons are in proportion; rate neurons do not mind.
    """
    units = np.full((len(layer.key), 1, 1), unit)
    units[-1] = 1
    return Layer(key=layer.key * units, query=layer.query * units, value=layer.value * units / unit_out)


def fitted_calcium(attention: MultiheadAttention) -> Calcium:
    """Calcium that relaxes to the response of a layer. ValueError if the layer has no circuit."""
    mechanism = attention.mechanism
    if not isinstance(mechanism, AstromorphicMechanism):
        raise ValueError(
            f"{type(mechanism).__name__} has no circuit: its normaliser is no sum over hidden neurons; "
            "use a run trained with --attention astromorphic or linear"
        )
    refuse_parts(attention, mechanism)
    match mechanism.response:
        case LinearResponse():
            return FittedCalcium()
        case MeanActivityResponse(response=PowerLawResponse() as response):
            return FittedCalcium(*map(float, (response.baseline, response.amplitude, response.exponent)))
        case MeanActivityResponse(response=HillResponse() as response):
            numbers = (response.baseline, response.amplitude, response.exponent, response.half_activity)
            baseline, amplitude, exponent, half = map(float, numbers)
            return FittedCalcium(baseline, amplitude / half**exponent, exponent, 1 / half)
        case MeanActivityResponse(response=CurveResponse(curve=curve)):
            return CurveCalcium(curve.knots.exp().numpy(), curve(curve.knots).numpy())
    raise ValueError(
        f"a layer whose calcium answers as {type(mechanism.response).__name__} has no circuit; use one trained with "
        "--effects calcium,position,feedback or fewer of them"
    )


def refuse_parts(attention: MultiheadAttention, mechanism: AstromorphicMechanism) -> None:
    """ValueError in one sentence for a layer with a part that no circuit here has."""
    terms = terms_of(mechanism.position, 1, torch.float32)
    if not offered(mechanism.feature_map, "scanned"):
        raise ValueError(
            "a run with a measured feature map has no circuit yet: its synapses to output neurons keep no short-term "
            "plasticity; use a run trained without the release section"
        )
    if attention.gain != 1:
        raise ValueError(
            f"attention times a gain of {attention.gain:g} has no circuit; use a run trained with --gain 1"
        )
    if attention.delays is not None:
        raise ValueError("a layer that delays keys and values has no circuit here; use one trained with token_delay 0")
    if offered(mechanism.plasticity, "factor") != 1 or not offered(mechanism.feedback, "scanned"):
        raise ValueError(
            "a run with the effects sigmoid or exponent, or without feedback, has no circuit; use one trained with "
            "--effects calcium,position,feedback or fewer of them"
        )
    if mechanism.causal or terms.relative is not None or terms.fading is not None:
        raise ValueError(
            f"{'causal attention' if mechanism.causal else type(mechanism.position).__name__} has no circuit yet: all "
            "tokens are written before any is read; use a layer with position=PositionalDrive(...) or Unordered()"
        )


def measured_calcium(measurement: xr.Dataset, reference: Reference) -> AstrocyteCalcium:
    """The astrocyte of a calcium-response dataset, with activity 1 at the reference rate of its fit."""
    attributes = measurement.attrs
    values = {
        name: read_quantity(attributes[f"astrocyte.{name}"].replace(" ", "*"), default, name)
        for name, default in AstrocyteParameters()._asdict().items()
    }
    settling, end = (float(word) for word in attributes["window"].replace(" s", "").split(" to "))
    bound = measurement.receptors_bound_mean.mean("trial").sortby("rate")
    return AstrocyteCalcium(
        AstrocyteParameters(**values),
        activity=bound.rate.values / reference.rate,
        receptors=bound.values,
        C_1=reference.calcium * umolar,
        settling=settling * second,
        averaged=(end - settling) * second,
    )


def attention_layers(model: nn.Module) -> dict[str, MultiheadAttention]:
    """The attention layers of a model by the names of their modules."""
    return {name: module for name, module in model.named_modules() if isinstance(module, MultiheadAttention)}


@contextmanager
def watching(layers: Iterable[nn.Module], look: Callable[[Any, Tensor, Tensor | None], Any]) -> Iterator[None]:
    """Inside, look(layer, tokens, keep) is called with what enters any of `layers`: tokens (batch, tokens, width)."""

    def hook(layer: nn.Module, entering: tuple[Tensor, ...], named: dict[str, Tensor | None], leaving: Any) -> None:
        look(layer, entering[0], named.get("keep"))

    with ExitStack() as hooks:
        for layer in layers:
            hooks.enter_context(layer.register_forward_hook(hook, with_kwargs=True))
        yield


def hidden_activity(attention: MultiheadAttention, tokens: Tensor, keep: Tensor | None) -> Tensor:
    """Mean activity x of every hidden neuron over the tokens of a sequence, (batch, heads, features)."""
    mechanism, count = attention.mechanism, tokens.shape[1]
    _, key, _ = attention.projected(tokens, tokens, tokens)
    activity = getattr(mechanism, "feature_map", positive_activity)(key)
    drive = positional_drive(attention, count)
    if drive is not None:
        activity = activity + drive
    if keep is None:
        return activity.mean(-2)
    real = keep[:, None, :, None].to(activity.dtype)
    return (activity * real).sum(-2) / real.sum(-2)


def positional_drive(attention: MultiheadAttention, tokens: int) -> Tensor | None:
    """The astrocyte's drive of hidden neurons for the first `tokens` positions, (heads, tokens, features), if any."""
    position = getattr(attention.mechanism, "position", None)
    return None if position is None else terms_of(position, tokens, torch.float64).drive


class Comparison(NamedTuple):
    """Of one pass of a batch through one layer. relative_error: (batch,), of the layer's output, norm of the difference
    over norm, worst of the tokens; synapse_steps: of the whole batch.
    """

    relative_error: NDArray
    synapse_steps: int


class CircuitAttention(nn.Module):
    """Stands where a MultiheadAttention stood, computes the same as circuits, and compares with it in float64.

    calcium: None for what the mechanism's response gives.
    """

    def __init__(
        self,
        attention: MultiheadAttention,
        neurons: Neurons,
        calcium: Calcium | None = None,
        *,
        seed: int = 0,
        target: str = "numpy",
        progress: Callable[[int], Any] = lambda tokens: None,
    ) -> None:
        super().__init__()
        fitted = fitted_calcium(attention)  # also where it is not used: there must be a circuit
        self.attention = copy.deepcopy(attention).double()
        self.layer, self.neurons, self.calcium = circuit_layer(attention), neurons, calcium or fitted
        self.options: dict[str, Any] = {"seed": seed, "target": target, "progress": progress}
        self.comparisons: list[Comparison] = []
        self.attention.to_output.register_forward_pre_hook(self._look)

    def _look(self, to_output: nn.Module, entering: tuple[Tensor]) -> None:
        self.joined = entering[0]

    @torch.no_grad()
    def forward(self, tokens: Tensor, keep: Tensor | None = None) -> Tensor:
        """tokens: (batch, tokens, width); keep: (batch, tokens), True where a token is real; returns the same shape."""
        wide = tokens.double()
        keep = torch.ones(tokens.shape[:2], dtype=torch.bool) if keep is None else keep
        expected = self.attention(wide, keep=keep)
        unit, unit_out = size(wide[keep]), size(self.joined[keep])
        stimuli = self._stimuli(wide / unit, keep)
        attended = attend(in_units(self.layer, unit, unit_out), stimuli, self.neurons, self.calcium, **self.options)
        joined = torch.zeros_like(wide)
        joined[keep] = unit_out * torch.from_numpy(np.concatenate(attended.outputs)).flatten(1)
        answered = self.attention.to_output(joined)
        error = torch.linalg.norm(answered - expected, dim=-1) / torch.linalg.norm(expected, dim=-1)
        worst = error.masked_fill(~keep, 0).amax(1).numpy()
        self.comparisons.append(Comparison(worst, attended.synapse_steps))
        return answered.to(tokens.dtype)

    def _stimuli(self, tokens: Tensor, keep: Tensor) -> list[Stimulus]:
        batch, count, width = tokens.shape
        shown = torch.cat((tokens, tokens.new_ones(batch, count, 1)), dim=-1)
        heads, drive = self.attention.heads, positional_drive(self.attention, count)
        drive = tokens.new_zeros(heads, count, width // heads) if drive is None else drive
        drive = drive.transpose(0, 1)
        return [Stimulus(each[real].numpy(), drive[real].numpy()) for each, real in zip(shown, keep, strict=True)]


def with_circuits(
    model: nn.Module, neurons: Neurons, calcium: Calcium | None = None, **options: Any
) -> tuple[nn.Module, list[CircuitAttention]]:
    """A copy of `model` whose attention layers are circuits, and these; arguments as of CircuitAttention."""
    model, circuits = copy.deepcopy(model), []
    for name, attention in attention_layers(model).items():
        circuits.append(CircuitAttention(attention, neurons, calcium, **options))
        model.set_submodule(name, circuits[-1])
    return model, circuits
