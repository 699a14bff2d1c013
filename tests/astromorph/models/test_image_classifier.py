"""The image classifier: shapes, memory layout, parameters on the path, position, the fronts' arithmetic."""

import pytest
import torch
from torch import nn

from astromorph.astrocyte import PositionalDrive, response_module
from astromorph.attention import AstromorphicMechanism, LinearAttention, MultiheadAttention, SoftmaxAttention
from astromorph.attention.responses import MeanActivityResponse
from astromorph.models.encoder import EncoderLayer
from astromorph.models.image_classifier import ImageClassifier
from astromorph.models.image_front import LEAST_VARIANCE, Block, Whitening, convolution_front
from astromorph.models.image_views import AverageOfViews
from astromorph.settings import CalciumResponse

WIDTH, HEADS = 16, 2


def astromorphic(positions: int, rows: int) -> nn.Module:
    drive = PositionalDrive(HEADS, WIDTH // HEADS, positions, scale=2.0, rows=rows)
    return AstromorphicMechanism(MeanActivityResponse(response_module(CalciumResponse())), drive)


def classifier(front: nn.Module, positions: int, mechanism: nn.Module) -> ImageClassifier:
    layer = EncoderLayer(WIDTH, MultiheadAttention(WIDTH, HEADS, mechanism), 32, 0.0)
    return ImageClassifier(front, positions, WIDTH, 10, [layer], 0.0)


def colour_classifier() -> ImageClassifier:
    torch.manual_seed(0)
    return classifier(convolution_front(whitening(), 8, WIDTH, 2), 49, astromorphic(49, 7))


def correlated_images() -> torch.Tensor:
    """Smooth random images (16, 3, 32, 32)."""
    coarse = torch.randn(16, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    return torch.nn.functional.interpolate(coarse, 32, mode="bilinear")


def whitening() -> Whitening:
    return Whitening(correlated_images())


def digit_classifier(mechanism: nn.Module) -> ImageClassifier:
    torch.manual_seed(0)
    return classifier(nn.Conv2d(1, WIDTH, 2, stride=2), 16, mechanism)


@pytest.mark.parametrize("mechanism", [SoftmaxAttention(), LinearAttention(), astromorphic(16, 4)])
def test_one_score_per_class_whatever_the_mechanism(mechanism):
    scores = digit_classifier(mechanism)(torch.randn(5, 1, 8, 8))
    assert scores.shape == (5, 10) and scores.dtype == torch.float32 and scores.isfinite().all()


@pytest.mark.parametrize(("channels", "convolutions"), [(8, 2), (4, 2), (4, 3)])  # with and without narrowing
def test_convolution_front_maps_32_pixels_to_7_cells(channels, convolutions):
    front = convolution_front(whitening(), channels, WIDTH, convolutions)
    assert front(torch.randn(2, 3, 32, 32)).shape == (2, WIDTH, 7, 7)


def test_whitened_patches_of_the_measured_images_are_uncorrelated_with_unit_variance():
    images = 10 * correlated_images() + torch.randn(16, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    filters = Whitening(images).filters
    assert filters.shape == (24, 3, 2, 2) and torch.equal(filters[12:], -filters[:12])
    patches = torch.nn.functional.unfold(images, 2, stride=2).mT.flatten(0, 1)
    white = patches @ filters[:12].flatten(1).T
    torch.testing.assert_close(white.T @ white / len(white), torch.eye(12), atol=2 * LEAST_VARIANCE, rtol=0)


def test_a_fresh_block_passes_its_input_on():
    """The first outputs of an untrained block are the pooled inputs, normalised and rectified twice."""
    torch.manual_seed(0)
    block, features = Block(4, 8, 2), torch.randn(64, 4, 6, 6)
    gelu = lambda x: nn.functional.gelu(x, approximate="tanh")
    normalised = lambda x: (x - x.mean((0, 2, 3), keepdim=True)) / x.std((0, 2, 3), keepdim=True, correction=0)
    pooled = normalised(nn.functional.max_pool2d(features, 2))
    torch.testing.assert_close(block(features)[:, :4], gelu(normalised(gelu(pooled))), atol=1e-3, rtol=1e-3)


def test_three_convolutions_are_a_residual_branch():
    torch.manual_seed(0)
    block, features = Block(4, 8, 3).eval(), torch.randn(2, 4, 6, 6)
    halved = block.halve(features)
    torch.testing.assert_close(block(features), halved + block.refine(halved))


def test_smaller_images_are_stretched_to_the_same_cells():
    model = colour_classifier().eval()
    assert model(torch.randn(2, 3, 24, 24)).shape == (2, 10)
    flat = torch.ones(1, 3, 1, 1).expand(1, 3, 32, 32)
    middle = model.front(flat)[..., 3:4, 3:4].expand(-1, -1, 7, 7)  # away from the border a flat image stays flat
    model.front = nn.Identity()
    torch.testing.assert_close(model(middle[..., :5, :5]), model(middle))


def test_memory_layout_does_not_change_the_scores():
    model, images = colour_classifier().eval(), torch.randn(4, 3, 32, 32)
    expected = model(images)
    model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(images.to(memory_format=torch.channels_last)), expected)


def test_gradient_reaches_every_parameter():
    model = colour_classifier()
    model(torch.randn(4, 3, 32, 32))[:, 0].square().sum().backward()
    learned = {name: value for name, value in model.named_parameters() if value.requires_grad}
    silent = [name for name, value in learned.items() if value.grad is None or not value.grad.abs().any()]
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
    model, images = AverageOfViews(colour_classifier()).eval(), torch.randn(3, 3, 32, 32)
    torch.testing.assert_close(model(images), model(images.flip(-1)))
    inner = model.classifier
    torch.testing.assert_close(model(images), (inner(images) + inner(images.flip(-1))) / 2)
    torch.testing.assert_close(model.train()(images), inner(images))


def test_moved_views_weigh_as_much_as_the_others():
    """On a classifier that returns its pixels, the six views are the image moved by hand."""
    images = torch.randn(2, 1, 4, 5)
    rows, columns = torch.tensor([[1, 0, 1, 2], [1, 2, 3, 2]]), torch.tensor([[1, 0, 1, 2, 3], [1, 2, 3, 4, 3]])
    moved = [images[:, :, down][..., right] for down, right in zip(rows, columns, strict=True)]
    both = lambda view: (view + view.flip(-1)) / 2
    expected = both(images) / 2 + (both(moved[0]) + both(moved[1])) / 4
    torch.testing.assert_close(AverageOfViews(nn.Identity(), 1).eval()(images), expected)
