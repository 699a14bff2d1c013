"""From the settings' words for an attention to the module that attends.

Astromorphic attention is made of effects (settings: `effects`), which an ablation takes away one at a time:

    calcium   the measured response, g = N ρ(Σ h / N); without it calcium is linear, g = Σ h
    exponent  in its place g = (Σ h)^0.25 as printed (Mia, Bal and Sengupta 2025, Eq. 14), whose gain grows with N
    position  the astrocyte's drive w_t in h_t = φ(k_t) + w_t (Eq. 12); without it h_t = φ(k_t)
    sigmoid   the Hebbian weight saturates, H = σ(Σ_t h_tᵀ v_t / m) (Eq. 11)
    feedback  P = 1/C acts back on the synapses (Eqs. 16-17); without it calcium acts on nothing

Two constants follow from the N₀ tokens of the longest input. The printed m of the sigmoid, 64,000, makes H a constant;
here m = N₀, so that the weight is that of a mean, and m stands in the calcium as well. Without feedback the division
is by the calcium N₀ tokens at rest would leave: C is clamped at Σφ(0) · N₀, the number of features times N₀. Only
`feedback` alone is linear attention exactly.
"""

from collections.abc import Set

from torch import nn

from astromorph.astrocyte import PositionalDrive, PowerLawResponse, response_module
from astromorph.attention import (
    AstromorphicMechanism,
    LinearAttention,
    MultiheadAttention,
    SoftmaxAttention,
)
from astromorph.attention.absent import NoAttention
from astromorph.attention.gain import Amplified
from astromorph.attention.plasticity import Hebbian, SaturatingHebbian
from astromorph.attention.responses import LinearResponse, MeanActivityResponse, NoFeedback, PowerOfSum, Reciprocal
from astromorph.attention.switched import SwitchedMechanism
from astromorph.attention.token_delays import TokenDelays
from astromorph.feature_map import positive_activity, released_activity
from astromorph.models.encoder import EncoderLayer
from astromorph.settings import CalciumResponse, ClassifierSettings

DELAY_RATE = 100  # learning rate of the delays of tokens over that of weights


def encoder_layers(
    settings: ClassifierSettings, response: CalciumResponse | None, tokens: int, rows: int = 1
) -> list[nn.Module]:
    """The encoder layers of a model over `tokens` positions (read in `rows` rows, for an image)."""
    return [
        EncoderLayer(
            settings.width, attention(settings, response, tokens, rows), settings.feedforward, settings.dropout
        )
        for _ in range(settings.layers)
    ]


def attention(settings: ClassifierSettings, response: CalciumResponse | None, tokens: int, rows: int) -> nn.Module:
    """What stands in an encoder layer: a module on (batch, tokens, width) with a `keep` mask."""
    if settings.attention == "none":
        return NoAttention()
    longest = getattr(settings, "token_delay", 0)
    delays = TokenDelays(settings.heads, longest, DELAY_RATE * settings.learning_rate) if longest else None
    return MultiheadAttention(settings.width, settings.heads, mechanism(settings, response, tokens, rows), delays)


def mechanism(settings: ClassifierSettings, response: CalciumResponse | None, tokens: int, rows: int) -> nn.Module:
    """What attends in every head, times the gain."""
    if settings.attention == "softmax":
        chosen: nn.Module = SoftmaxAttention()
    elif settings.attention == "linear":
        chosen = LinearAttention()
    else:
        chosen = astromorphic(settings, response or CalciumResponse(), tokens, rows)
    return chosen if settings.gain == 1 else Amplified(chosen, settings.gain)


def astromorphic(settings: ClassifierSettings, response: CalciumResponse, tokens: int, rows: int) -> nn.Module:
    """Astromorphic attention with the effects of the settings; the fast form where it has them."""
    effects, features = set(settings.effects), settings.width // settings.heads
    drive = PositionalDrive(settings.heads, features, tokens, settings.position_scale, rows)
    position = drive if "position" in effects else None
    feature_map = positive_activity if response.synapse is None else released_activity(response.synapse)
    if "feedback" in effects and effects <= {"calcium", "position", "feedback"}:
        rho = response_module(response) if "calcium" in effects else PowerLawResponse(0.0, 1.0, 1.0)
        return AstromorphicMechanism(rho, position, feature_map)
    unit = 1.0 if "feedback" in effects else 1 / (features * tokens)
    saturating = SaturatingHebbian(inside=1 / tokens, outside=tokens * unit)
    return SwitchedMechanism(
        calcium(effects, response),
        saturating if "sigmoid" in effects else Hebbian(unit),
        Reciprocal() if "feedback" in effects else NoFeedback(),
        position,
        feature_map,
    )


def calcium(effects: Set[str], response: CalciumResponse) -> nn.Module:
    """How calcium follows the summed activity with these effects."""
    if "calcium" in effects:
        return MeanActivityResponse(response_module(response))
    return PowerOfSum() if "exponent" in effects else LinearResponse()
