"""The spiking network: a coincidence by hand, its deployed form, its read-outs, and which delays are learned."""

import pytest
import torch
import torch.nn.functional as F

from astromorph.models.spiking_classifier import READOUTS, SpikingClassifier
from astromorph.neurons.leaky_integrate_and_fire import fire_slowly


def network(seed=0, hidden=(9, 8), longest=6, dropout=0.0, **more):
    torch.manual_seed(seed)
    return SpikingClassifier(5, hidden, 3, longest, dropout=dropout, **more)


def spikes(batch=6, time=30, seed=0):
    return (torch.rand(batch, time, 5, generator=torch.Generator().manual_seed(seed)) < 0.3).float()


def lived(model):
    """The model after a training of two steps, so that its norms have statistics."""
    optimiser = torch.optim.SGD(model.parameters(), 0.1)
    for seed in range(2):
        optimiser.zero_grad()
        F.cross_entropy(model(spikes(seed=seed)), torch.arange(6) % 3).backward()
        optimiser.step()
    return model


def as_identity(norm):
    norm.weight.data.fill_((1 + norm.eps) ** 0.5)


def test_a_neuron_with_delays_finds_a_pattern_in_time():
    """Channel 0 five steps before channel 1 makes the neuron fire, together or the other way round does not."""
    model = SpikingClassifier(2, (1,), 2, 5, tau=1.0, dropout=0.0)
    delays = model.hidden[0].delays
    delays.weight.data.fill_(0.6)
    delays.position.data.copy_(torch.tensor([[5.0, 0.0]]))
    as_identity(model.hidden[0].norm)
    sample = torch.zeros(3, 20, 2)
    for number, (first, second) in enumerate([(3, 8), (8, 3), (8, 8)]):
        sample[number, first, 0] = sample[number, second, 1] = 1
    fired = model.eval().deployed().activity(sample).spikes[0]
    assert fired.nonzero().tolist() == [[0, 8, 0]]


@pytest.mark.parametrize("delays", ["none", "fixed", "learned"])
@pytest.mark.parametrize("kind", ["synapse", "axon", "dendrite"])
def test_deployed_is_the_network_layer_by_layer(delays, kind):
    model = lived(network(delays=delays, kind=kind)).double().eval()
    x = spikes().double()
    deployed = model.deployed()
    activity = deployed.activity(x)
    for layer, found in zip(model.hidden, activity.spikes, strict=True):
        current = layer.norm(layer.delays.rounded()(x).flatten(0, 1)).view(*x.shape[:2], -1)
        x = fire_slowly(current, layer.neurons.remaining)
        assert torch.equal(x, found) and 0 < x.mean() < 1
    membrane = model.readout.neurons(model.readout.delays.rounded()(x))
    torch.testing.assert_close(activity.membrane, membrane, rtol=1e-10, atol=1e-10)
    assert torch.equal(model(spikes().double()), activity.logits)
    assert torch.equal(deployed(spikes().double()), activity.logits)


def test_rounding_at_the_end_changes_no_prediction():
    """A settled network in training, but for the statistics of a batch, computes what is deployed."""
    model = lived(network(hidden=(20, 20))).double()
    for each in model.connections:
        each.settle()
    deployed = model.deployed()
    model.train()
    for layer in model.hidden:
        layer.norm.eval()
    trained, tested = model(spikes(200, seed=5).double()), deployed(spikes(200, seed=5).double())
    torch.testing.assert_close(trained, tested, rtol=1e-9, atol=1e-9)
    assert torch.equal(trained.argmax(1), tested.argmax(1)) and len(tested.argmax(1).unique()) > 1


def test_deploying_leaves_the_network_as_it_was():
    model = lived(network())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    deployed = model.eval().deployed()
    for tensor in deployed.state_dict().values():
        tensor.zero_()
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_what_is_learned():
    for delays, learned in {"none": False, "fixed": False, "learned": True}.items():
        model = network(delays=delays)
        F.cross_entropy(model(spikes()), torch.arange(6) % 3).backward()
        for each in model.connections:
            assert each.weight.grad.abs().max() > 0
            assert each.longest == (0 if delays == "none" else 6)
            assert each.position.requires_grad == learned
            assert (each.position.grad is not None) == learned
            whole = torch.equal(each.position, each.position.round())
            assert whole != learned
    assert len(network(delays="fixed").connections[0].position.unique()) > 3


def test_only_learned_delays_become_narrow():
    widths = lambda model: {each.width for each in model.connections}
    for delays, expected in {"none": 0.0, "fixed": 0.0, "learned": 2.0}.items():
        model = network(delays=delays)
        model.narrow(2.0)
        assert widths(model) == {expected}


def test_without_delays_or_memory_the_order_of_time_is_lost():
    model = lived(network(delays="none", tau=1.0)).eval()
    order = torch.randperm(30, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(model(spikes()), model(spikes()[:, order]), rtol=1e-4, atol=1e-5)
    delayed = lived(network(delays="fixed", tau=1.0)).eval()
    assert (delayed(spikes()) - delayed(spikes()[:, order])).abs().max() > 0.01


def test_readouts_by_their_definition():
    v = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(READOUTS["softmax"](v).exp(), v.softmax(-1).mean(1))
    torch.testing.assert_close(READOUTS["softmax"](v).softmax(1), v.softmax(-1).mean(1))
    assert torch.equal(READOUTS["last"](v), v[:, 6])
    assert torch.equal(READOUTS["max"](v), v.max(1).values)
    torch.testing.assert_close(READOUTS["mean"](v), v.sum(1) / 7)


def test_dropout_silences_whole_neurons_in_training_only():
    model = network(hidden=(40,), dropout=0.5)
    model.hidden[0].norm.bias.data.fill_(30.0)  # all fire always
    out = model.hidden[0](spikes())
    assert set(out.unique().tolist()) == {0.0, 2.0} and (out == out[:, :1]).all()
    assert model.eval().deployed().activity(spikes()).spikes[0].min() == 1


def test_counts_of_any_number_type_are_taken():
    model = lived(network()).eval()
    assert torch.equal(model(spikes().to(torch.uint8)), model(spikes()))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"delays": "some"}, "delays 'some' are not known; use none, fixed or learned"),
        ({"readout": "sum"}, "readout 'sum' is not known; use softmax, last, mean, max"),
        ({"kind": "soma"}, "delays of kind 'soma' are unknown"),
        ({"tau": 0.0}, "time constant 0.0 is shorter than a time step"),
    ],
)
def test_errors_name_the_cure(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        network(**given)
