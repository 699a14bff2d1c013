"""The circuit keeps no short-term plasticity: a run with a measured feature map is refused, not run without it."""

import pytest

from astromorph.attention import AstromorphicAttention
from astromorph.feature_map import released_activity
from astromorph.settings import SynapticRelease
from mapping.circuit import fitted_calcium


def test_a_measured_feature_map_has_no_circuit():
    phi = released_activity(SynapticRelease("mean_field", 0.6, 1.0, 0.5))
    with pytest.raises(ValueError, match="a run with a measured feature map has no circuit yet.*without the release"):
        fitted_calcium(AstromorphicAttention(8, 2, feature_map=phi))
