"""Every kind of fit has its figure and its line of print, and the command line knows every form."""

from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
from matplotlib import pyplot as plt

from mapping import fits
from studies.commands.map import Form

RESULTS = Path(__file__).parents[2].parent / "studies" / "results"
AT = {"degradation": "2", "loop": "none", "spread": "0.3", "window": "5"}
FILES = {
    "calcium_response": ("calcium-response", "chosen by AICc: hill, measured from x = 0.0774 to 11.6"),
    "distance_kernel": ("process-length", "distance kernel: length constant "),
    "release": ("release-rate", "release: mean_field, measured from x = "),
    "retention": ("retention", "retention: a cycle adds 0.7189 of what the one before added (0.7184 to 0.7195)"),
    "segment": ("segment-detection", "opens half at 11.60 synapses, gain 20.85 (19.22 to 22.48)"),
}


@pytest.mark.parametrize("section", fits.KINDS)
def test_a_fit_is_drawn_and_told(section):
    file, line = FILES[section]
    measurement = fits.recognised(RESULTS / f"{file}.nc")
    at = {name: place for name, place in AT.items() if name in measurement.dataset.dims}
    (result,) = fits.fit_each([measurement], fits.Options(at=at))
    part = import_module(f"studies.fits.{section}")
    assert line in part.summary(result.fit)
    figure = part.draw(measurement.dataset, result.fit)
    assert len(figure.axes) >= 2 and all(axes.lines for axes in figure.axes)
    plt.close(figure)


def test_the_command_line_knows_every_form():
    assert set(get_args(Form)) == {form for kind in fits.KINDS.values() for form in kind.forms}
