"""Figures of sweeps along one and two axes show the means of their files."""

import numpy as np
from brian2 import umolar

import biophys
from studies.report import sweep_figure


def test_figures_of_one_and_two_axes():
    axes = {"stimulus.I": [0.2, 0.5, 0.7] * umolar, "astrocyte.K_P": [0.051, 0.1] * umolar}
    options = {"seeds": 2, "record": "calcium", "seconds": 2, "step": 0.01, "every": 0.1, "jobs": 1}
    dataset = biophys.sweep("li-rinzel", axes, **options)
    panel = sweep_figure.draw(dataset).axes[0]
    assert panel.get_xlabel() == "stimulus.I (µM)" and panel.get_ylabel() == "calcium (µM)"
    assert [text.get_text() for text in panel.figure.legends[0].get_texts()] == ["0.051", "0.1"]
    only = biophys.sweep("li-rinzel", {"stimulus.I": axes["stimulus.I"]}, **options)
    drawn = sweep_figure.draw(only).axes[0].lines[0].get_ydata()
    expected = only.calcium.sel(time=slice(1.0, None)).mean(["time", "seed"])
    np.testing.assert_allclose(drawn, expected.squeeze("astrocyte").values)
