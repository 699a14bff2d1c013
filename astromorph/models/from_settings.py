"""The classifier that settings describe, without any data: what a training fills, and what stored weights fit into."""

from math import ceil

import torch
from torch import nn

from astromorph.models.attention_from_settings import encoder_layers
from astromorph.models.image_classifier import ImageClassifier
from astromorph.models.image_front import PATCH, Whitening, convolution, convolution_front
from astromorph.models.image_views import AverageOfViews
from astromorph.models.long_text_classifier import LongTextClassifier
from astromorph.models.text_classifier import TextClassifier
from astromorph.settings import CalciumResponse, Cifar10Settings, DigitsSettings, ImdbSettings, Settings
from astromorph.text.ngram_reader import NgramReader

CLASS_NAMES = {
    "imdb": ("unfavourable", "favourable"),
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    "digits": tuple(str(digit) for digit in range(10)),
}


def build_model(settings: Settings, response: CalciumResponse | None, words: int | None = None) -> nn.Module:
    """The untrained classifier of a run; `words` is the size of the vocabulary, for text.

    The whitening filters of an image model are left for the stored weights to fill. ValueError if the settings are of
    something else than a classifier.
    """
    match settings:
        case ImdbSettings():
            assert words is not None
            return text_model(settings, response, words)
        case Cifar10Settings():
            return colour_model(settings, response, Whitening(torch.zeros(1, 3, PATCH, PATCH)))
        case DigitsSettings():
            return digits_model(settings, response)
    raise ValueError(f"{type(settings).__name__} describe no classifier; use a run of {', '.join(CLASS_NAMES)}")


def text_model(
    settings: ImdbSettings, response: CalciumResponse | None, words: int
) -> TextClassifier | LongTextClassifier:
    if settings.segments == 1:
        layers = encoder_layers(settings, response, settings.tokens)
        reader = NgramReader(words, settings.ngrams) if settings.ngrams else None
        size = words, settings.tokens, settings.width, 2
        return TextClassifier(*size, layers, settings.dropout, reader, settings.phrase, settings.pooling)
    layers = encoder_layers(settings, response, settings.memory + ceil(settings.tokens / settings.segments))
    memory = (settings.memory, settings.segments, settings.retention)
    return LongTextClassifier(words, settings.tokens, settings.width, 2, layers, settings.dropout, *memory)


def colour_model(settings: Cifar10Settings, response: CalciumResponse | None, whitening: Whitening) -> nn.Module:
    """32 x 32 pixels in colour, 7 x 7 tokens."""
    front = convolution_front(whitening, settings.channels, settings.width, settings.convolutions)
    model = ImageClassifier(
        front, 49, settings.width, 10, encoder_layers(settings, response, 49, 7), settings.dropout
    ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return AverageOfViews(model, settings.view_shift)


def digits_model(settings: DigitsSettings, response: CalciumResponse | None) -> nn.Module:
    """8 x 8 grey pixels, 4 x 4 tokens."""
    front = convolution(1, settings.width, nn.MaxPool2d(2))
    return ImageClassifier(front, 16, settings.width, 10, encoder_layers(settings, response, 16, 4), settings.dropout)
