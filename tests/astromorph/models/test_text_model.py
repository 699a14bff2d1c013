"""The text classifier, its encoder layer and locked dropout."""

import torch
import torch.nn.functional as F

from astromorph.attention import MultiheadAttention, SoftmaxAttention
from astromorph.models.dropout import LockedDropout
from astromorph.models.encoder import EncoderLayer
from astromorph.models.text_classifier import TextClassifier


def classifier(dropout: float = 0.0) -> TextClassifier:
    torch.manual_seed(0)
    layer = EncoderLayer(8, MultiheadAttention(8, 2, SoftmaxAttention()), 16, dropout)
    return TextClassifier(20, 10, 8, 2, [layer], dropout)


def test_padding_changes_no_logit():
    model = classifier().eval()
    words = torch.tensor([[3, 4, 5, 6]])
    alone = model(words, torch.ones(1, 4, dtype=torch.bool))
    padded = model(F.pad(words, (0, 3)), F.pad(torch.ones(1, 4, dtype=torch.bool), (0, 3)))
    torch.testing.assert_close(padded, alone)


def test_word_order_matters_once_positions_are_learned():
    model = classifier().eval()
    torch.nn.init.normal_(model.positions)
    keep = torch.ones(1, 4, dtype=torch.bool)
    forward = model(torch.tensor([[3, 4, 5, 6]]), keep)
    assert (model(torch.tensor([[6, 5, 4, 3]]), keep) - forward).abs().max() > 1e-4


def test_every_parameter_learns():
    model = classifier()
    model(torch.tensor([[3, 4, 5, 6]]), torch.ones(1, 4, dtype=torch.bool))[0, 0].backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_encoder_layer_equals_pytorchs_post_norm_layer():
    torch.manual_seed(0)
    attention = MultiheadAttention(8, 2, SoftmaxAttention())
    ours = EncoderLayer(8, attention, 16, 0.0)
    theirs = torch.nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    pairs = [
        (theirs.self_attn.in_proj_weight, attention.to_query_key_value.weight),
        (theirs.self_attn.in_proj_bias, attention.to_query_key_value.bias),
        (theirs.self_attn.out_proj.weight, attention.to_output.weight),
        (theirs.self_attn.out_proj.bias, attention.to_output.bias),
        (theirs.linear1.weight, ours.expand.weight),
        (theirs.linear1.bias, ours.expand.bias),
        (theirs.linear2.weight, ours.contract.weight),
        (theirs.linear2.bias, ours.contract.bias),
    ]
    with torch.no_grad():
        for target, source in pairs:
            target.copy_(source)
    tokens = torch.randn(2, 5, 8)
    torch.testing.assert_close(ours(tokens), theirs(tokens))


def test_locked_dropout_drops_whole_features_and_keeps_the_mean():
    torch.manual_seed(0)
    dropped = LockedDropout(0.25)(torch.ones(400, 6, 50))
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))  # the same at every token
    assert set(dropped.unique().tolist()) == {0.0, torch.tensor(1 / 0.75).item()}
    error = (0.25 / 0.75 / (400 * 50)) ** 0.5  # standard deviation of the mean
    assert abs(dropped.mean().item() - 1) < 4 * error


def test_locked_dropout_is_silent_in_evaluation():
    tokens = torch.randn(2, 3, 4)
    assert torch.equal(LockedDropout(0.9).eval()(tokens), tokens)
