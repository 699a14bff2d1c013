"""Every form equals the dense convolution with gradients, finite differences, itself across frames and threads."""

import os
from functools import partial

import pytest
import torch
from torch.autograd import gradcheck

from astromorph.delays import delayed, delayed_slowly, gaussian, spectral, spikes, triangular
from studies.threads import processor_threads

KERNELS = [gaussian, triangular]
compiled = pytest.mark.skipif("ASTROMORPH_PLAIN" in os.environ, reason="the compiled form was switched off")


def by_spikes(x, weight, delay, longest, width, kernel=gaussian):
    delay = delay.expand_as(weight)
    return spikes.Delayed.apply(x, weight, delay, spikes.listed(x), spikes.Bump(longest, width, kernel))


def by_fourier(x, weight, delay, longest, width, kernel=gaussian):
    return spectral.fourier(x, weight, delay.expand_as(weight), longest, width, kernel)


FORMS = [delayed, by_fourier, pytest.param(by_spikes, marks=compiled)]


def connections(batch=3, time=11, inputs=4, outputs=5, longest=6, owner="synapse", seed=0, dtype=torch.float64):
    draw = torch.Generator().manual_seed(seed)
    shape = {"synapse": (outputs, inputs), "axon": (1, inputs), "dendrite": (outputs, 1)}[owner]
    x = torch.randn(batch, time, inputs, generator=draw, dtype=dtype)
    weight = torch.randn(outputs, inputs, generator=draw, dtype=dtype)
    delay = torch.rand(shape, generator=draw, dtype=dtype) * longest
    return [leaf.requires_grad_() for leaf in (x, weight, delay)]


def values_and_gradients(form, leaves, *settings):
    y = form(*leaves, *settings)
    cotangent = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return y, *torch.autograd.grad(y, leaves, cotangent.to(y))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("owner", ["synapse", "axon", "dendrite"])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("time", "longest"), [(11, 6), (12, 6), (1, 6), (6, 6), (7, 6), (5, 30), (9, 0), (64, 3), (80, 70), (200, 5)]
)
def test_equals_the_dense_convolution_with_gradients(form, owner, kernel, time, longest):
    leaves = connections(time=time, longest=longest, owner=owner)
    for width in (0.5, 3.0, 20.0):
        fast = values_and_gradients(form, leaves, longest, width, kernel)
        slow = values_and_gradients(delayed_slowly, leaves, longest, width, kernel)
        for mine, reference in zip(fast, slow, strict=True):
            torch.testing.assert_close(mine, reference, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("longest", "width"), [(25, 0.5), (25, 2.0), (25, 12.5), (90, 8.0), (128, 64.0)])
@pytest.mark.parametrize("ones", [True, False])
def test_equals_the_dense_convolution_in_single_precision(form, kernel, longest, width, ones):
    x, weight, delay = connections(8, 100, 20, 24, longest, dtype=torch.float32)
    x = (x.detach().abs() > 1.5) * (1.0 if ones else x.detach())
    leaves = [x.requires_grad_(), weight, delay]
    exact = [leaf.detach().double().requires_grad_() for leaf in leaves]
    exact = values_and_gradients(delayed_slowly, exact, longest, width, kernel)
    for mine, reference in zip(values_and_gradients(form, leaves, longest, width, kernel), exact, strict=True):
        assert (mine - reference).norm() / reference.norm() < 2e-6


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("owner", ["synapse", "axon", "dendrite"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_gradients_are_those_of_finite_differences(form, owner, kernel):
    leaves = connections(2, 7, 3, 2, 4, owner)
    assert gradcheck(lambda x, weight, delay: form(x, weight, delay, 4, 0.7, kernel), leaves)


@compiled
def test_a_spike_has_no_gradient_by_x_that_depends_on_the_others():
    x, weight, delay = connections()
    silent = torch.zeros_like(x).requires_grad_()
    (back,) = torch.autograd.grad(by_spikes(silent, weight, delay, 6, 2.0).sum(), silent)
    (want,) = torch.autograd.grad(delayed_slowly(x, weight, delay, 6, 2.0).sum(), x)
    torch.testing.assert_close(back, want)  # linear in x: the same at any x


@compiled
def test_any_number_of_threads_gives_the_same_bits():
    leaves = connections(4, 30, 9, 70, 12, dtype=torch.float32)
    found = []
    for threads in (1, 2):
        with processor_threads(threads):
            y = by_spikes(*leaves, 12, 1.5)
            found.append((y, *torch.autograd.grad(y.square().sum(), leaves[1:])))
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


@compiled
def test_few_spikes_are_sent_one_by_one_and_many_through_the_fourier_domain(monkeypatch):
    ways = []
    for place, form in (("spikes.sent", spikes.sent), ("connections.fourier", spectral.fourier)):
        said = partial(lambda place, form, *given: ways.append(place) or form(*given), place, form)
        monkeypatch.setattr(f"astromorph.delays.{place}", said)
    _, weight, delay = connections(inputs=30, outputs=40, longest=25, dtype=torch.float32)
    for activity in (0.02, 0.9):
        x = (torch.rand(8, 100, 30, generator=torch.Generator().manual_seed(0)) < activity).float()
        want = delayed_slowly(x, weight, delay, 25, 12.0)
        torch.testing.assert_close(delayed(x, weight, delay, 25, 12.0), want, rtol=1e-5, atol=1e-5)
    assert ways == ["spikes.sent", "connections.fourier"]


@compiled
def test_a_delay_that_is_no_number_spoils_its_output_only():
    x, weight, delay = (leaf.detach().clone() for leaf in connections(dtype=torch.float32))
    delay[2, 1] = float("nan")
    y = by_spikes(x, weight, delay, 6, 1.0)
    assert y[..., 2].isnan().any() and not y[..., [0, 1, 3, 4]].isnan().any()


@compiled
def test_without_a_compiler_it_is_the_same(monkeypatch):
    leaves = connections(dtype=torch.float32)
    with_it = values_and_gradients(delayed, leaves, 6, 1.0)
    monkeypatch.setattr("astromorph.delays.spikes.library", lambda source: None)
    assert spikes.fits(leaves[0], leaves[1]) is False
    for plain, mine in zip(values_and_gradients(delayed, leaves, 6, 1.0), with_it, strict=True):
        torch.testing.assert_close(plain, mine, rtol=1e-5, atol=1e-5)


def test_frames_and_blocks_of_any_size_give_the_same(monkeypatch):
    leaves = connections(2, 13, 3, 70, 4)
    whole = values_and_gradients(by_fourier, leaves, 4, 1.0)
    cotangent = torch.randn(whole[0].shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for frame in (1, 2, 5, 13):
        monkeypatch.setattr(spectral, "frame_length", lambda *sizes, frame=frame: frame)
        monkeypatch.setattr(spectral, "BLOCK", 1)
        monkeypatch.setattr(spectral, "PART", 1)
        for mine, reference in zip(values_and_gradients(by_fourier, leaves, 4, 1.0), whole, strict=True):
            torch.testing.assert_close(mine, reference, rtol=1e-11, atol=1e-11)
        with torch.no_grad():
            back = spectral.fourier_back(cotangent, *leaves[1:], 4, 1.0, gaussian)
        torch.testing.assert_close(back, whole[1], rtol=1e-11, atol=1e-11)


def test_frames_take_long_sequences_apart_and_leave_short_ones_whole():
    assert spectral.frame_length(64, 100, 256, 256, 99) == 100
    assert spectral.frame_length(2, 1, 3, 4, 0) == 1
    assert 50 < spectral.frame_length(16, 20_000, 256, 256, 25) < 200


def test_a_shifted_input_gives_the_output_shifted_and_nothing_comes_early():
    x, weight, delay = connections(time=30)
    later = torch.cat([torch.zeros_like(x[:, :7]), x[:, :-7]], 1)
    y, shifted = delayed(x, weight, delay, 6, 1.5), delayed(later, weight, delay, 6, 1.5)
    torch.testing.assert_close(shifted[:, 7:], y[:, :-7], rtol=1e-11, atol=1e-11)
    assert shifted[:, :7].abs().max() < 1e-12


def test_delays_a_step_longer_give_the_output_a_step_later():
    x, weight, _ = connections(time=30)
    delay = torch.randint(0, 6, weight.shape, generator=torch.Generator().manual_seed(3)).double()
    y, later = delayed(x, weight, delay, 6, 0.0), delayed(x, weight, delay + 1, 6, 0.0)
    torch.testing.assert_close(later[:, 1:], y[:, :-1], rtol=1e-11, atol=1e-11)


def test_a_constant_input_arrives_with_the_sum_of_the_weights():
    _, weight, delay = connections()
    y = delayed(torch.ones(1, 20, 4).double(), weight, delay, 6, 2.0)
    torch.testing.assert_close(y[0, 6:], weight.sum(1).expand(14, -1))


@pytest.mark.parametrize("owner", ["axon", "dendrite"])
def test_delays_of_axons_and_dendrites_are_equal_delays_of_synapses(owner):
    x, weight, delay = connections(owner=owner)
    every = delay.detach().expand_as(weight).clone().requires_grad_()
    shared, apart = delayed(x, weight, delay, 6, 1.0), delayed(x, weight, every, 6, 1.0)
    torch.testing.assert_close(shared, apart, rtol=1e-11, atol=1e-11)
    (mine,) = torch.autograd.grad(shared.square().sum(), delay)
    (each,) = torch.autograd.grad(apart.square().sum(), every)
    torch.testing.assert_close(mine, each.sum_to_size(delay.shape), rtol=1e-10, atol=1e-10)


def test_only_what_asks_for_a_gradient_gets_one():
    x, weight, delay = connections()
    y = delayed(x.detach(), weight.detach(), delay, 6, 1.0)
    assert torch.autograd.grad(y.sum(), delay)[0].shape == delay.shape
    y = delayed(x, weight.detach(), delay.detach(), 6, 1.0)
    assert torch.autograd.grad(y.sum(), x)[0].shape == x.shape


def test_low_precision_around_it_changes_nothing():
    x, weight, delay = connections(dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = delayed(x, weight, delay, 6, 1.0)
    assert torch.equal(inside, delayed(x, weight, delay, 6, 1.0))


def test_an_empty_batch_or_sequence_is_no_error():
    _, weight, delay = connections()
    assert delayed(torch.zeros(0, 9, 4), weight, delay, 6, 1.0).shape == (0, 9, 5)
    assert delayed(torch.zeros(2, 0, 4), weight, delay, 6, 1.0).shape == (2, 0, 5)
