"""The text classifier's own parts: pooling and the convolution over neighbours, both blind to padding."""

import pytest
import torch

from astromorph.data.words import PADDING
from astromorph.models.text_classifier import TextClassifier, largest_of, mean_of

WORDS, WIDTH = 20, 6


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_pooling_text_by_text():
    tokens, keep = random(4, 7, WIDTH), torch.arange(7) < torch.tensor([[7], [3], [1], [0]])
    for pool, plain in ((mean_of, lambda text: text.mean(0)), (largest_of, lambda text: text.max(0).values)):
        found = pool(tokens, keep)
        for row, (text, real) in enumerate(zip(tokens[:3], keep[:3], strict=True)):
            torch.testing.assert_close(found[row], plain(text[real]))
        assert not found[3].any()


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("phrase", [1, 3, 5])
def test_padding_changes_nothing(phrase, pooling):
    torch.manual_seed(0)
    model = TextClassifier(WORDS, 32, WIDTH, 2, [], 0.0, None, phrase, pooling).eval()
    torch.nn.init.normal_(model.positions)
    words = torch.randint(2, WORDS, (3, 9))
    longer = torch.nn.functional.pad(words, (0, 5), value=PADDING)
    keep = torch.arange(14).expand(3, 14) < 9
    torch.testing.assert_close(model(longer, keep), model(words, torch.ones_like(words, dtype=torch.bool)))


def test_the_convolution_adds_what_neighbours_say():
    torch.manual_seed(0)
    model = TextClassifier(WORDS, 32, WIDTH, 2, [], 0.0, None, 3, "mean").eval()
    words = torch.randint(2, WORDS, (1, 4))
    vectors = model.words(words)[0]
    around = torch.nn.functional.pad(vectors, (0, 0, 1, 1))
    filters, bias = model.join.weight, model.join.bias
    wanted = [vectors[place] + sum(filters[:, :, j] @ around[place + j] for j in range(3)) + bias for place in range(4)]
    torch.testing.assert_close(
        model(words, torch.ones_like(words, dtype=torch.bool))[0], model.classify(torch.stack(wanted).mean(0))
    )
