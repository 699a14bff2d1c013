"""The trial for leaks passes what is causal and catches what is not, and says where."""

import math

import pytest
import torch
from torch import nn

from astromorph.astrocyte import PositionalDrive, PowerLawResponse
from astromorph.attention import AstromorphicMechanism, LinearAttention, MultiheadAttention, SoftmaxAttention
from astromorph.attention.responses import MeanActivityResponse
from astromorph.language.from_settings import build_model as language_model
from astromorph.language.language_model import DecoderLayer, LanguageModel
from astromorph.language.leak import refuse_leak
from astromorph.language.word_bands import WordBands
from astromorph.settings import Wikitext2Settings

TOKENS, VOCABULARY, WIDTH, HEADS = 48, 50, 16, 2
BLOCK = torch.randint(0, VOCABULARY, (TOKENS,), generator=torch.Generator().manual_seed(0))


def model_with(attention: nn.Module) -> LanguageModel:
    layer = DecoderLayer(WIDTH, attention, 32, 0.5)
    return LanguageModel(WordBands(VOCABULARY, WIDTH, (20,)), TOKENS, WIDTH, [layer], 0.5)


class Shifted(nn.Module):
    """Reads `ahead` tokens ahead, with a small share."""

    def __init__(self, ahead: int, share: float) -> None:
        super().__init__()
        self.ahead, self.share = ahead, share

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.share * tokens.roll(-self.ahead, 1)


@pytest.mark.parametrize("name", ["softmax", "linear", "astromorphic", "none"])
def test_our_attentions_pass(name):
    settings = Wikitext2Settings(
        attention=name, width=WIDTH, heads=HEADS, feedforward=32, context=TOKENS, stride=TOKENS, layers=2
    )
    model = language_model(settings, None, VOCABULARY)
    before = [parameter.clone() for parameter in model.parameters()]
    refuse_leak(model, BLOCK, VOCABULARY)
    assert all(map(torch.equal, before, model.parameters())) and model.training


@pytest.mark.parametrize(
    "mechanism",
    [
        AstromorphicMechanism(
            MeanActivityResponse(PowerLawResponse(0.8004, 0.1996, 0.25)),
            PositionalDrive(HEADS, WIDTH // HEADS, TOKENS, 16.0),
        ),
        LinearAttention(),
        SoftmaxAttention(),
    ],
    ids=["astromorphic", "linear", "softmax"],
)
def test_attention_over_the_whole_sequence_is_caught_although_it_starts_at_zero(mechanism):
    model = model_with(MultiheadAttention(WIDTH, HEADS, mechanism))
    nn.init.zeros_(model.layers[0].attention.to_output.weight)
    with pytest.raises(ValueError, match="its output for token 1 of 48 changes by"):
        refuse_leak(model, BLOCK, VOCABULARY)


@pytest.mark.parametrize("ahead", [1, 2, 17])
@pytest.mark.parametrize("share", [1.0, 1e-3])
def test_a_glimpse_of_one_token_ahead_is_caught(ahead, share):
    with pytest.raises(ValueError, match=f"token {2 - ahead if ahead == 1 else ''}"):
        refuse_leak(model_with(Shifted(ahead, share)), BLOCK, VOCABULARY)


def test_a_leak_inside_chunks_only_is_caught():
    class Chunks(nn.Module):
        def forward(self, tokens: torch.Tensor) -> torch.Tensor:
            return tokens.unflatten(1, (-1, 8)).mean(2).repeat_interleave(8, 1)

    with pytest.raises(ValueError, match="reads the future"):
        refuse_leak(model_with(Chunks()), BLOCK, VOCABULARY)


def test_a_model_that_reads_nothing_is_no_proof():
    class Constant(nn.Module):
        def forward(self, words: torch.Tensor) -> torch.Tensor:
            return torch.full((*words.shape, 4), math.pi)

    with pytest.raises(ValueError, match="blind"):
        refuse_leak(Constant(), BLOCK, VOCABULARY)
