"""Tables that commands have written (.csv), drawn again: their columns say which module draws them."""

import importlib
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

DRAWN_BY = {
    "studies.report.accuracy_table": {"data_set", "attention", "setting", "seed", "test_accuracy"},
    "studies.benches.attention": {"precision", "causal", "tokens", "mechanism", "seconds"},
    "studies.benches.training": {"unit", "model", "mode", "examples_per_second"},
    "studies.benches.sweep": {"method", "target", "seconds", "a_point", "ratio"},
    "studies.benches.synapses": {"implementation", "synapses", "synapse_steps_per_second"},
    "studies.benches.patterns": {"method", "processes", "comparisons", "per_second"},
    "studies.benches.delays": {"longest", "stage", "against", "dense_seconds", "part_of_memory"},
}


def draw(file: Path) -> Figure:
    """The figure of a table. ValueError in one sentence if nothing here has written it, OSError if it is not there."""
    try:
        table = pd.read_csv(file, dtype={"setting": str})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as problem:
        raise ValueError(f"{file} cannot be read as a table ({problem}); write it again") from problem
    for module, columns in DRAWN_BY.items():
        if columns <= set(table.columns):
            if table.empty:
                raise ValueError(f"{file} has no rows; write it again")
            return importlib.import_module(module).draw(table.fillna({"setting": ""}))
    raise ValueError(
        f"{file} has the columns {', '.join(map(str, table.columns[:6]))}, which no command draws; plot what "
        "astromorph compare or astromorph bench has written"
    )
