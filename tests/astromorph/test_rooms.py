"""Every part that a room's table names keeps the contract of the room: a new one is tested by being listed.

The contracts are in the docstrings of the rooms. A part that breaks its own fails here by its name.
"""

from types import ModuleType

import pytest
import torch
from torch import nn

from astromorph import early_exit, equilibrium, learning_rules, neurons, quantisation

ROOMS = (neurons, learning_rules, equilibrium, quantisation, early_exit)
NEVER_FIRES = {"leaky-integrator"}  # whose output is a membrane


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.__name__)
def test_a_room_is_a_table_and_refuses_what_it_does_not_hold(room: ModuleType):
    for name, sentence in room.names().items():
        assert sentence and sentence[0].islower() and not sentence.endswith("."), name
        assert room.named(name).__module__ == f"{room.__name__}.{name.replace('-', '_')}"
    first = next(iter(room.names()))
    with pytest.raises(
        ValueError, match=rf"there is no .* '{first}x' \(did you mean {first}\?\); use one of .*{first}"
    ):
        room.named(f"{first}x")
    with pytest.raises(ValueError, match=rf"there is no .* 3; use one of .*{first}"):
        room.named(3)


@pytest.mark.parametrize("name", neurons.names())
def test_a_neuron_over_a_sequence_is_its_steps(name):
    neuron = neurons.named(name)().double()
    drawn = 0.8 * torch.randn(3, 25, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weight = torch.randn(3, 25, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    whole, stepped = drawn.clone().requires_grad_(), drawn.clone().requires_grad_()
    state, outputs = neuron.start(3), []
    for x in stepped.unbind(1):
        output, state = neuron.step(x, state)
        outputs.append(output)
    forward, by_steps = neuron(whole), torch.stack(outputs, 1)
    torch.testing.assert_close(forward, by_steps, rtol=1e-12, atol=1e-12)
    (forward * weight).sum().backward()
    (by_steps * weight).sum().backward()
    assert whole.grad.abs().max() > 0
    torch.testing.assert_close(whole.grad, stepped.grad, rtol=1e-10, atol=1e-12)
    assert neuron.start(3)[0].abs().max() == 0
    if name not in NEVER_FIRES:
        assert set(forward.unique().tolist()) == {0.0, 1.0}


@pytest.mark.parametrize("name", neurons.names())
def test_a_neuron_is_compiled_as_it_is_stepped_in_single_precision(name):
    neuron, x = neurons.named(name)(), 0.8 * torch.randn(2, 40, 5, generator=torch.Generator().manual_seed(2))
    state, outputs = neuron.start(2), []
    for now in x.unbind(1):
        output, state = neuron.step(now, state)
        outputs.append(output)
    torch.testing.assert_close(neuron(x), torch.stack(outputs, 1), rtol=1e-5, atol=1e-6)


def tiny_network() -> tuple[nn.Module, tuple[torch.Tensor], torch.Tensor]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).double()
    return model, (torch.randn(10, 6, dtype=torch.float64),), torch.arange(10) % 3


LARGEST_ANGLE = {"backpropagation": 0.0}  # degrees to the true gradient, as the rule promises


@pytest.mark.parametrize("name", learning_rules.names())
def test_a_rule_fills_gradients_at_the_angle_it_promises_and_returns_the_loss(name):
    model, inputs, labels = tiny_network()
    rule, loss = learning_rules.named(name)(model), nn.functional.cross_entropy
    value = rule(model, inputs, labels, loss)
    ours = torch.cat([parameter.grad.flatten() for parameter in model.parameters()])
    expected = loss(model(*inputs), labels)
    true = torch.cat([each.flatten() for each in torch.autograd.grad(expected, list(model.parameters()))])
    assert value.item() == pytest.approx(expected.item(), rel=1e-12) and not value.requires_grad
    cosine = torch.dot(ours, true) / (ours.norm() * true.norm())
    assert torch.rad2deg(torch.arccos(cosine.clamp(-1, 1))) <= LARGEST_ANGLE[name] + 1e-5


@pytest.mark.parametrize("name", learning_rules.names())
def test_a_rule_says_what_a_model_lacks(name):
    with pytest.raises(ValueError, match="Identity has no parameter that learns; set requires_grad on some"):
        learning_rules.named(name)(nn.Identity())


@pytest.mark.parametrize("name", equilibrium.names())
def test_a_way_to_rest_finds_a_fixed_point_in_closed_form_and_reports_how_far_it_is(name):
    """s ← A s + b with A of norm ½ rests at (I - A)⁻¹ b; what is left shrinks by a half a round at most."""
    draw = torch.Generator().manual_seed(0)
    matrix = torch.randn(5, 5, dtype=torch.float64, generator=draw)
    matrix, shift = (
        matrix / (2 * torch.linalg.matrix_norm(matrix, 2)),
        torch.randn(5, dtype=torch.float64, generator=draw),
    )
    settle, step = equilibrium.named(name), lambda state: matrix @ state + shift
    found = settle(step, torch.zeros(5, dtype=torch.float64), tolerance=1e-12, steps=200)
    expected = torch.linalg.solve(torch.eye(5, dtype=torch.float64) - matrix, shift)
    assert found.settled and found.residual <= 1e-12 and found.steps < 200
    torch.testing.assert_close(found.state, expected, rtol=1e-10, atol=1e-11)
    early = settle(step, torch.zeros(5, dtype=torch.float64), tolerance=1e-12, steps=3)
    assert not early.settled and early.residual > 1e-12 and early.steps == 3


@pytest.mark.parametrize("name", equilibrium.names())
def test_what_never_rests_is_reported_and_bad_limits_are_refused(name):
    settle = equilibrium.named(name)
    assert not settle(lambda state: -state, torch.ones(2), steps=10).settled
    assert not settle(lambda state: state * torch.nan, torch.ones(2), steps=10).settled
    with pytest.raises(ValueError, match="tolerance 0 is reached by no change; use a number above 0"):
        settle(lambda state: state, torch.ones(2), tolerance=0)
    with pytest.raises(ValueError, match="steps 0 move nothing; use at least 1"):
        settle(lambda state: state, torch.ones(2), steps=0)


@pytest.mark.parametrize("name", quantisation.names())
def test_a_quantiser_keeps_shape_and_type_has_few_values_and_passes_gradients_straight(name):
    quantiser = quantisation.named(name)
    weight = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    quantised, sent = quantiser(weight), torch.randn(6, 5, generator=torch.Generator().manual_seed(1))
    assert quantised.shape == weight.shape and quantised.dtype == weight.dtype
    assert len(quantised.detach().unique()) <= 16
    (quantised * sent).sum().backward()
    torch.testing.assert_close(weight.grad, sent)
    with torch.no_grad():
        torch.testing.assert_close(quantiser(quantiser(weight)).sign(), quantiser(weight).sign())
        assert torch.equal(quantiser(torch.zeros(3, 3)), torch.zeros(3, 3))


def test_ternary_weights_by_hand():
    weight = torch.tensor([[0.9, -0.1, 0.4], [-1.1, 0.2, -0.3]])  # mean |W| = 0.5; W/m = 1.8 -0.2 0.8 -2.2 0.4 -0.6
    expected = torch.tensor([[0.5, 0.0, 0.5], [-0.5, 0.0, -0.5]])
    torch.testing.assert_close(quantisation.named("ternary")(weight), expected)


@pytest.mark.parametrize("name", early_exit.names())
def test_a_higher_threshold_never_exits_earlier_and_the_ends_are_the_first_and_last_exit(name):
    criterion = early_exit.named(name)
    logits = 3 * torch.randn(50, 6, 4, generator=torch.Generator().manual_seed(0)).cumsum(1)
    before = criterion(0.0)(logits)
    assert before.shape == (50,) and (before == 0).all()
    for threshold in torch.linspace(0.1, 0.99, 12).tolist():
        exits = criterion(threshold)(logits)
        assert (exits >= before).all()
        before = exits
    assert (criterion(1.0)(logits) == 5).all()
    with pytest.raises(ValueError, match="threshold -0.1 is no probability; use a number from 0 to 1"):
        criterion(-0.1)


def test_confidence_by_hand_and_smoothed():
    logits = torch.tensor([[[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]])  # 0.731, 0.881, 0.953
    confidence = early_exit.named("confidence")
    assert [confidence(threshold)(logits).item() for threshold in (0.7, 0.8, 0.9, 0.99)] == [0, 1, 2, 2]
    assert confidence(0.8, smoothing=2.0)(logits).item() == 2  # 0.622, 0.731, 0.818
    with pytest.raises(ValueError, match="smoothing 0 divides logits"):
        confidence(0.8, smoothing=0)
