"""Active dendrites against a loop over units and segments, closed forms, and what users rely on."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from astromorph.dendrite import ActiveDendrites, DendriticLayer, SegmentGate, k_winners, opening_spread

BATCH, INPUTS, UNITS, SEGMENTS, CONTEXT = 5, 4, 6, 3, 7
GATES = {"published": (0.0, 1.0), "measured": (1.0, 9.0)}


def layer(gate: tuple[float, float] = (1.0, 3.0), winners: float = 0.5) -> DendriticLayer:
    torch.manual_seed(0)
    dendrites = ActiveDendrites(UNITS, SEGMENTS, CONTEXT, SegmentGate(*gate), spread=0.7)
    return DendriticLayer(INPUTS, dendrites, winners).double()


def numbers(*shape: int, seed: int = 1) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=draw, dtype=torch.float64).requires_grad_()


def reference(module: DendriticLayer, activity, context, threshold: float, gain: float):
    """Every unit and segment in turn, as the equations say."""
    weight, bias, u = module.feedforward.weight, module.feedforward.bias, module.dendrites.segments
    rows = []
    for b in range(len(activity)):
        gated = []
        for i in range(UNITS):
            drives = [sum(u[i, j, k] * context[b, k] for k in range(CONTEXT)) for j in range(SEGMENTS)]
            strongest = max(drives, key=torch.Tensor.item)
            feedforward = sum(weight[i, k] * activity[b, k] for k in range(INPUTS)) + bias[i]
            gated.append(feedforward / (1 + torch.exp(-gain * (strongest - threshold))))
        order = sorted(range(UNITS), key=lambda i: gated[i].item(), reverse=True)
        winners = order[: round(module.winners * UNITS)]
        rows.append(torch.stack([gated[i] if i in winners else 0 * gated[i] for i in range(UNITS)]))
    return torch.stack(rows)


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
@pytest.mark.parametrize("winners", [0.5, 1.0])
def test_layer_equals_the_loop_in_values_and_gradients(gate, winners):
    module, activity, context = layer(gate, winners), numbers(BATCH, INPUTS), numbers(BATCH, CONTEXT, seed=2)
    fast, slow = module(activity, context), reference(module, activity, context, *gate)
    torch.testing.assert_close(fast, slow, rtol=1e-12, atol=1e-14)
    weights = numbers(BATCH, UNITS, seed=3)
    learned = [activity, context, *module.parameters()]
    for ours, theirs in zip(
        torch.autograd.grad((fast * weights).sum(), learned),
        torch.autograd.grad((slow * weights).sum(), learned),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
def test_gradients_equal_finite_differences(gate):
    module = layer(gate)
    names, parameters = zip(*module.named_parameters(), strict=True)

    def output(activity, context, *values):
        return torch.func.functional_call(module, dict(zip(names, values, strict=True)), (activity, context))

    assert torch.autograd.gradcheck(output, (numbers(BATCH, INPUTS), numbers(BATCH, CONTEXT, seed=2), *parameters))


def test_contexts_picked_by_number_are_those_given_row_by_row():
    module, activity, contexts = layer(), numbers(BATCH, INPUTS), numbers(3, CONTEXT, seed=2)
    which = torch.tensor([2, 0, 0, 1, 2])
    torch.testing.assert_close(module(activity, contexts, which), module(activity, contexts[which]))
    one = contexts[1:2]
    torch.testing.assert_close(module(activity, one), module(activity, one.expand(BATCH, -1)))


def test_permuting_the_segments_changes_nothing():
    module, activity, context = layer(), numbers(BATCH, INPUTS), numbers(BATCH, CONTEXT, seed=2)
    before = module(activity, context)
    order = torch.tensor([2, 0, 1])
    module.dendrites.segments.data = module.dendrites.segments.data[:, order]
    torch.testing.assert_close(module(activity, context), before, rtol=0, atol=0)
    zero = torch.zeros(CONTEXT, dtype=torch.float64)
    gradient = torch.autograd.grad(module.dendrites(zero).sum(), module.dendrites.segments)[0]
    assert (gradient == gradient[:, order]).all()  # also where all drives are equal


@given(threshold=st.floats(0, 3), gain=st.floats(0.1, 30))
def test_without_a_context_every_gate_rests(threshold, gain):
    dendrites = ActiveDendrites(UNITS, SEGMENTS, CONTEXT, SegmentGate(threshold, gain)).double()
    resting = dendrites(torch.zeros(CONTEXT, dtype=torch.float64))
    assert resting.shape == (UNITS,)
    assert resting.tolist() == pytest.approx([1 / (1 + math.exp(gain * threshold))] * UNITS, rel=1e-12)


def test_without_parameters_the_gate_is_the_published_sigmoid():
    drive = numbers(50).detach()
    torch.testing.assert_close(SegmentGate()(drive), torch.sigmoid(drive), rtol=1e-15, atol=0)


def test_a_steep_gate_is_the_threshold_of_the_theory():
    """The segment detects when enough of its five synapses are active; 2 are too few, 3 are enough."""
    dendrites = ActiveDendrites(1, 1, 8, SegmentGate(1.0, 1e4)).double()
    dendrites.segments.data = torch.tensor([[[1, 1, 1, 1, 1, 0, 0, 0]]]).double() / 2.5
    patterns = torch.tensor(
        [[1, 1, 0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 1, 1, 1]]
    ).double()
    assert dendrites(patterns)[:, 0].tolist() == [0, 1, 1, 0]


def test_a_segment_that_matches_the_context_opens_its_unit_alone():
    dendrites = ActiveDendrites(UNITS, SEGMENTS, CONTEXT, SegmentGate(1.0, 20.0), spread=0.01)
    context = torch.nn.functional.normalize(torch.ones(CONTEXT), dim=0)
    dendrites.segments.data[2, 1] = 1.5 * context
    gates = dendrites(context)
    assert gates[2] > 0.99 and (gates[[0, 1, 3, 4, 5]] < 1e-6).all()


@pytest.mark.parametrize(("threshold", "segments", "share"), [(1.0, 10, 0.2), (1.0, 1, 0.2), (0.5, 4, 0.4)])
def test_the_opening_spread_lets_its_share_of_units_over_the_threshold(threshold, segments, share):
    torch.manual_seed(0)
    spread = opening_spread(threshold, segments, share)
    dendrites = ActiveDendrites(20_000, segments, 16, torch.nn.Identity(), spread)
    context = torch.nn.functional.normalize(torch.arange(1.0, 17.0), dim=0)
    opened = (dendrites(context) > threshold).double().mean()
    assert float(opened) == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 20_000))  # 4 standard errors


def test_opening_spread_of_one_segment_is_the_textbook_quantile():
    assert opening_spread(1.0, 1, 0.025) == pytest.approx(1 / 1.959963985, rel=1e-9)


@given(rows=st.integers(1, 4), units=st.integers(1, 40), share=st.floats(0.01, 1), seed=st.integers(0, 100))
def test_winners_are_the_largest_and_keep_their_values(rows, units, share, seed):
    activity = numbers(rows, units, seed=seed).detach()
    kept = k_winners(activity, share)
    count = max(1, round(share * units))
    expected = torch.where(activity >= activity.sort(descending=True).values[:, count - 1 : count], activity, 0.0)
    assert torch.equal(kept, expected)


def test_of_equal_activities_no_more_than_the_share_wins():
    assert int((k_winners(torch.ones(3, 10), 0.3) != 0).sum()) == 9


def test_only_winners_learn():
    activity = numbers(BATCH, 10)
    k_winners(activity, 0.2).sum().backward()
    assert torch.equal(activity.grad, (k_winners(activity, 0.2) != 0).double())


def test_measured_numbers_are_settings_and_not_weights():
    assert set(layer().state_dict()) == {"feedforward.weight", "feedforward.bias", "dendrites.segments"}


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: SegmentGate(1.0, 0.0), "gain 0.0 does not open a gate with its drive; use one above 0"),
        (lambda: SegmentGate(1.0, math.nan), "gain nan does not open"),
        (lambda: ActiveDendrites(4, 0, 3, SegmentGate()), "0 segments make no dendrites; use at least 1"),
        (lambda: layer(winners=0.0), "a share of 0.0 winners is none or more than all; use one above 0, at most 1"),
        (lambda: k_winners(torch.ones(3), 1.5), "a share of 1.5 winners"),
        (
            lambda: layer()(numbers(2, INPUTS), numbers(2, 9)),
            "a context of 9 numbers meets segments of 7; make them",
        ),
        (
            lambda: opening_spread(0.0, 10, 0.2),
            "no spread lets 10 segments exceed threshold 0.0 .*use a thresh",
        ),
        (lambda: opening_spread(1.0, 1, 0.5), "in a share 0.5 of units; .* and a share below 1/2"),
        (lambda: opening_spread(1.0, 2, 1.0), "in a share 1.0 of units"),
    ],
)
def test_bad_input_gets_one_sentence(build, sentence):
    with pytest.raises(ValueError, match=sentence):
        build()
