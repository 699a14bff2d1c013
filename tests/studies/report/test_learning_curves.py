"""Which epoch the learning curves mark."""

import pandas as pd

from astromorph.settings import DigitsSettings, Wikitext2Settings
from studies.report.learning_curves import best_epoch


def test_classifiers_are_chosen_by_accuracy_and_language_models_by_loss():
    table = pd.DataFrame(
        {"epoch": [1, 2, 3], "validation_accuracy": [0.5, 0.7, 0.6], "validation_loss": [3.0, 2.0, 1.0]}
    )
    assert best_epoch(table, DigitsSettings()) == 2
    assert best_epoch(table, Wikitext2Settings()) == 3
