"""A picture of one's own, made into what a data set consists of: its pixels, its size, its range of values.

The largest square in the middle is kept and resized (each new pixel averages the old ones it covers). For the digits
of UCI a pixel counts ink from 0 to 16, so a dark figure on bright paper is inverted; which it is, the border tells.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from astromorph.files.reasons import reason_of

SIDES = {"cifar10": 32, "digits": 8}
MOST_PIXELS = 80_000_000
MOST_INK = 16


class Picture(NamedTuple):
    """pixels: uint8 (channels, side, side) as in the data set; told: one sentence on what was done to the file."""

    pixels: NDArray[np.uint8]
    told: str


def read_picture(file: Path, data_set: str) -> Picture:
    """A PNG or JPEG file as an image of `data_set`; FileNotFoundError or ValueError in one sentence."""
    from PIL import Image, ImageOps

    if data_set not in SIDES:
        raise ValueError(f"a run of {data_set} does not read images; give it --text, or use a run of cifar10 or digits")
    if not file.is_file():
        raise FileNotFoundError(f"there is no image file {file}; name a PNG or JPEG file")
    try:
        with Image.open(file, formats=("PNG", "JPEG")) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise ValueError(f"it has {opened.width} x {opened.height} pixels, more than {MOST_PIXELS:,}")
            upright = in_colour(ImageOps.exif_transpose(opened))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = reason_of(error, "it is cut short, damaged or of another kind")
        raise ValueError(f"{file} is no image that can be read ({reason}); give another PNG or JPEG file") from error
    width, height = upright.size
    side, short = SIDES[data_set], min(width, height)
    left, top = (width - short) // 2, (height - short) // 2
    square = upright.crop((left, top, left + short, top + short))
    did = [f"the middle {short} x {short} of {width} x {height} pixels were kept"] if width != height else []
    if short != side:
        did.append(f"{short} x {short} pixels were resized to {side} x {side}")
    if data_set == "cifar10":
        pixels = np.asarray(square.resize((side, side), Image.Resampling.BICUBIC)).transpose(2, 0, 1)
    else:
        pixels, done = as_ink(np.asarray(square.convert("L").resize((side, side), Image.Resampling.BOX), float))
        did.append(done)
    told = " and ".join([", ".join(did[:-1]), did[-1]]) if len(did) > 1 else "".join(did) or "it was taken as it is"
    return Picture(np.ascontiguousarray(pixels), f"{file.name}: {told}")


def in_colour(image):  # type: ignore[no-untyped-def]  # PIL comes with matplotlib and is imported only when needed
    """Red, green and blue from 0 to 255; what is transparent shows white, 16-bit grey keeps its upper 8 bits."""
    from PIL import Image

    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).clip(0, 65535) // 256).astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return image.convert("RGB")


def as_ink(grey: NDArray) -> tuple[NDArray[np.uint8], str]:
    """Brightness (8, 8) from 0 to 255 as ink from 0 to 16 with a leading channel axis, and what was done."""
    border = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    bright_paper = np.median(border) > 127.5
    ink = (255 - grey if bright_paper else grey) * (MOST_INK / 255)
    done = "dark was read as ink" if bright_paper else "bright was read as ink"
    return ink.round().astype(np.uint8)[None], f"{done} from 0 to {MOST_INK}"
