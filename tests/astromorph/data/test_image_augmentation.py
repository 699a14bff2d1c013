"""Each image must equal one window of the padded image (torch's own reflection) or its mirror image."""

import pytest
import torch
from torch import Generator
from torch.nn.functional import pad

from astromorph.data.augment import alternating, cutout, reflected, shift_and_flip

BATCH = torch.randint(0, 256, (200, 3, 8, 6), generator=Generator().manual_seed(1))
HALF = torch.arange(200) % 2 == 0


def windows(image: torch.Tensor, pixels: int) -> list[torch.Tensor]:
    _, height, width = image.shape
    wide = pad(image.float()[None], (pixels,) * 4, mode="reflect")[0].to(image.dtype)
    places = [(y, x) for y in range(2 * pixels + 1) for x in range(2 * pixels + 1)]
    upright = [wide[:, y : y + height, x : x + width] for y, x in places]
    return upright + [window.flip(2) for window in upright]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_every_result_is_a_window_of_the_padded_image_or_its_mirror(dtype, layout):
    images = BATCH.to(dtype).contiguous(memory_format=layout)
    results = shift_and_flip(images, 2, HALF, Generator().manual_seed(0))
    assert results.shape == images.shape and results.dtype == dtype
    assert results.is_contiguous(memory_format=torch.channels_last)
    seen = set()
    for image, result, mirrored in zip(images, results, HALF, strict=True):
        (place,) = [place for place, window in enumerate(windows(image, 2)) if torch.equal(window, result)]
        assert mirrored == (place >= 25)
        seen.add(place)
    assert len(seen) > 45  # of 50; 200 draws miss 50 (1 - 1/50)^200 = 0.9 of them on average


def test_without_shift_only_the_mirrored_change():
    results = shift_and_flip(BATCH, 0, HALF, Generator().manual_seed(0))
    assert torch.equal(results[HALF], BATCH[HALF].flip(3)) and torch.equal(results[~HALF], BATCH[~HALF])


def test_two_epochs_show_every_image_from_both_sides():
    first, second, third = (alternating(2000, 3, epoch) for epoch in (1, 2, 3))
    assert torch.equal(second, ~first) and torch.equal(third, first)
    assert abs(first.float().mean() - 0.5) < 4 * 0.5 / 2000**0.5  # four standard errors
    assert not torch.equal(first, alternating(2000, 4, 1))


def test_reflection_at_both_ends():
    assert reflected(torch.arange(-2, 6), 4).tolist() == [2, 1, 0, 1, 2, 3, 2, 1]


def test_the_generator_decides():
    run = lambda seed: shift_and_flip(BATCH, 2, HALF, Generator().manual_seed(seed))
    assert torch.equal(run(3), run(3)) and not torch.equal(run(3), run(4))


def test_cutout_covers_one_square_around_every_pixel_in_turn():
    images = torch.ones(2000, 2, 5, 7)
    covered = cutout(images, 3, Generator().manual_seed(0), fill=-1.0) == -1
    assert (covered[:, 0] == covered[:, 1]).all() and (images == 1).all()
    area = covered[:, 0].sum((1, 2))
    rows, columns = covered[:, 0].any(2).sum(1), covered[:, 0].any(1).sum(1)
    assert (area == rows * columns).all()  # a full rectangle
    assert rows.min() == columns.min() == 2 and rows.max() == columns.max() == 3  # cut at the border
    # a pixel is covered if the centre lies within one pixel of it: 3/5 * 3/7 in the middle
    middle = covered[:, 0, 2, 3].float().mean()
    assert abs(middle - 9 / 35) < 4 * (9 / 35 * 26 / 35 / 2000) ** 0.5


def test_a_shift_out_of_the_image_is_refused():
    with pytest.raises(ValueError, match="shift by 6 pixels leaves the 8 x 6 image"):
        shift_and_flip(BATCH, 6, HALF, Generator())
