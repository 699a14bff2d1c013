"""From the settings' words for an attention to the layer that attends.

Astromorphic attention is made of effects (settings: `effects`), which an ablation takes away one at a time:

    calcium   the measured response, g = N ρ(Σ h / N); without it calcium is linear, g = Σ h
    exponent  in its place g = (Σ h)^0.25 as printed (Mia, Bal and Sengupta 2025, Eq. 14), whose gain grows with N
    position  the astrocyte's drive w_t in h_t = φ(k_t) + w_t (Eq. 12), without it h_t = φ(k_t); in language models,
              which are causal, a distance kernel γ exp(-(i-j)/λ) with γ and λ learned a head
    sigmoid   the Hebbian weight saturates, H = σ(Σ_t h_tᵀ v_t / m) (Eq. 11); not causal
    feedback  P = 1/C acts back on the synapses (Eqs. 16-17); without it calcium acts on nothing

Two constants follow from the N₀ tokens of the longest input. The printed m of the sigmoid, 64,000, makes H a constant;
here m = N₀, so that the weight is that of a mean, and m stands in the calcium as well. Without feedback the division
is by the calcium N₀ tokens at rest would leave: C is clamped at Σφ(0) · N₀, the number of features times N₀. Only
`feedback` alone is linear attention exactly.
"""

from collections.abc import Collection

import torch
from torch import nn

from astromorph.astrocyte import PositionalDrive, response_module
from astromorph.attention import AstromorphicAttention, LinearAttention, MultiheadAttention, SoftmaxAttention
from astromorph.attention.absent import NoAttention
from astromorph.attention.distance import AdditiveDistance
from astromorph.attention.plasticity import Hebbian, SaturatingHebbian
from astromorph.attention.positions import Unordered
from astromorph.attention.responses import LinearResponse, MeanActivityResponse, NoFeedback, PowerOfSum, Reciprocal
from astromorph.attention.token_delays import TokenDelays
from astromorph.feature_map import PositiveActivity, released_activity
from astromorph.models.encoder import EncoderLayer
from astromorph.settings import CalciumResponse, ClassifierSettings, TransformerSettings, Wikitext2Settings

DELAY_RATE = 100  # learning rate of the delays of tokens over that of weights


def encoder_layers(
    settings: ClassifierSettings, response: CalciumResponse | None, tokens: int, rows: int = 1
) -> list[nn.Module]:
    """The encoder layers of a model over `tokens` positions (read in `rows` rows, for an image)."""
    attention = lambda: classifier_attention(settings, response, tokens, rows)
    sizes = settings.feedforward, settings.dropout
    return [EncoderLayer(settings.width, attention(), *sizes) for _ in range(settings.layers)]


def classifier_attention(
    settings: ClassifierSettings, response: CalciumResponse | None, tokens: int, rows: int = 1
) -> nn.Module:
    """What stands in an encoder layer: a module on (batch, tokens, width) with a `keep` mask."""
    position: nn.Module = Unordered()
    if settings.takes_response:
        drive = PositionalDrive(settings.heads, settings.width // settings.heads, tokens, settings.position_scale, rows)
        position = drive if "position" in settings.effects else position
    longest = getattr(settings, "token_delay", 0)
    delays = TokenDelays(settings.heads, longest, DELAY_RATE * settings.learning_rate) if longest else None
    return attention(settings, response, position, tokens, delays, gain=settings.gain)


def language_attention(settings: Wikitext2Settings, response: CalciumResponse | None) -> nn.Module:
    """What stands in a decoder layer: the same, causal."""
    position = distances(settings.heads, settings.position_scale, settings.width // settings.heads)
    if "position" not in settings.effects:
        position = Unordered()
    return attention(settings, response, position, settings.context, causal=True)


def attention(
    settings: TransformerSettings,
    response: CalciumResponse | None,
    position: nn.Module,
    tokens: int,
    delays: nn.Module | None = None,
    *,
    gain: float = 1.0,
    causal: bool = False,
) -> nn.Module:
    """The layer that the settings name, over at most `tokens` tokens; position and response: of astromorphic attention
    only.
    """
    width, heads, effects = settings.width, settings.heads, settings.effects
    if settings.attention == "none":
        return NoAttention()
    if settings.attention != "astromorphic":
        mechanism = {"softmax": SoftmaxAttention, "linear": LinearAttention}[settings.attention](causal=causal)
        return MultiheadAttention(width, heads, mechanism, delays, gain=gain)
    response = response or CalciumResponse()
    unit = 1.0 if "feedback" in effects else 1 / (width // heads * tokens)
    saturating = SaturatingHebbian(inside=1 / tokens, outside=tokens * unit)
    return AstromorphicAttention(
        width,
        heads,
        causal=causal,
        feature_map=PositiveActivity() if response.synapse is None else released_activity(response.synapse),
        response=calcium(effects, response),
        position=position,
        plasticity=saturating if "sigmoid" in effects else Hebbian(unit),
        feedback=Reciprocal() if "feedback" in effects else NoFeedback(),
        delays=delays,
        gain=gain,
    )


def calcium(effects: Collection[str], response: CalciumResponse) -> nn.Module:
    """How calcium follows the summed activity with these effects."""
    if "calcium" in effects:
        return MeanActivityResponse(response_module(response))
    return PowerOfSum() if "exponent" in effects else LinearResponse()


def distances(heads: int, longest: float, strength: float) -> nn.Module:
    """A distance kernel whose lengths begin in equal ratios from one token, the first head, to `longest`, the last.

    `strength`: that of the start; as many as a head has features is what content at rest adds, φ(0)·φ(0).
    """
    position = AdditiveDistance(heads, longest, strength)
    with torch.no_grad():
        position.log_length.mul_(torch.linspace(0 if heads > 1 else 1, 1, heads))
    return position
