"""The benches time what they name: equal values, honest ratios, the same reviews; and error sentences."""

import pytest
import torch
from matplotlib import pyplot as plt

from astromorph.attention import LinearAttention
from astromorph.settings import ImdbSettings
from studies import bench_attention, bench_training

SMALL = ImdbSettings(width=16, heads=2, feedforward=16, tokens=32, first_tokens=8, vocabulary=200, batch=4)
REAL_MEAN = 236.84  # words of an IMDB training review, split by astromorph/data/words.py


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
    assert len(frame) == 2 * 2 * 5 == len(frame.groupby(["precision", "tokens", "mechanism"]))
    assert ((0 < frame.fastest) & (frame.fastest <= frame.seconds) & (frame.seconds <= frame.slowest)).all()


def test_ratio_is_to_softmax_of_the_same_case(frame):
    for _, case in frame.groupby(["precision", "tokens"]):
        softmax = case.set_index("mechanism").seconds["softmax"]
        assert (case.ratio_to_softmax * softmax).tolist() == pytest.approx(case.seconds.tolist())


def test_backward_pass_is_within_what_is_timed():
    counted: list[int] = []

    class Counting(torch.nn.Module):
        def forward(self, query, key, value):
            output = query * 1.0
            output.register_hook(lambda gradient: counted.append(1))
            return output

    inputs = [torch.randn(1, 1, 2, 2, requires_grad=True) for _ in range(3)]
    timed = bench_attention.take_turns({"softmax": Counting()}, inputs, 3)
    assert len(timed["softmax"]) == 3 and len(counted) == 4  # the first turn does not count


def test_figure_has_a_curve_a_mechanism(frame):
    figure = bench_attention.draw(frame)
    figure.canvas.draw()
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["float32", "bfloat16"]
    assert [len(axes.containers) for axes in figure.axes] == [5, 5]
    plt.close(figure)


def test_training_bench_compares_with_the_plain_loop():
    threads = torch.get_num_threads()
    frame = bench_training.bench(3, repeats=1, threads=1, modes=("float32", "bfloat16"), settings=SMALL)
    plain = frame.model.tolist()[:3]
    assert plain == [bench_training.PLAIN, bench_training.BUCKETS, bench_training.NO_DROPOUT]
    assert frame.model.tolist()[3:] == ["softmax"] * 2 + ["linear"] * 2 + ["astromorphic"] * 2
    assert (frame.ratio_to_plain * frame.reviews_per_second[0]).tolist() == pytest.approx(
        frame.reviews_per_second.tolist()
    )
    assert (frame.epoch_seconds * frame.reviews_per_second).tolist() == pytest.approx([22_500] * 9)
    assert torch.get_num_threads() == threads
    figure = bench_training.draw(frame)
    figure.canvas.draw()
    assert [bar.get_width() for bar in figure.axes[0].patches] == frame.reviews_per_second.tolist()
    plt.close(figure)


def test_synthetic_reviews_have_the_lengths_of_imdb():
    texts, labels = bench_training.synthetic_reviews(20_000, ImdbSettings(tokens=4000), 0)
    lengths = torch.tensor([len(text) for text in texts], dtype=torch.float64)
    # 4 standard errors of a mean over 20,000 and 2 % for what a log-normal law misses of the real tail
    assert abs(lengths.mean() - REAL_MEAN) < 4 * lengths.std() / 20_000**0.5 + 0.02 * REAL_MEAN
    assert all(len(text) <= 32 for text in bench_training.synthetic_reviews(50, SMALL, 0)[0])
    assert min(text.min() for text in texts) >= 2 and set(labels) == {0, 1}


def test_both_loops_see_the_same_reviews():
    texts, labels = bench_training.synthetic_reviews(10, SMALL, 0)
    batches = bench_training.random_batches(texts, labels, 4)
    assert [len(batch.labels) for batch in batches] == [4, 4, 2]
    assert sum(int(batch.inputs[1].sum()) for batch in batches) == sum(map(len, texts))
    assert [batch.inputs[0].shape[1] for batch in batches] == [
        max(map(len, texts[start : start + 4])) for start in (0, 4, 8)
    ]


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


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"steps": 0}, "steps 0 leaves nothing to time; use at least 1"),
        (
            {"modes": ("float16",)},
            "mode 'float16' is not known; use some of float32, bfloat16, compiled",
        ),
    ],
)
def test_training_bench_refuses(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        bench_training.bench(**asked)
