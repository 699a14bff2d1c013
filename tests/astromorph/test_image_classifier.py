"""The image classifier: shapes, memory layout, parameters on the path, position, the fronts' arithmetic."""

import pytest
import torch
from torch import nn

from astromorph.astrocyte import PositionalDrive, response_module
from astromorph.attention import AstromorphicMechanism, LinearAttention, MultiheadAttention, SoftmaxAttention
from astromorph.models.encoder import EncoderLayer
from astromorph.models.image_classifier import ImageClassifier
from astromorph.models.image_front import Whitening, convolution_front
from astromorph.models.mirror_average import MirrorAverage
from astromorph.settings import CalciumResponse

WIDTH, HEADS = 16, 2


def astromorphic(positions: int, rows: int) -> nn.Module:
    drive = PositionalDrive(HEADS, WIDTH // HEADS, positions, scale=2.0, rows=rows)
    return AstromorphicMechanism(response_module(CalciumResponse()), drive)


def classifier(front: nn.Module, positions: int, mechanism: nn.Module) -> ImageClassifier:
    layer = EncoderLayer(WIDTH, MultiheadAttention(WIDTH, HEADS, mechanism), 32, 0.0)
    return ImageClassifier(front, positions, WIDTH, 10, [layer], 0.0)


def colour_classifier() -> ImageClassifier:
    torch.manual_seed(0)
    return classifier(convolution_front(whitening(), 8, WIDTH), 64, astromorphic(64, 8))


def correlated_images() -> torch.Tensor:
    """Smooth random images (16, 3, 32, 32)."""
    coarse = torch.randn(16, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    return torch.nn.functional.interpolate(coarse, 32, mode="bilinear")


def whitening() -> Whitening:
    return Whitening(correlated_images(), 6)


def digit_classifier(mechanism: nn.Module) -> ImageClassifier:
    torch.manual_seed(0)
    return classifier(nn.Conv2d(1, WIDTH, 2, stride=2), 16, mechanism)


@pytest.mark.parametrize("mechanism", [SoftmaxAttention(), LinearAttention(), astromorphic(16, 4)])
def test_one_score_per_class_whatever_the_mechanism(mechanism):
    scores = digit_classifier(mechanism)(torch.randn(5, 1, 8, 8))
    assert scores.shape == (5, 10) and scores.dtype == torch.float32 and scores.isfinite().all()


def test_convolution_front_maps_32_pixels_to_8_cells():
    assert convolution_front(whitening(), 8, WIDTH)(torch.randn(2, 3, 32, 32)).shape == (2, WIDTH, 8, 8)


def test_whitened_patches_of_the_measured_images_are_uncorrelated_with_unit_variance():
    images = 10 * correlated_images()  # so that the floor under the variance is small
    filters = Whitening(images, 6).filters
    patches = torch.nn.functional.unfold(images, 4, stride=4).mT.flatten(0, 1)
    white = patches @ filters[:6].flatten(1).T
    torch.testing.assert_close(white.T @ white / len(white), torch.eye(6), atol=0.02, rtol=0)
    assert torch.equal(filters[6:], -filters[:6])
    with pytest.raises(ValueError, match="49 directions of patches of 48 values; use 1 to 48"):
        Whitening(images, 49)


def test_memory_layout_does_not_change_the_scores():
    model, images = colour_classifier().eval(), torch.randn(4, 3, 32, 32)
    expected = model(images)
    model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(images.to(memory_format=torch.channels_last)), expected)


def test_gradient_reaches_every_parameter():
    model = colour_classifier()
    model(torch.randn(4, 3, 32, 32))[:, 0].square().sum().backward()
    silent = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.abs().any()]
    assert silent == []


def test_scores_pass_through_the_encoder_layers_only():
    """With a layer that returns nothing, all images score the same: nothing goes round the layers."""

    class Nothing(nn.Module):
        def forward(self, tokens, keep=None):
            return torch.zeros_like(tokens)

    model = ImageClassifier(nn.Conv2d(1, WIDTH, 2, stride=2), 16, WIDTH, 10, [Nothing()], 0.0)
    scores = model(torch.randn(3, 1, 8, 8))
    torch.testing.assert_close(scores, model.classify.bias.expand(3, 10))


def test_position_vector_decides_whether_places_can_be_told_apart():
    """Softmax attention and the mean do not see order: swapped patches score alike until positions differ."""
    model, images = digit_classifier(SoftmaxAttention()), torch.randn(3, 1, 8, 8)
    swapped = torch.cat((images[:, :, 2:], images[:, :, :2]), dim=2)
    torch.testing.assert_close(model(images), model(swapped))
    nn.init.normal_(model.positions)
    assert (model(images) - model(swapped)).abs().max() > 1e-3


def test_mirror_images_score_alike_in_evaluation_and_training_sees_one_view():
    model, images = MirrorAverage(colour_classifier()).eval(), torch.randn(3, 3, 32, 32)
    torch.testing.assert_close(model(images), model(images.flip(-1)))
    inner = model.classifier
    torch.testing.assert_close(model(images), (inner(images) + inner(images.flip(-1))) / 2)
    torch.testing.assert_close(model.train()(images), inner(images))
