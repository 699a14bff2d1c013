"""A layer made on the meta device and filled afterwards is the layer."""

import pytest
import torch

from astromorph.astrocyte import CurveResponse, HillResponse, PositionalDrive
from astromorph.attention import AstromorphicAttention
from astromorph.attention.responses import MeanActivityResponse
from astromorph.feature_map import CurveRelease, ReleasedActivity

CURVE = (0.1, 1.0, 10.0), (0.5, 1.0, 1.4)
LAYERS = {
    "recommended": lambda: AstromorphicAttention(16, 4),
    "causal": lambda: AstromorphicAttention(16, 4, causal=True),
    "Hill": lambda: AstromorphicAttention(16, 4, response=MeanActivityResponse(HillResponse(0.47, 0.66, 1.0, 0.25))),
    "curve": lambda: AstromorphicAttention(16, 4, response=MeanActivityResponse(CurveResponse(*CURVE))),
    "release": lambda: AstromorphicAttention(16, 4, feature_map=ReleasedActivity(CurveRelease(*CURVE))),
    "drive": lambda: AstromorphicAttention(16, 4, position=PositionalDrive(4, 4, 9)),
}


@pytest.mark.parametrize("assign", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_what_is_made_on_the_meta_device_answers_when_it_is_filled(name, assign):
    torch.manual_seed(0)
    ready, x = LAYERS[name](), torch.randn(2, 7, 16)
    with torch.device("meta"):
        layer = LAYERS[name]()
    assert layer(x.to("meta")).shape == x.shape
    if not assign:
        layer.to_empty(device="cpu")
        for buffer in layer.buffers():
            buffer.fill_(float("nan"))
    layer.load_state_dict(ready.state_dict(), assign=assign)
    torch.testing.assert_close(layer(x), ready(x), rtol=0, atol=0)
