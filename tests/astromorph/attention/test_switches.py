"""Effects taken away one at a time: against the token-by-token reference, in closed form, and what settings refuse."""

import pytest
import torch
from torch import nn

from astromorph.astrocyte import PositionalDrive, response_module
from astromorph.attention import AstromorphicAttention, LinearAttention, MultiheadAttention, SoftmaxAttention, reference
from astromorph.attention.absent import NoAttention
from astromorph.models.attention_from_settings import classifier_attention as attention
from astromorph.models.encoder import EncoderLayer
from astromorph.runs.run_folder import RunFolder
from astromorph.settings import SETTINGS, CalciumResponse, DigitsSettings
from studies.commands.train import _parser
from studies.shell.parser import parse

BATCH, HEADS, TOKENS, FEATURES, SCALE = 2, 3, 6, 4, 2.0
KEEP = torch.tensor([[True] * TOKENS, [True] * 4 + [False] * 2])
RESPONSE = CalciumResponse()
EFFECTS = [
    ("calcium", "position", "feedback"),
    ("position", "feedback"),
    ("calcium", "feedback"),
    ("position",),
    (),
    ("sigmoid",),
    ("calcium", "position", "sigmoid", "feedback"),
    ("position", "sigmoid"),
    ("exponent", "position", "feedback"),
    ("exponent", "sigmoid", "feedback"),
]


def settings(**changes):
    return DigitsSettings(width=HEADS * FEATURES, heads=HEADS, position_scale=SCALE, **changes)


def built(effects, **changes):
    torch.manual_seed(1)
    return attention(settings(effects=effects, **changes), RESPONSE, TOKENS, 1).mechanism.double()


def tokens(seed=0):
    draw = torch.Generator().manual_seed(seed)
    shape = (BATCH, HEADS, TOKENS, FEATURES)
    return [torch.randn(shape, generator=draw, dtype=torch.float64).requires_grad_() for _ in range(3)]


def slowly(effects, fast, query, key, value):
    """The reference for every input and head."""
    rho = response_module(RESPONSE) if "calcium" in effects else lambda x: x
    switches = {
        "saturating": TOKENS if "sigmoid" in effects else None,
        "exponent": 0.25 if "exponent" in effects else None,
        "clamped": None if "feedback" in effects else TOKENS,
    }
    outputs = torch.empty_like(query)
    for b in range(BATCH):
        for h in range(HEADS):
            drive = reference.positional_drive(fast.position.table[h], SCALE) if "position" in effects else None
            written = reference.write(key[b, h], value[b, h], KEEP[b].tolist(), drive)
            outputs[b, h] = reference.read(query[b, h], *written, rho, **switches)
    return outputs


@pytest.mark.parametrize("effects", EFFECTS, ids=lambda effects: " ".join(effects) or "none")
def test_every_switch_equals_the_reference_in_values_and_gradients(effects):
    fast, inputs = built(effects), tokens()
    assert isinstance(fast.position, PositionalDrive) == ("position" in effects)
    found, expected = fast(*inputs, KEEP), slowly(effects, fast, *inputs)
    close = {"rtol": 1e-5, "atol": 1e-7}  # the distance kernel is float32
    torch.testing.assert_close(found, expected, **close)
    learned = inputs + ([fast.position.table] if "position" in effects else [])
    weights = torch.randn(found.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    for one, other in zip(
        torch.autograd.grad((found * weights).sum(), learned, allow_unused=True),
        torch.autograd.grad((expected * weights).sum(), learned, allow_unused=True),
        strict=True,
    ):
        torch.testing.assert_close(one, other, **close)


def test_feedback_alone_is_linear_attention():
    inputs = tokens(3)
    torch.testing.assert_close(
        built(("feedback",))(*inputs, KEEP), LinearAttention()(*inputs, KEEP), rtol=1e-12, atol=0
    )


def test_nothing_at_all_is_the_hebbian_sum_over_a_constant():
    query, key, value = (torch.zeros_like(x) for x in tokens())  # φ(0) = 1
    value = value + torch.arange(TOKENS, dtype=torch.float64)[:, None]
    found = built(())(query, key, value, KEEP)
    expected = KEEP.double() @ torch.arange(TOKENS, dtype=torch.float64) / TOKENS  # Σ_t v_t / N₀
    torch.testing.assert_close(found, expected.view(BATCH, 1, 1, 1).expand_as(found), rtol=1e-12, atol=0)


def test_at_rest_feedback_does_what_the_constant_does():
    query, key, value = tokens()
    rest = torch.zeros_like(query)
    torch.testing.assert_close(
        built(())(rest, rest, value), built(("feedback",))(rest, rest, value), rtol=1e-12, atol=0
    )


def test_a_sigmoid_of_nothing_is_a_half():
    query, key, value = tokens()
    silent = torch.zeros_like(value)
    found = built(("sigmoid", "feedback"))(query, key, silent)  # H = N σ(0): φ(q)·N/2 over φ(q)·Σφ(k)
    phi = nn.functional.elu(query) + 1
    total = (nn.functional.elu(key) + 1).sum(-2, keepdim=True)
    expected = TOKENS / 2 * phi.sum(-1, keepdim=True) / (phi * total).sum(-1, keepdim=True)
    torch.testing.assert_close(found, expected.expand_as(found), rtol=1e-12, atol=0)


def test_a_sigmoid_of_little_is_a_quarter_of_the_rest():
    query, key, value = tokens()
    effects, little = ("sigmoid", "feedback"), 1e-4
    slope = (built(effects)(query, key, little * value) - built(effects)(query, key, 0 * value)) / little
    torch.testing.assert_close(slope, LinearAttention()(query, key, value) / 4, rtol=1e-4, atol=1e-9)


def test_the_printed_exponent_of_equal_keys_is_a_gain_that_grows_with_their_number():
    query, _, value = tokens()
    key = torch.full_like(value, 1.0)  # φ(1) = 2: g = (2 N)^¼ where linear attention has 2 N
    found = built(("exponent", "feedback"))(query, key, value, KEEP)
    count = KEEP.sum(1).double().view(BATCH, 1, 1, 1)
    expected = LinearAttention()(query, key, value, KEEP) * (2 * count) ** 0.75
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("effects", EFFECTS[3:], ids=lambda effects: " ".join(effects) or "none")
def test_padding_changes_nothing(effects):
    query, key, value = (tensor.detach() for tensor in tokens())
    changed_key, changed_value = key.clone(), value.clone()
    changed_key[1, :, 4:], changed_value[1, :, 4:] = 50.0, -9.0
    fast = built(effects)
    torch.testing.assert_close(fast(query, changed_key, changed_value, KEEP), fast(query, key, value, KEEP))


def test_bfloat16_behind_a_sigmoid_rounds_no_more_than_its_inputs():
    inputs = [x.detach().float() for x in tokens()]
    fast = built(("sigmoid", "feedback")).float()
    rounded = [x.bfloat16() for x in inputs]
    found = fast(*rounded)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, fast(*(x.float() for x in rounded)).bfloat16(), rtol=0, atol=0)


@pytest.mark.parametrize("name", ["softmax", "linear", "astromorphic"])
def test_a_gain_multiplies_what_is_attended_to(name):
    x = torch.randn(2, TOKENS, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    plain, amplified = (
        (torch.manual_seed(0), attention(settings(attention=name, gain=gain), RESPONSE, TOKENS, 1).double())[1]
        for gain in (1.0, 1.7)
    )
    bias = plain.to_output.bias
    torch.testing.assert_close(
        amplified(x, keep=KEEP) - bias, 1.7 * (plain(x, keep=KEEP) - bias), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [("softmax", SoftmaxAttention), ("linear", LinearAttention), ("astromorphic", AstromorphicAttention)],
)
def test_the_layer_that_is_trained_is_the_one_that_users_take(name, kind):
    layer = attention(settings(attention=name), None, TOKENS, 1)
    assert isinstance(layer, MultiheadAttention)
    assert isinstance(layer if kind is AstromorphicAttention else layer.mechanism, kind)


def test_without_attention_a_layer_treats_every_token_alone():
    torch.manual_seed(0)
    none = attention(settings(attention="none"), None, TOKENS, 1)
    assert isinstance(none, NoAttention) and not list(none.parameters())
    layer = EncoderLayer(12, none, 24, 0.0).eval()
    x = torch.randn(2, TOKENS, 12)
    torch.testing.assert_close(layer(x, KEEP)[:, 2:3], layer(x[:, 2:3], KEEP[:, 2:3]))
    mixing = EncoderLayer(12, attention(settings(attention="linear"), None, TOKENS, 1), 24, 0.0).eval()
    assert (mixing(x, KEEP)[:, 2:3] - mixing(x[:, 2:3], KEEP[:, 2:3])).abs().max() > 1e-3


@pytest.mark.parametrize("effects", EFFECTS, ids=lambda effects: " ".join(effects) or "none")
def test_all_weights_learn(effects):
    torch.manual_seed(0)
    layer = attention(settings(effects=effects), RESPONSE, TOKENS, 1)
    assert isinstance(layer, MultiheadAttention)
    layer(torch.randn(2, TOKENS, 12), keep=KEEP).square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in layer.parameters())


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"effects": ("glia",)}, "effect 'glia' is not known; use some of calcium, exponent, position, sigmoid"),
        ({"attention": "linear", "effects": ()}, "effects none are not those of linear attention"),
        ({"effects": ("calcium", "exponent", "feedback")}, "effects calcium exponent feedback hold two responses"),
        ({"effects": ("calcium",)}, "effects calcium let calcium act on nothing; add feedback"),
        ({"effects": ("exponent", "sigmoid")}, "effects exponent sigmoid let calcium act on nothing"),
        ({"gain": 0.0}, "gain 0.0 must be a number above 0; use --attention none"),
        ({"gain": float("inf")}, "gain inf must be a number above 0"),
        ({"attention": "none", "gain": 2.0}, "gain 2.0 multiplies no attention; leave it out"),
    ],
)
def test_an_effect_that_cannot_be_is_one_sentence(changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        settings(**changed)


def test_effects_are_kept_once_and_in_their_order():
    assert settings(effects=["feedback", "position", "feedback"]).effects == ("position", "feedback")


def test_effects_are_typed_as_a_list():
    asked = parse(_parser("digits"), ["--effects", "position,feedback", "--gain", "1.5"])
    assert tuple(asked["effects"]) == ("position", "feedback") and asked["gain"] == 1.5


def test_a_run_folder_keeps_the_switches_and_older_ones_open(tmp_path):
    asked = settings(effects=("position",), gain=1.5)
    RunFolder.create(tmp_path / "run", "digits", asked, RESPONSE)
    assert RunFolder.open(tmp_path / "run").settings == asked
    file = tmp_path / "run/settings.yaml"
    lines = file.read_text().splitlines()
    old = [line for line in lines if line.strip() not in ("effects:", "- position", "gain: 1.5")]
    assert len(old) == len(lines) - 3
    file.write_text("\n".join(old))
    assert RunFolder.open(tmp_path / "run").settings == settings()


@pytest.mark.parametrize("name", ["imdb", "cifar10", "digits"])
def test_every_classifier_has_the_switches(name):
    assert SETTINGS[name](attention="none").effects == ("calcium", "position", "feedback")
    assert SETTINGS[name](effects=("feedback",), gain=2.0).gain == 2.0
