"""The bench of attention times and weighs what it names: equal values, honest ratios; and error sentences."""

from statistics import median

import pytest
import torch
from matplotlib import pyplot as plt

from astromorph.attention import LinearAttention
from studies.benches import attention as bench_attention


@pytest.fixture(scope="module")
def frame():
    return bench_attention.bench((16, 8), batch=1, heads=2, features=4, repeats=2, threads=1)


def test_einsum_alternative_is_the_same_attention():
    torch.manual_seed(1)
    inputs = [torch.randn(2, 3, 11, 5, dtype=torch.float64) for _ in range(3)]
    plain = bench_attention.EinsumLinearAttention()(*inputs)
    assert torch.allclose(plain, LinearAttention()(*inputs), rtol=1e-6)  # the project divides in float32


def test_every_mechanism_is_timed_in_every_case(frame):
    assert set(frame.precision) == {"float32", "bfloat16"}
    assert sorted(set(frame.tokens)) == [8, 16]
    assert len(frame) == 2 * 2 * (5 + 4) == len(frame.groupby(["precision", "causal", "tokens", "mechanism"]))
    assert (frame.forward_seconds < frame.slowest).all()
    assert ((0 < frame.fastest) & (frame.fastest <= frame.seconds) & (frame.seconds <= frame.slowest)).all()


def test_ratio_is_to_softmax_of_the_same_case(frame):
    for _, case in frame.groupby(["precision", "causal", "tokens"]):
        softmax = case.set_index("mechanism").seconds["softmax"]
        assert (softmax / case.times_faster_than_softmax).tolist() == pytest.approx(case.seconds.tolist())


def test_backward_pass_is_within_what_is_timed():
    counted: list[int] = []

    class Counting(torch.nn.Module):
        def forward(self, query, key, value):
            output = query * 1.0
            output.register_hook(lambda gradient: counted.append(1))
            return output

    inputs = [torch.randn(1, 1, 2, 2, requires_grad=True) for _ in range(3)]
    (row,) = bench_attention.timed({"softmax": Counting()}, inputs, 3, {"softmax": 1.0})
    assert 0 < row["forward_seconds"] < row["seconds"] and len(counted) == 4  # the first turn does not count


def test_figure_has_a_curve_a_mechanism(frame):
    figure = bench_attention.draw(frame)
    figure.canvas.draw()
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        f"{precision}, {order}" for precision in ("float32", "bfloat16") for order in ("all tokens", "causal")
    ]
    assert [len(axes.containers) for axes in figure.axes] == [5, 4, 5, 4]
    plt.close(figure)


def test_memory_counts_what_a_mechanism_holds():
    """The median of five: a busy machine takes pages away and brings them back meanwhile."""
    shape = (1, 1, 2**18, 16)  # 16 MiB a tensor
    lean, fat = (
        median(bench_attention.memory_over_held(mechanism, shape, torch.float32) for _ in range(5))
        for mechanism in (lambda q, k, v: (q + k).add_(v), lambda q, k, v: (q + k + v).exp().exp().exp())
    )
    # three inputs, the output and four gradients are twice inputs and output
    assert lean == pytest.approx(2, abs=0.5) or lean != lean
    assert fat > lean + 0.4 or fat != fat


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"repeats": 0}, "repeats 0 leaves nothing to time; use at least 1"),
        ({"lengths": (8, 0)}, "tokens 0 leaves nothing to time; use at least 1"),
        ({"threads": -1}, "threads -1 leaves nothing to time"),
    ],
)
def test_attention_bench_refuses(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        bench_attention.bench(**asked)


@pytest.mark.parametrize("precision", bench_attention.PRECISIONS)
def test_a_mechanism_that_errs_is_not_timed(precision, monkeypatch):
    right = bench_attention.mechanisms(2, bench_attention.CalciumResponse(), True)["astromorphic"]

    def wrong(query, key, value):
        return right(query, key, value) * (1 if query.dtype == torch.float64 else 1.1)

    monkeypatch.setattr(bench_attention, "mechanisms", lambda *kind: {"ours": right})
    bench_attention.compare_results(precision, True, 2, 4, bench_attention.CalciumResponse())
    monkeypatch.setattr(bench_attention, "mechanisms", lambda *kind: {"ours": wrong})
    with pytest.raises(ValueError, match=f"ours in {precision}, causal: results are 0.* apart"):
        bench_attention.compare_results(precision, True, 2, 4, bench_attention.CalciumResponse())
