"""From settings to a causal language model, without any data."""

from torch import nn

from astromorph.language.language_model import DecoderLayer, LanguageModel
from astromorph.language.word_bands import WordBands
from astromorph.models.attention_from_settings import language_attention
from astromorph.settings import CalciumResponse, Wikitext2Settings

CUTOFFS = (1_000, 8_000)  # where bands of rarer words begin


def build_model(settings: Wikitext2Settings, response: CalciumResponse | None, words: int) -> LanguageModel:
    """The untrained model over `words` tokens."""
    layers = [
        DecoderLayer(settings.width, language_attention(settings, response), settings.feedforward, settings.dropout)
        for _ in range(settings.layers)
    ]
    for layer in layers:  # every branch begins at zero: the model at the start is its word vectors
        nn.init.zeros_(layer.contract.weight)
        output = getattr(layer.attention, "to_output", None)
        if output is not None:
            nn.init.zeros_(output.weight)
    bands = WordBands(words, settings.width, [cutoff for cutoff in CUTOFFS if cutoff < words])
    return LanguageModel(bands, settings.context, settings.width, layers, settings.dropout)
