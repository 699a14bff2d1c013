"""Pictures from files become what the data sets consist of, and the sentence says how."""

import numpy as np
import pytest
from PIL import Image

from astromorph.data.digits import load_digits
from astromorph.data.image_file import read_picture

COLOURS = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def saved(path, pixels, **options):
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(path, **options)
    return path


def test_a_picture_of_the_right_size_stays_as_it_is(tmp_path):
    picture = read_picture(saved(tmp_path / "a.png", COLOURS), "cifar10")
    assert np.array_equal(picture.pixels, COLOURS.transpose(2, 0, 1)) and picture.pixels.dtype == np.uint8
    assert picture.told == "a.png: it was taken as it is"


def test_the_middle_square_is_kept(tmp_path):
    wide = np.zeros((32, 50, 3), np.uint8)
    wide[:, 9:41] = COLOURS
    picture = read_picture(saved(tmp_path / "a.png", wide), "cifar10")
    assert np.array_equal(picture.pixels, COLOURS.transpose(2, 0, 1))
    assert picture.told == "a.png: the middle 32 x 32 of 50 x 32 pixels were kept"


def test_a_larger_picture_keeps_its_even_areas(tmp_path):
    big = np.full((128, 96, 3), 40, np.uint8)
    big[:, 48:] = (200, 100, 50)
    picture = read_picture(saved(tmp_path / "a.jpg", big, quality=95), "cifar10")
    assert picture.told.endswith("96 x 96 of 96 x 128 pixels were kept and 96 x 96 pixels were resized to 32 x 32")
    expected = np.broadcast_to(np.array([200, 100, 50])[:, None, None], (3, 32, 12))
    assert np.abs(picture.pixels[:, :, 20:].astype(int) - expected).max() <= 8  # what JPEG does


@pytest.mark.parametrize("paper", ["bright", "dark"])
def test_digits_come_back_from_scans_of_either_kind(tmp_path, paper):
    for number, image in enumerate(load_digits().test_images[:20, 0]):
        grey = np.kron(image * (255 / 16), np.ones((5, 5))).round().astype(np.uint8)
        file = saved(tmp_path / f"{number}.png", 255 - grey if paper == "bright" else grey)
        picture = read_picture(file, "digits")
        assert np.array_equal(picture.pixels, image[None])
        assert f"{'dark' if paper == 'bright' else 'bright'} was read as ink from 0 to 16" in picture.told


def test_transparency_is_white_and_16_bits_become_8(tmp_path):
    clear = np.zeros((32, 32, 4), np.uint8)
    assert (read_picture(saved(tmp_path / "a.png", clear), "cifar10").pixels == 255).all()
    deep = np.full((32, 32), 40_000, np.uint16)
    assert (read_picture(saved(tmp_path / "b.png", deep), "cifar10").pixels == 40_000 // 256).all()


def test_a_picture_taken_on_its_side_is_turned(tmp_path):
    image = Image.fromarray(COLOURS)
    exif = image.getexif()
    exif[0x0112] = 3  # upside down
    picture = read_picture(saved(tmp_path / "a.png", image, exif=exif), "cifar10")
    assert np.array_equal(picture.pixels, COLOURS[::-1, ::-1].transpose(2, 0, 1))


def test_what_is_no_image_is_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no image file"):
        read_picture(tmp_path / "none.png", "digits")
    whole = saved(tmp_path / "whole.png", COLOURS).read_bytes()
    for content in (b"", b"words", whole[: len(whole) // 2], b"GIF89a" + bytes(100)):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(ValueError, match="a.png is no image that can be read .*; give another"):
            read_picture(tmp_path / "a.png", "cifar10")
    with pytest.raises(ValueError, match="imdb does not read images"):
        read_picture(tmp_path / "whole.png", "imdb")
