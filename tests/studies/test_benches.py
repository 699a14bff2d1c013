"""The bench of training times what it names: honest ratios, the same reviews; and error sentences."""

import pytest
import torch
from matplotlib import pyplot as plt

from astromorph.settings import ImdbSettings
from studies import bench_training

SMALL = ImdbSettings(width=16, heads=2, feedforward=16, tokens=32, first_tokens=8, vocabulary=200, batch=4)
REAL_MEAN = 236.84  # words of an IMDB training review, split by astromorph/data/words.py


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
