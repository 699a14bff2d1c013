"""The bench of training times what it names: honest ratios, the same reviews; and error sentences."""

import pytest
import torch
from matplotlib import pyplot as plt

from astromorph.models.image_front import PATCH, Whitening
from astromorph.settings import Cifar10Settings, ImdbSettings
from astromorph.tasks.cifar10 import build_model as colour_model
from studies.benches import training as bench_training
from studies.benches.plain_images import PlainImageClassifier, synthetic_images

SMALL = ImdbSettings(width=16, heads=2, feedforward=16, tokens=32, first_tokens=8, vocabulary=200, batch=4)
SMALL_IMAGES = Cifar10Settings(width=16, heads=2, feedforward=16, channels=4, batch=4)
REAL_MEAN = 236.84  # words of an IMDB training review, split by astromorph/data/words.py


def test_training_bench_compares_with_the_plain_loops():
    threads = torch.get_num_threads()
    asked = {"repeats": 1, "threads": 1, "settings": SMALL, "image_settings": SMALL_IMAGES}
    frame = bench_training.bench(3, 1, **asked)
    plain = [bench_training.PLAIN, bench_training.BUCKETS, bench_training.NO_DROPOUT]
    ours = ["softmax"] * 2 + ["linear"] * 2 + ["astromorphic"] * 2
    assert frame.model.tolist() == [*plain, *ours, plain[0], *ours]
    for unit, rows, epoch in (("reviews", frame[:9], 22_500), ("images", frame[9:], 45_000)):
        assert set(rows.unit) == {unit}
        ratio = rows.examples_per_second / rows.examples_per_second.iloc[0]
        assert rows.ratio_to_plain.tolist() == pytest.approx(ratio.tolist())
        assert (rows.epoch_seconds * rows.examples_per_second).tolist() == pytest.approx([epoch] * len(rows))
    assert torch.get_num_threads() == threads
    figure = bench_training.draw(frame)
    figure.canvas.draw()
    widths = [bar.get_width() for axes in figure.axes for bar in axes.patches]
    assert widths == frame.examples_per_second.tolist()
    plt.close(figure)


def test_the_plain_image_classifier_sees_as_many_tokens_as_ours():
    ours = colour_model(SMALL_IMAGES, None, Whitening(torch.zeros(1, 3, PATCH, PATCH)))
    plain = PlainImageClassifier(SMALL_IMAGES)
    assert plain.positions.shape == ours.classifier.positions.shape
    (images,), labels = synthetic_images(2, 4, 0)[1]
    assert plain(images).shape == ours.train()(images).shape == (4, 10)
    assert labels.shape == (4,) and not torch.equal(images, synthetic_images(1, 4, 0)[0].inputs[0])


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
        ({"steps": 0, "image_steps": 0}, "steps 0 and image_steps 0 leave nothing to time; use at least 1 of either"),
        ({"repeats": 0}, "repeats 0 leaves nothing to time; use at least 1"),
        (
            {"modes": ("float16",)},
            "mode 'float16' is not known; use some of float32, bfloat16, compiled",
        ),
    ],
)
def test_training_bench_refuses(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        bench_training.bench(**asked)


def test_what_a_compiler_takes_is_apart_from_what_is_timed():
    seconds = iter([9.0, 2.0, 3.0])
    batches = bench_training.synthetic_images(1, 2, 0)
    loop = bench_training.Loop(lambda chosen: next(seconds), batches, compiled=True)
    assert (loop.compile_seconds, loop()) == (7.0, 3.0)
    assert bench_training.Loop(lambda chosen: 9.0, batches).compile_seconds == 0.0


def test_a_mode_that_errs_is_not_timed():
    class Wrong(torch.nn.Module):
        def forward(self, x):
            return x * (2 if torch.is_autocast_enabled("cpu") else 1)

    (batch,) = bench_training.synthetic_images(1, 2, 0)
    processor = bench_training.Processor(torch.device("cpu"), True)
    bench_training.compare_results("ours", torch.nn.Identity(), processor, batch)
    with pytest.raises(ValueError, match="ours: results are 1 of the largest apart"):
        bench_training.compare_results("ours", Wrong(), processor, batch)
