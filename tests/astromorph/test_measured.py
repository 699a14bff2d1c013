"""Measured numbers are no weights, yet weights are not loaded beside other ones in silence."""

import pytest
import torch
from torch import nn

from astromorph.astrocyte import HillResponse, PowerLawResponse
from astromorph.attention import AstromorphicAttention
from astromorph.attention.responses import MeanActivityResponse


def layer(response: nn.Module) -> AstromorphicAttention:
    torch.manual_seed(0)
    return AstromorphicAttention(8, 2, response=MeanActivityResponse(response))


@pytest.mark.parametrize("saved", [lambda state: state, lambda state: roundtrip(state)], ids=["at once", "from a file"])
def test_weights_learned_with_other_numbers_are_not_loaded_in_silence(saved):
    weights = saved(layer(PowerLawResponse(0.8, 0.2, 0.25)).state_dict())
    layer(PowerLawResponse(0.8, 0.2, 0.25)).bfloat16().load_state_dict(weights)
    other = layer(PowerLawResponse(0.7, 0.3, 0.25))
    with pytest.raises(
        RuntimeError, match="the weights belong to baseline 0.8 of a PowerLawResponse, and this one has"
    ):
        other.load_state_dict(weights)
    other.load_state_dict(dict(weights))  # as files of weights alone are, older ones too


def roundtrip(state):
    import io

    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_every_number_of_a_response_counts():
    numbers = {"baseline": 0.6, "amplitude": 0.8, "exponent": 2.0, "half_activity": 1.0}
    weights = layer(HillResponse(*numbers.values())).state_dict()
    for name, value in numbers.items():
        changed = numbers | {name: 1.5 * value}
        with pytest.raises(RuntimeError, match=rf"the weights belong to {name} .*and this one has {1.5 * value:g};"):
            layer(HillResponse(*changed.values())).load_state_dict(weights)


def test_a_number_that_is_learned_is_a_weight():
    trained = layer(PowerLawResponse(0.8, 0.2, 0.25))
    trained.mechanism.response.response.exponent = nn.Parameter(torch.tensor(0.5))
    other = layer(PowerLawResponse(0.8, 0.2, 0.75))
    other.mechanism.response.response.exponent = nn.Parameter(torch.tensor(0.1))
    other.load_state_dict(trained.state_dict())
    x = torch.randn(1, 5, 8)
    torch.testing.assert_close(other(x), trained(x))


def test_keys_of_the_weights_are_those_of_before():
    assert not [name for name in layer(PowerLawResponse(0.8, 0.2, 0.25)).state_dict() if "response" in name]
