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
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import xarray as xr
from brian2 import second, umolar
from numpy.typing import NDArray
from torch import Tensor, nn

from astromorph.astrocyte import CurveResponse, HillResponse, PowerLawResponse
from astromorph.attention import AstromorphicMechanism, LinearAttention, MultiheadAttention
from astromorph.attention.gain import Amplified
from astromorph.attention.linear import written_activity
from astromorph.attention.switched import SwitchedMechanism
from astromorph.feature_map import positive_activity
from biophys.astrocyte import AstrocyteParameters
from biophys.circuits.attention_circuit import Layer, Neurons, Stimulus, attend
from biophys.circuits.process_astrocyte import AstrocyteCalcium
from biophys.circuits.process_calcium import Calcium, CurveCalcium, FittedCalcium
from biophys.simulation.quantities import read_quantity
from mapping.coefficients import Reference


def circuit_layer(attention: MultiheadAttention) -> Layer:
    """The fixed synapses of a layer, (width + 1, heads, features) each; the last input neuron carries the bias."""
    projection = attention.to_query_key_value
    strengths = torch.cat((projection.weight, projection.bias[:, None]), dim=1).detach().double().numpy()
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


def fitted_calcium(mechanism: nn.Module) -> Calcium:
    """Calcium that relaxes to the response of a mechanism. ValueError if the mechanism has no circuit."""
    if getattr(mechanism, "feature_map", positive_activity) is not positive_activity:
        raise ValueError(
            "a run with a measured feature map has no circuit yet: its synapses to output neurons keep no short-term "
            "plasticity; use a run trained without the release section"
        )
    match mechanism:
        case Amplified(gain=gain):
            raise ValueError(f"attention times a gain of {gain:g} has no circuit; use a run trained with --gain 1")
        case SwitchedMechanism():
            raise ValueError(
                "a run with the effects sigmoid or exponent, or without feedback, has no circuit; use one trained with "
                "--effects calcium,position,feedback or fewer of them"
            )
        case LinearAttention():
            return FittedCalcium()
        case AstromorphicMechanism(response=PowerLawResponse() as response):
            return FittedCalcium(*map(float, (response.baseline, response.amplitude, response.exponent)))
        case AstromorphicMechanism(response=HillResponse() as response):
            numbers = (response.baseline, response.amplitude, response.exponent, response.half_activity)
            baseline, amplitude, exponent, half = map(float, numbers)
            return FittedCalcium(baseline, amplitude / half**exponent, exponent, 1 / half)
        case AstromorphicMechanism(response=CurveResponse(curve=curve)):
            return CurveCalcium(curve.knots.exp().numpy(), curve(curve.knots).numpy())
    raise ValueError(
        f"{type(mechanism).__name__} has no circuit: its normaliser is no sum over hidden neurons; "
        "use a run trained with --attention astromorphic or linear"
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


def hidden_activity(attention: MultiheadAttention, tokens: Tensor, keep: Tensor | None) -> Tensor:
    """Mean activity x of every hidden neuron over the tokens of a sequence, (batch, heads, features)."""
    batch, count, width = tokens.shape
    projected = attention.to_query_key_value(tokens).view(batch, count, 3, attention.heads, -1)
    position = getattr(attention.mechanism, "position", None)
    activity = written_activity(
        projected[:, :, 1].transpose(1, 2), keep, None if position is None else position(count)
    ).sum(-2)
    return activity / (count if keep is None else keep.sum(-1)[:, None, None])


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
        fitted = fitted_calcium(attention.mechanism)  # also where it is not used: there must be a circuit
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
        expected = self.attention(wide, keep)
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
        position = getattr(self.attention.mechanism, "position", None)
        heads = self.attention.heads
        drive = tokens.new_zeros(heads, count, width // heads) if position is None else position(count)
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
