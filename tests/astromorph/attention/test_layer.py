"""The layer as others use it: properties, padding, precision, other people's models, printed forms, refusals."""

import copy
import runpy
from pathlib import Path

import pytest
import torch
from torch import nn

from astromorph.attention import MultiheadAttention
from astromorph.attention.distance import AdditiveDistance, MultiplicativeDistance
from astromorph.attention.functional import astromorphic_attention
from astromorph.attention.layer import AstromorphicAttention
from astromorph.attention.linear import LinearAttention
from astromorph.attention.plasticity import SaturatingHebbian
from astromorph.attention.positions import PositionalDrive, Unordered
from astromorph.attention.responses import LinearResponse, NoFeedback, PowerOfSum
from astromorph.attention.token_delays import TokenDelays
from studies.benches.machine import resident

WIDTH, HEADS, TOKENS = 8, 2, 10


def layer(seed=0, **parts):
    torch.manual_seed(seed)
    return AstromorphicAttention(WIDTH, HEADS, **parts).eval()


def tokens(batch=3, count=TOKENS, seed=1):
    return torch.randn(batch, count, WIDTH, generator=torch.Generator().manual_seed(seed))


PRINTED = runpy.run_path(str(Path(__file__).parents[3] / "docs/guides/printed_forms.py"))  # a page of the documentation


def printed(name, **options):
    torch.manual_seed(0)
    return MultiheadAttention(WIDTH, HEADS, PRINTED[name](HEADS, WIDTH // HEADS, TOKENS, **options)).eval()


FORMS = {
    "recommended": lambda: layer(),
    "causal": lambda: layer(causal=True),
    "fading": lambda: layer(position=MultiplicativeDistance(HEADS, 4.0)),
    "fading, causal": lambda: layer(position=MultiplicativeDistance(HEADS, 4.0), causal=True),
    "unordered": lambda: layer(position=Unordered()),
    "Eq. 11": lambda: printed("equation_11", scaling=4),
    "Eq. 18": lambda: printed("equation_18", scaling=4),
    "Algorithm 1": lambda: printed("algorithm_1", scaling=4),
    "RMAAT": lambda: printed("rmaat"),
    "linear limit": lambda: layer(response=LinearResponse(), position=Unordered()),
}
ANY_LENGTH = ["recommended", "causal", "fading", "fading, causal", "unordered", "linear limit"]


@pytest.mark.parametrize("name", FORMS)
def test_inputs_of_a_batch_do_not_mix(name):
    x, attention = tokens(), FORMS[name]()
    torch.testing.assert_close(attention(x)[1:2], attention(x[1:2]))


@pytest.mark.parametrize("name", FORMS)
def test_padding_changes_nothing(name):
    x, attention = tokens(), FORMS[name]()
    padding = torch.zeros(3, TOKENS, dtype=torch.bool)
    padding[1, 6:] = True
    changed = x.clone()
    changed[1, 6:] = 40.0
    one, other = attention(x, key_padding_mask=padding), attention(changed, key_padding_mask=padding)
    torch.testing.assert_close(one[~padding], other[~padding])
    torch.testing.assert_close(one[1:2, :6], attention(x[1:2, :6]))


@pytest.mark.parametrize("name", ANY_LENGTH)
def test_any_length_at_inference(name):
    for count in (1, 3, 700):
        assert FORMS[name]()(tokens(count=count)).isfinite().all()


@pytest.mark.parametrize("name", ["unordered", "linear limit"])
def test_without_position_a_permutation_of_tokens_permutes_outputs(name):
    x, order, attention = tokens(), torch.randperm(TOKENS), FORMS[name]()
    torch.testing.assert_close(attention(x[:, order]), attention(x)[:, order])


@pytest.mark.parametrize("name", ["recommended", "fading"])
def test_relative_terms_do_not_see_a_shift_but_an_exchange(name):
    x, attention = tokens(), FORMS[name]()
    front = torch.cat((torch.zeros(3, 5, WIDTH), x), 1)
    padding = torch.arange(TOKENS + 5).expand(3, -1) < 5
    torch.testing.assert_close(attention(front, key_padding_mask=padding)[:, 5:], attention(x))
    assert not torch.allclose(attention(x.flip(1)).flip(1)[:, :3], attention(x[:, torch.randperm(TOKENS)])[:, :3])
    torch.testing.assert_close(attention(x.flip(1)).flip(1), attention(x))  # a distance has no direction


@pytest.mark.parametrize(
    "position", [Unordered(), AdditiveDistance(2), MultiplicativeDistance(2), PositionalDrive(2, 4, 10)]
)
def test_with_a_linear_response_the_weights_sum_to_one(position):
    query, key = torch.randn(2, 1, 2, 10, 4, generator=torch.Generator().manual_seed(0))
    ones = torch.ones_like(key)
    torch.testing.assert_close(astromorphic_attention(query, key, ones, position=position), ones)


def test_defaults_are_linear_attention():
    q, k, v = torch.randn(3, 2, 2, 10, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(astromorphic_attention(q, k, v), LinearAttention()(q, k, v))


def test_printed_forms_follow_their_formulas():
    q, k, v = torch.randn(3, 1, 1, 6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    phi = lambda x: torch.nn.functional.elu(x) + 1
    names = ("equation_11", "equation_18", "algorithm_1", "rmaat")
    forms = {}
    for name in names:
        torch.manual_seed(0)  # the same drive in all
        forms[name] = PRINTED[name](1, 4, 6, scaling=5).double()
    drive = forms["rmaat"].position(6)[None]
    hebb = phi(k).mT @ v + drive.mT @ v
    g = phi(k).sum(2) ** 0.25
    running = (phi(k).cumsum(2) ** 0.25).sum(2)
    read = lambda weight, g: phi(q) @ weight / (phi(q) * g[:, :, None]).sum(-1, keepdim=True)
    expected = {
        "equation_11": read(torch.sigmoid(hebb / 5), g), "equation_18": read(torch.sigmoid(hebb), g) / 5,
        "algorithm_1": read(hebb / 5, running), "rmaat": read(hebb / 5, g),
    }  # fmt: skip
    for name, form in forms.items():
        torch.testing.assert_close(form(q, k, v), expected[name], rtol=1e-6, atol=1e-9)
        inputs = [x.clone().requires_grad_() for x in (q, k, v)]
        assert torch.autograd.gradcheck(
            lambda q, k, v, *_, form=form: form(q, k, v), (*inputs, *form.parameters()), atol=1e-6
        )


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_stays_close_over_long_sequences(name, dtype):
    count = 4096 if name in ANY_LENGTH else TOKENS
    attention, x = FORMS[name](), tokens(1, count)
    exact = attention(x)
    with torch.autocast("cpu", dtype):
        rounded = attention(x)
    assert rounded.dtype == dtype
    torch.testing.assert_close(rounded.float(), exact, rtol=0.05, atol=0.02)


def test_a_hundred_thousand_tokens_in_float16_do_not_overflow():
    q, k, v = (8 + torch.randn(3, 1, 1, 100_000, 8, generator=torch.Generator().manual_seed(0))).half()
    for causal in (False, True):
        out = astromorphic_attention(q, k, v, is_causal=causal, position=AdditiveDistance(1))
        torch.testing.assert_close(out.float().mean(), torch.tensor(8.0), rtol=0.02, atol=0)


def test_stream_of_the_layer_equals_its_causal_form():
    attention, x = layer(causal=True), tokens()
    state, outputs = attention.start(3), []
    for t in range(TOKENS):
        output, state = attention.step(x[:, t], state)
        outputs.append(output)
    torch.testing.assert_close(torch.stack(outputs, 1), attention(x))
    assert all(part.shape == first.shape for part, first in zip(state, attention.start(3), strict=True))


def test_cross_attention_reads_another_sequence():
    attention = layer(position=Unordered())
    output, weights = attention(tokens(), tokens(count=4, seed=2), tokens(count=4, seed=2))
    assert output.shape == (3, TOKENS, WIDTH) and weights is None


def test_dropout_silences_tokens_only_in_training():
    attention, x = layer(dropout=0.5), tokens()
    assert torch.equal(attention(x), attention(x))
    attention.train()
    assert not torch.equal(attention(x), attention(x))


def test_grouped_queries_share_keys():
    q, (k, v) = torch.randn(1, 4, 5, 3), torch.randn(2, 1, 2, 5, 3)
    shared = astromorphic_attention(q, k, v, enable_gqa=True)
    torch.testing.assert_close(shared, astromorphic_attention(q, k.repeat_interleave(2, 1), v.repeat_interleave(2, 1)))


def test_it_takes_the_weights_of_torch_and_its_place_in_an_encoder():
    torch.manual_seed(0)
    encoder = nn.TransformerEncoderLayer(WIDTH, HEADS, 16, batch_first=True).eval()
    theirs = encoder.self_attn
    encoder.self_attn = AstromorphicAttention.from_multihead(theirs)
    assert torch.equal(encoder.self_attn.to_query_key_value.weight, theirs.in_proj_weight)
    x, padding = tokens(), torch.zeros(3, TOKENS, dtype=torch.bool)
    padding[2, 7:] = True
    output = encoder(x, src_key_padding_mask=padding)
    attended = x + encoder.self_attn(x, key_padding_mask=padding)
    torch.testing.assert_close(
        output, encoder.norm2(encoder.norm1(attended) + encoder._ff_block(encoder.norm1(attended)))
    )


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
@pytest.mark.parametrize("order", ["swapped after", "swapped before", "norm first"])
@pytest.mark.parametrize("graded", [False, True])
def test_torchs_own_encoder_validates_as_it_trains(order, graded):
    torch.manual_seed(0)
    one = nn.TransformerEncoderLayer(16, 4, 32, 0.0, batch_first=True, norm_first=order == "norm first")
    if order == "swapped before":
        one.self_attn = AstromorphicAttention.from_multihead(one.self_attn)
    encoder = nn.TransformerEncoder(one, 2)
    if order != "swapped before":
        for each in encoder.layers:
            each.self_attn = AstromorphicAttention.from_multihead(each.self_attn)
    x, padding = torch.randn(3, 10, 16), torch.arange(10) >= torch.tensor([[7], [10], [4]])
    with torch.set_grad_enabled(graded):
        trained = encoder.train()(x, src_key_padding_mask=padding)
        validated = encoder.eval()(x, src_key_padding_mask=padding)
    torch.testing.assert_close(validated[~padding], trained[~padding], rtol=0, atol=0)


def test_it_stands_in_a_block_of_a_vision_transformer():
    class Block(nn.Module):  # as in timm
        def __init__(self):
            super().__init__()
            self.norm1, self.attn = nn.LayerNorm(WIDTH), AstromorphicAttention(WIDTH, HEADS)

        def forward(self, x):
            return x + self.attn(self.norm1(x))

    block = Block()
    block(tokens()).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in block.parameters())


def test_without_feedback_outputs_are_not_divided():
    q, k, v = torch.randn(3, 1, 1, 5, 4, generator=torch.Generator().manual_seed(0))
    phi = lambda x: torch.nn.functional.elu(x) + 1
    torch.testing.assert_close(astromorphic_attention(q, k, v, feedback=NoFeedback()), phi(q) @ (phi(k).mT @ v))


def attend(*shapes, mask=None, **options):
    """Attention of zeros in these shapes, the last of which serves for what is missing."""
    shapes += (shapes[-1],) * (3 - len(shapes))
    return astromorphic_attention(*(torch.zeros(shape) for shape in shapes), mask, **options)


def attend_as(*dtypes):
    return astromorphic_attention(*(torch.zeros(1, 1, 5, 4, dtype=dtype) for dtype in dtypes))


@pytest.mark.parametrize(
    "call,sentence",
    [
        (lambda: attend((2, 5, 4)), r"query has 3 axes .* give \(batch, heads"),
        (lambda: attend((1, 2, 5, 4), (1, 2, 6, 4), (1, 2, 7, 4)), r"\(1, 2, 6, 4\).*do not fit"),
        (lambda: attend((1, 1, 0, 4)), "hold no tokens"),
        (lambda: attend_as(torch.float32, torch.float32, torch.float64), "value is torch.float64; give all three"),
        (lambda: attend_as(*[torch.int64] * 3), "query is torch.int64; give floating-point"),
        (lambda: attend((1, 1, 5, 4), mask=torch.ones(6) > 0), r"\(6,\) does not broadcast to \(1, 1, 5, 5\)"),
        (lambda: attend((1, 1, 5, 4), mask=torch.ones(5, 5).tril() > 0), "differs between queries"),
        (lambda: attend((1, 1, 5, 4), mask=torch.eye(5) > 0, is_causal=True), "differs between queries"),
        (lambda: attend((1, 1, 5, 4), dropout_p=1.5), r"dropout_p 1.5 is no share; give 0 \(none\) to 1 \(all\)"),
        (lambda: attend((1, 1, 5, 4), dropout_p=-0.1), "dropout_p -0.1 is no share"),
        (lambda: attend((1, 1, 5, 4), dropout_p=float("nan")), "dropout_p nan is no share"),
        (lambda: layer(dropout=1.5), "dropout 1.5 is no share"),
        (lambda: layer(gain=float("nan")), "gain nan is no finite number"),
        (lambda: attend((1, 1, 5, 4), scale=-1.0), "scale -1.0 has no root to multiply .* 0 or more"),
        (lambda: attend((1, 1, 5, 4), scale=float("inf")), "scale inf has no root"),
        (lambda: attend((1, 1, 5, 4), mask=torch.ones(1, 5)), "attn_mask is torch.float32; give a boolean"),
        (lambda: attend((1, 1, 3, 4), (1, 1, 5, 4), is_causal=True), "differ in tokens"),
        (lambda: layer(check_finite=True)(tokens() / 0), r"\(3, 10, 8\) has 240 values that are not finite"),
        (lambda: layer(causal=True, position=PositionalDrive(2, 4, 9)), "PositionalDrive has no causal or fading form"),
        (lambda: layer(plasticity=SaturatingHebbian(), position=MultiplicativeDistance(HEADS))(tokens()), "Saturating"),
        (lambda: FORMS["RMAAT"]()(tokens(count=11)), "11 tokens are more than the 10 positions"),
        (lambda: layer()(tokens()[0]), r"query has shape \(10, 8\); give \(batch, tokens, 8\)"),
        (lambda: layer()(tokens(), key_padding_mask=torch.zeros(3, 9) > 0), r"shape \(3, 9\); give \(3, 10\)"),
        (lambda: layer()(tokens(), is_causal=True), r"is_causal=True reached a layer built with causal=False"),
        (lambda: layer(causal=True)(tokens(), attn_mask=torch.ones(10, 10)), r"attn_mask \(10, 10\) and is_causal"),
        (lambda: layer().start(1), "build it with causal=True"),
        (lambda: AstromorphicAttention(130, 4), "width 130 does not divide into 4 heads"),
        (lambda: AstromorphicAttention.from_multihead(nn.MultiheadAttention(8, 2, kdim=4)), "another width"),
        (lambda: AstromorphicAttention.from_multihead(nn.MultiheadAttention(8, 2)), "build it with batch_first=True"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_mask_that_says_the_same_for_every_query_is_taken(dtype):
    q, k, v = torch.randn(3, 2, 4, 12, 8, generator=torch.Generator().manual_seed(0)).to(dtype)
    padding = torch.ones(2, 1, 1, 12, dtype=torch.bool)
    padding[0, ..., 8:] = False
    whole = padding.expand(2, 1, 12, 12)
    expected = astromorphic_attention(q, k, v, padding)
    for mask in (whole, whole.clone(), whole[:, 0, None].clone().expand(2, 4, 12, 12)):
        torch.testing.assert_close(astromorphic_attention(q, k, v, mask), expected)
    expected = astromorphic_attention(q, k, v, padding, is_causal=True)
    for mask in (whole.clone(), whole.tril(), whole.tril().expand(2, 4, 12, 12)):
        torch.testing.assert_close(astromorphic_attention(q, k, v, mask, is_causal=True), expected)
    everything = astromorphic_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(
        astromorphic_attention(q, k, v, (torch.ones(12, 12) > 0).tril(), is_causal=True), everything
    )


def test_all_or_nothing_is_released():
    q, k, v = torch.randn(3, 1, 1, 5, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert not astromorphic_attention(q, k, v, dropout_p=1.0).any()
    torch.testing.assert_close(astromorphic_attention(q, k, v, dropout_p=0), astromorphic_attention(q, k, v))
    torch.testing.assert_close(astromorphic_attention(q, k, v, scale=0.0)[0, 0, 0], v.mean(2)[0, 0])


def test_a_stream_goes_on_from_a_file(tmp_path):
    attention, x = layer(causal=True), tokens()
    _, state = attention.step(x[:, 0], attention.start(3))
    torch.save(state, tmp_path / "state.pt")
    again = torch.load(tmp_path / "state.pt")
    for one, other in zip(attention.step(x[:, 1], state)[1], attention.step(x[:, 1], again)[1], strict=True):
        assert torch.equal(one, other)


def test_power_of_the_sum_causally():
    q, k, v = torch.randn(3, 1, 1, 70, 4, generator=torch.Generator().manual_seed(0))
    last = astromorphic_attention(q, k, v, is_causal=True, response=PowerOfSum())[:, :, -1]
    torch.testing.assert_close(last, astromorphic_attention(q, k, v, response=PowerOfSum())[:, :, -1])


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", [AdditiveDistance, MultiplicativeDistance])
def test_distances_of_other_heads_are_refused_and_one_number_holds_for_all(kind, causal):
    x = tokens()
    for heads in (3, 4):
        with pytest.raises(ValueError, match=f"distances of {heads} heads reached 2 heads; give position 2 heads"):
            layer(causal=causal, position=kind(heads))(x)
    shared = layer(causal=causal, position=kind(1))
    torch.testing.assert_close(shared(x).double(), copy.deepcopy(shared).double()(x.double()), rtol=1e-4, atol=1e-5)


def test_both_masks_count_and_numbers_that_are_no_mask_are_refused():
    attention, x = layer(), tokens()
    real = torch.rand(x.shape[:2], generator=torch.Generator().manual_seed(0)) < 0.7
    padded = torch.zeros_like(real)
    padded[:, 0] = True
    both = attention(x, keep=real & ~padded)
    torch.testing.assert_close(attention(x, x, x, key_padding_mask=padded, keep=real)[0], both)
    torch.testing.assert_close(attention(x, keep=real.long()), attention(x, keep=real))
    torch.testing.assert_close(attention.double()(x.double(), keep=real.long()), attention(x.double(), keep=real))
    attention.float()
    for mask, sentence in (
        ({"keep": real.float()}, "keep is torch.float32; give a boolean mask"),
        ({"keep": real[:, 1:]}, r"keep has shape .*; give .* \(batch, keys\)"),
        ({"key": x, "key_padding_mask": torch.full(real.shape, -0.5)}, "numbers other than 0 and -inf"),
    ):
        with pytest.raises(ValueError, match=sentence):
            attention(x, **mask)


def test_what_has_no_form_across_sequences_or_in_a_stream_is_refused():
    x = tokens()
    with pytest.raises(ValueError, match=r"differ in tokens; .* use position=Unordered\(\) across sequences"):
        layer()(x, x[:, 1:], x[:, 1:])
    assert layer(position=Unordered())(x, x[:, 1:], x[:, 1:])[0].shape == x.shape
    with pytest.raises(ValueError, match="a layer with delays keeps no tokens to stream; call it on the whole"):
        layer(causal=True, delays=TokenDelays(HEADS, 3)).start(2)
    for width, heads in ((16.0, 4), (16, -4), (0, 1), (16, "4"), (16, True)):
        with pytest.raises(ValueError, match="are not two whole numbers; give both, 1 or more"):
            AstromorphicAttention(width, heads)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["recommended", "causal"])
def test_it_compiles_whole_and_exports(name):
    attention, x = FORMS[name](), tokens().requires_grad_()
    whole = torch.compile(attention, fullgraph=True)
    torch.testing.assert_close(whole(x), attention(x))
    torch.testing.assert_close(*(torch.autograd.grad(f(x).square().sum(), x)[0] for f in (whole, attention)))
    exported = torch.export.export(attention, (x.detach(),)).module()
    torch.testing.assert_close(exported(x), attention(x), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("causal", [False, True])
def test_a_million_tokens_pass_within_eight_gibibytes(causal):
    attention = AstromorphicAttention(128, 4, causal=causal)
    x = torch.randn(1, 1_000_000, 128, generator=torch.Generator().manual_seed(0))
    Path("/proc/self/clear_refs").write_text("5")  # the peak of this process starts anew
    with torch.no_grad():
        output = attention(x)
    assert output.isfinite().all()
    assert resident("VmHWM") < 8 * 2**30
