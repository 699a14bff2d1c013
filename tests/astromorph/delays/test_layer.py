"""The layer: seeds, bounds, rounding, saving, errors, and planted delays found again."""

import pytest
import torch

from astromorph.delays import Delays, annealed_width

KINDS = ["synapse", "axon", "dendrite"]


def layer(kind="synapse", kernel="gaussian", seed=0, longest=9, **more):
    return Delays(6, 5, longest, kind=kind, kernel=kernel, generator=torch.Generator().manual_seed(seed), **more)


def spikes(batch=4, time=40, inputs=6, activity=0.2, seed=0):
    return (torch.rand(batch, time, inputs, generator=torch.Generator().manual_seed(seed)) < activity).float()


def test_the_seed_decides_the_layer():
    first, again, other = layer(seed=1), layer(seed=1), layer(seed=2)
    assert torch.equal(first.weight, again.weight) and torch.equal(first.position, again.position)
    assert not torch.equal(first.position, other.position)
    assert torch.equal(first(spikes()), again(spikes()))
    assert first.width == 4.5
    assert 0 <= first.position.min() and first.position.max() <= 9


@pytest.mark.parametrize("kernel", ["gaussian", "triangular"])
@pytest.mark.parametrize("kind", KINDS)
def test_settled_layer_is_its_rounded_layer(kind, kernel):
    mine = layer(kind, kernel).double()
    rounded = mine.rounded()
    mine.settle()
    assert torch.equal(mine.delay, rounded.steps.double())
    assert not mine.position.requires_grad and mine.width == 0
    torch.testing.assert_close(mine(spikes().double()), rounded(spikes()), rtol=1e-12, atol=1e-12)


def test_positions_outside_are_put_back_and_can_return():
    mine = layer()
    with torch.no_grad():
        mine.position.fill_(-3.0)
        mine.position[0] = 100.0
    mine.eval()
    outside = mine(spikes())
    assert mine.position.min() == -3
    mine.train()
    assert torch.equal(mine(spikes()), outside)
    assert mine.position.min() == 0 and mine.position.max() == 9
    mine(spikes()).square().sum().backward()
    assert (mine.position.grad != 0).all()
    assert mine.rounded().steps.unique().tolist() == [0, 9]


def test_width_is_saved_with_the_layer():
    mine, other = layer(), layer(seed=1)
    mine.width = 0.75
    other.load_state_dict(mine.state_dict())
    assert other.width == 0.75
    assert torch.equal(mine(spikes()), other(spikes()))


def test_no_delay_is_a_linear_layer():
    mine = layer(longest=0)
    torch.testing.assert_close(mine(spikes()), spikes() @ mine.weight.T)


@pytest.mark.parametrize("kind", KINDS)
def test_planted_delays_are_found_again(kind):
    planted = layer(kind, seed=3).rounded()
    mine = layer(kind, seed=4)
    with torch.no_grad():
        mine.weight.copy_(planted.weight)
    mine.weight.requires_grad_(False)
    optimiser = torch.optim.Adam([mine.position], lr=0.2)
    for step in range(200):
        mine.width = annealed_width(step, 400, 4.5)
        x = spikes(8, seed=step)
        loss = (mine(x) - planted(x)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = (mine.rounded().steps - planted.steps).abs() <= 1
    assert found.float().mean() >= 0.95


def test_errors_name_value_rule_and_cure():
    with pytest.raises(ValueError, match="0 inputs and 5 outputs"):
        Delays(0, 5, 3)
    with pytest.raises(ValueError, match="longest delay -1 is not a whole number"):
        Delays(2, 5, -1)
    with pytest.raises(ValueError, match="kind 'neuron' are unknown; choose from synapse, axon, dendrite"):
        Delays(2, 5, 3, kind="neuron")
    with pytest.raises(ValueError, match="kernel 'square' is unknown; choose from gaussian, triangular"):
        Delays(2, 5, 3, kernel="square")
    with pytest.raises(ValueError, match="width nan is not a length of time"):
        layer().width = float("nan")
    with pytest.raises(ValueError, match=r"shape \(3, 6\) is not \(batch, time, 6\)"):
        layer()(torch.zeros(3, 6))
