"""Chance views of a batch of images: shifted, mirrored, partly covered; whole batch at once, seeded.

A shift reads each image through rows and columns moved by up to a few pixels and reflected at the border (the
border itself is not repeated), a mirror image reads its columns backwards, so both cost one gather. Which images
are mirrored is not left to chance alone: half of them, drawn once, are in the first epoch, the others in the second
and so on, so that two epochs show each image from both sides (K. Jordan, arXiv:2404.00498, section 3.5). Cutout
covers a square around a random centre: T. DeVries & G. W. Taylor, arXiv:1708.04552 (2017).
"""

import torch
from torch import Generator, Tensor


def shift_and_flip(images: Tensor, pixels: int, mirrored: Tensor, generator: Generator) -> Tensor:
    """Crops of `images` [batch, channels, height, width] padded by `pixels` on each side, `mirrored` [batch] or not.

    Any type; the result is channels-last in memory, the fastest layout to give, too. `pixels` 0 only flips.
    """
    batch, channels, height, width = images.shape
    if not 0 <= pixels < min(height, width):
        raise ValueError(f"a shift by {pixels} pixels leaves the {height} x {width} image; use a smaller one")
    rows = reflected(torch.arange(height) + offsets(batch, pixels, generator), height)  # [batch, height]
    columns = reflected(torch.arange(width) + offsets(batch, pixels, generator), width)  # [batch, width]
    columns = torch.where(mirrored[:, None], width - 1 - columns, columns)
    lines = torch.arange(batch)[:, None] * height + rows
    pixel = (lines[:, :, None] * width + columns[:, None, :]).flatten()  # [batch * height * width]
    colours = images.permute(0, 2, 3, 1).reshape(-1, channels)
    return colours.index_select(0, pixel).view(batch, height, width, channels).permute(0, 3, 1, 2)


def alternating(images: int, seed: int, epoch: int) -> Tensor:
    """Which of all `images` are mirrored in `epoch`, [images]: a half drawn by `seed`, then the others, in turn."""
    first = torch.rand(images, generator=torch.Generator().manual_seed(seed)) < 0.5
    return first ^ bool(epoch % 2)


def cutout(images: Tensor, size: int, generator: Generator, fill: float = 0.0) -> Tensor:
    """`images` [batch, channels, height, width] with a square of `size` pixels set to `fill` in each.

    Its centre is anywhere in the image, so the square may reach over the border and is then smaller.
    """
    batch, _, height, width = images.shape
    top = torch.randint(height, (batch, 1), generator=generator) - size // 2
    left = torch.randint(width, (batch, 1), generator=generator) - size // 2
    rows, columns = torch.arange(height) - top, torch.arange(width) - left
    covered_rows, covered_columns = (rows >= 0) & (rows < size), (columns >= 0) & (columns < size)
    return images.masked_fill((covered_rows[:, :, None] & covered_columns[:, None, :])[:, None], fill)


def offsets(batch: int, pixels: int, generator: Generator) -> Tensor:
    return torch.randint(-pixels, pixels + 1, (batch, 1), generator=generator)


def reflected(position: Tensor, size: int) -> Tensor:
    """Positions outside 0 ... size - 1 mirrored at the outermost pixels."""
    return (size - 1) - ((size - 1) - position.abs()).abs()
