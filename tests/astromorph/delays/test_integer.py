"""Whole delays: sequence, stream and events agree, and agree with the dense convolution of single taps."""

import copy

import pytest
import torch

from astromorph.delays import IntegerDelays, delayed, delayed_slowly

SHAPES = [(7, 6), (1, 6), (7, 1)]


def connections(shape, longest=9, seed=0):
    draw = torch.Generator().manual_seed(seed)
    weight = torch.randint(-8, 9, (7, 6), generator=draw) / 4  # sums of these are exact in any order
    return IntegerDelays(weight, torch.randint(0, longest + 1, shape, generator=draw), longest)


def signal(kind, batch=3, time=25, seed=1):
    draw = torch.Generator().manual_seed(seed)
    active = torch.rand(batch, time, 6, generator=draw) < (1.0 if kind == "graded" else 0.1)
    return active * (torch.randint(-8, 9, active.shape, generator=draw) / 4 if kind == "graded" else 1.0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["spikes", "graded"])
def test_sequence_stream_and_events_are_equal(shape, kind):
    layer, x = connections(shape), signal(kind)
    whole = layer(x)
    assert torch.equal(whole, delayed_slowly(x, layer.weight, layer.steps.float(), 9, 0.0))
    assert torch.equal(layer.events(x), whole)
    assert torch.equal(layer.events(x.to_sparse()), whole)
    state = layer.start(len(x))
    for time in range(x.shape[1]):
        y, state = layer.step(x[:, time], state)
        assert torch.equal(y, whole[:, time])


def test_one_spike_arrives_once_everywhere_at_its_delay():
    layer, x = connections((7, 6)), torch.zeros(1, 20, 6)
    x[0, 4, 2] = 1
    y = layer.events(x)
    for output in range(7):
        arrival = 4 + layer.steps[output, 2]
        assert y[0, arrival, output] == layer.weight[output, 2]
        assert y[0, :, output].count_nonzero() == layer.weight[output, 2].count_nonzero()


def test_sequence_may_be_shorter_than_the_longest_delay_or_silent():
    layer = connections((7, 6))
    for x in (signal("graded", time=4), torch.zeros(2, 5, 6), torch.zeros(2, 0, 6)):
        assert torch.equal(layer.events(x), layer(x))


@pytest.mark.parametrize("shape", SHAPES)
def test_without_a_compiler_and_in_double_precision_it_is_the_same(shape, monkeypatch):
    layer, x = connections(shape), signal("graded")
    compiled = layer.events(x)
    assert torch.equal(connections(shape).double().events(x.double()), compiled.double())
    for module in ("sending", "spikes"):
        monkeypatch.setattr(f"astromorph.delays.{module}.library", lambda source: None)
    monkeypatch.setattr("astromorph.delays.sending.AT_ONCE", 50)
    assert torch.equal(layer.events(x), compiled)
    state = layer.start(len(x))
    for time in range(x.shape[1]):
        y, state = layer.step(x[:, time], state)
        assert torch.equal(y, compiled[:, time])


def test_a_state_that_is_used_up_is_refused_and_a_copy_branches(tmp_path):
    layer, x = connections((7, 6)), signal("graded")
    state = layer.start(3)
    for time in range(10):
        _, state = layer.step(x[:, time], state)
    other = copy.deepcopy(state)
    torch.save(state, tmp_path / "state.pt")
    saved = torch.load(tmp_path / "state.pt")
    first, following = layer.step(x[:, 10], state)
    with pytest.raises(ValueError, match="after 10 steps is used up, 11 have been taken from it; go on from the last"):
        layer.step(x[:, 10], state)
    assert torch.equal(layer.step(x[:, 10], other)[0], first)
    assert torch.equal(layer.step(x[:, 10], saved)[0], first)
    layer.step(x[:, 11], following)


@pytest.mark.parametrize("shape", SHAPES)
def test_inputs_of_another_width_or_batch_are_refused(shape):
    layer = connections(shape)
    for call in (layer, layer.events):
        with pytest.raises(ValueError, match=r"shape \(2, 5, 9\) is not \(batch, time, 6\); reshape it"):
            call(torch.ones(2, 5, 9))
    for wrong in (torch.ones(2, 9), torch.ones(3, 6), torch.ones(6)):
        with pytest.raises(ValueError, match=r"give \(2, 6\), \(batch, inputs\)"):
            layer.step(wrong, layer.start(2))
    with pytest.raises(ValueError, match="do not fit; give"):
        delayed(torch.ones(2, 5, 9), layer.weight, layer.steps.float(), 9, 1.0)
    with pytest.raises(ValueError, match="do not fit; give"):
        delayed(torch.ones(2, 5, 6), layer.weight, torch.ones(6, 7), 9, 1.0)


def test_errors_name_value_rule_and_cure():
    weight = torch.ones(7, 6)
    with pytest.raises(ValueError, match="torch.float32 are not whole steps; round them"):
        IntegerDelays(weight, torch.ones(7, 6), 3)
    with pytest.raises(ValueError, match="delays 4 to 4 do not lie in 0..3; clamp them"):
        IntegerDelays(weight, torch.full((7, 6), 4), 3)
    with pytest.raises(ValueError, match=r"shape \(6, 7\) do not fit weights of shape \(7, 6\)"):
        IntegerDelays(weight, torch.ones(6, 7, dtype=torch.long), 3)
