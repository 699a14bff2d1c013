"""From settings to a causal language model, without any data.

Its astromorphic attention has the effects of `mechanisms.py` but for the sigmoid, over the tokens so far; `position` is
a distance kernel here, γ exp(-(i-j)/λ), with γ and λ learned a head. Without feedback the division is by the calcium
that a whole context at rest would leave. `feedback` alone is linear attention.
"""

from collections.abc import Set

import torch
from torch import nn

from astromorph.attention import AstromorphicAttention, MultiheadAttention
from astromorph.attention.absent import NoAttention
from astromorph.attention.causal_softmax import CausalSoftmax
from astromorph.attention.distance import AdditiveDistance
from astromorph.attention.feature_maps import PositiveActivity
from astromorph.attention.plasticity import Hebbian
from astromorph.attention.positions import Unordered
from astromorph.attention.responses import NoFeedback, Reciprocal
from astromorph.feature_map import released_activity
from astromorph.language.language_model import DecoderLayer, LanguageModel
from astromorph.language.word_bands import WordBands
from astromorph.models.attention_from_settings import calcium
from astromorph.settings import CalciumResponse, Wikitext2Settings

CUTOFFS = (1_000, 8_000)  # where bands of rarer words begin


def build_model(settings: Wikitext2Settings, response: CalciumResponse | None, words: int) -> LanguageModel:
    """The untrained model over `words` tokens."""
    layers = [
        DecoderLayer(settings.width, attention(settings, response), settings.feedforward, settings.dropout)
        for _ in range(settings.layers)
    ]
    for layer in layers:  # every branch begins at zero: the model at the start is its word vectors
        nn.init.zeros_(layer.contract.weight)
        output = getattr(layer.attention, "to_output", None)
        if output is not None:
            nn.init.zeros_(output.weight)
    bands = WordBands(words, settings.width, [cutoff for cutoff in CUTOFFS if cutoff < words])
    return LanguageModel(bands, settings.context, settings.width, layers, settings.dropout)


def attention(settings: Wikitext2Settings, response: CalciumResponse | None) -> nn.Module:
    """A causal module on (batch, tokens, width)."""
    width, heads = settings.width, settings.heads
    match settings.attention:
        case "none":
            return NoAttention()
        case "softmax":
            return MultiheadAttention(width, heads, CausalSoftmax())
        case "linear":
            return astromorphic({"feedback"}, settings, CalciumResponse())
    return astromorphic(set(settings.effects), settings, response or CalciumResponse())


def astromorphic(effects: Set[str], settings: Wikitext2Settings, response: CalciumResponse) -> AstromorphicAttention:
    features = settings.width // settings.heads
    return AstromorphicAttention(
        settings.width,
        settings.heads,
        causal=True,
        feature_map=PositiveActivity() if response.synapse is None else released_activity(response.synapse),
        response=calcium(effects, response),
        position=distances(settings.heads, settings.position_scale, features) if "position" in effects else Unordered(),
        plasticity=Hebbian(1.0 if "feedback" in effects else 1 / (features * settings.context)),
        feedback=Reciprocal() if "feedback" in effects else NoFeedback(),
    )


def distances(heads: int, longest: float, strength: float) -> AdditiveDistance:
    """A distance kernel whose lengths begin in equal ratios from one token, the first head, to `longest`, the last.

    `strength`: that of the start; as many as a head has features is what content at rest adds, φ(0)·φ(0).
    """
    position = AdditiveDistance(heads, longest, strength)
    with torch.no_grad():
        position.log_length.mul_(torch.linspace(0 if heads > 1 else 1, 1, heads))
    return position
