"""The bench of delays: every form computes the same, ratios are those of what is printed; and error sentences."""

from math import nan
from pathlib import Path

import pytest
import torch
from matplotlib import pyplot as plt

from studies.benches import delayed_networks
from studies.benches import delays as bench_delays
from studies.benches.delayed_networks import DCLS, DENSE, OURS, Network, Sizes, Spike, given, layers, peaks, threshold
from studies.benches.delays import stages

SMALL = Sizes(batch=3, steps=40, inputs=6, hidden=7, activity=0.2, seed=1)
FORMS = [DENSE, pytest.param(DCLS, marks=pytest.mark.skipif(not bench_delays.find_spec("DCLS"), reason="needs dcls"))]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("longest", [8, 9])
def test_every_form_computes_the_same(form, longest):
    x, _ = given(SMALL)
    for case in stages(longest)[:3]:
        ours, other = (layers(each, SMALL, case)[0](x) for each in (OURS, form))
        torch.testing.assert_close(ours, other, rtol=1e-5, atol=1e-5)
    if form == DENSE:
        rounded = stages(longest)[3]
        torch.testing.assert_close(layers(OURS, SMALL, rounded)[0](x), layers(form, SMALL, rounded)[0](x))


def test_the_threshold_passes_as_many_hidden_spikes_as_there_are_inputs():
    x, gradient = given(SMALL)
    case = stages(8)[1]
    network = Network(OURS, SMALL, case, threshold(SMALL, case, x))
    hidden = Spike.apply(network.first(x), network.threshold)
    assert hidden.mean().item() == pytest.approx(0.2, abs=0.02)
    network.seconds(x, gradient)
    for layer in (network.first, network.second):
        assert layer.weight.grad.count_nonzero() and layer.position.grad.count_nonzero()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux says how much memory a process held")
def test_memory_is_what_a_turn_holds_in_a_process_of_its_own():
    sizes = Sizes(batch=64, steps=100, inputs=20, hidden=100, activity=0.05, seed=0)
    case = stages(20)[0]
    (held,) = bench_delays.fresh(peaks, DENSE, sizes, [(case, 0.3)], 1)
    output = 64 * 100 * 100 * 4 / 1e6
    assert 3 * output < held < 60 * output


def test_a_row_a_stage_and_form_with_its_ratios(monkeypatch):
    held = {OURS: [3.0, 1.0, 0.0, 0.0], DENSE: [2.0, 4.0, 1.0, 0.0]}  # 0: a small turn may hold no page more
    monkeypatch.setattr(bench_delays, "fresh", lambda measure, form, *given: held[form])
    frame = bench_delays.bench((3,), against=(DENSE,), batch=2, steps=9, inputs=4, hidden=5, repeats=1, threads=1)
    assert frame.stage.tolist() == ["start", "middle", "end", "inference"]
    assert frame.width.tolist() == pytest.approx([1.5, 0.75**0.5, 0.5, 0])
    assert frame.times_faster.tolist() == pytest.approx((frame.dense_seconds / frame.seconds).tolist())
    assert frame.part_of_memory.tolist() == pytest.approx([1.5, 0.25, 0, nan], nan_ok=True)
    figure = bench_delays.draw(frame)
    figure.canvas.draw()
    assert [len(axes.lines) for axes in figure.axes] == [8, 8, 4, 4]
    plt.close(figure)


def test_errors_name_value_rule_and_cure():
    with pytest.raises(ValueError, match="longest delay 0 leaves nothing to time; use at least 1"):
        bench_delays.bench((0,))
    with pytest.raises(ValueError, match="activity 1.5 is not a part of the neurons"):
        bench_delays.bench(activity=1.5)
    with pytest.raises(ValueError, match="'norse' is no other form; use some of dcls, dense"):
        bench_delays.bench(against=("norse",))


def test_a_form_that_errs_is_not_timed(monkeypatch):
    delayed_networks.compare_results([DENSE])
    right = delayed_networks.dense
    monkeypatch.setattr(delayed_networks, "dense", lambda layer: lambda x: 1.01 * right(layer)(x))
    with pytest.raises(ValueError, match="delays at stage 'start' here and in dense: results are 0.0.* apart"):
        delayed_networks.compare_results([DENSE])
