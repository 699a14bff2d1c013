"""From the settings' word for an attention to the module that attends."""

from torch import nn

from astromorph.astrocyte import PositionalDrive, response_module
from astromorph.attention import (
    AstromorphicMechanism,
    LinearAttention,
    MultiheadAttention,
    SoftmaxAttention,
)
from astromorph.feature_map import positive_activity, released_activity
from astromorph.models.encoder import EncoderLayer
from astromorph.settings import CalciumResponse, Settings


def encoder_layers(settings: Settings, response: CalciumResponse | None, tokens: int, rows: int = 1) -> list[nn.Module]:
    """The encoder layers of a model over `tokens` positions (read in `rows` rows, for an image)."""
    return [
        EncoderLayer(
            settings.width,
            MultiheadAttention(settings.width, settings.heads, mechanism(settings, response, tokens, rows)),
            settings.feedforward,
            settings.dropout,
        )
        for _ in range(settings.layers)
    ]


def mechanism(settings: Settings, response: CalciumResponse | None, tokens: int, rows: int) -> nn.Module:
    if settings.attention == "softmax":
        return SoftmaxAttention()
    if settings.attention == "linear":
        return LinearAttention()
    features = settings.width // settings.heads
    response = response or CalciumResponse()
    return AstromorphicMechanism(
        response_module(response),
        PositionalDrive(settings.heads, features, tokens, settings.position_scale, rows),
        positive_activity if response.synapse is None else released_activity(response.synapse),
    )
