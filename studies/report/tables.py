"""Tables that commands have written (.csv), drawn again: their columns say which module draws them."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from studies.catalogue import table_module


def draw(file: Path) -> Figure:
    """The figure of a table. ValueError in one sentence if nothing here has written it, OSError if it is not there."""
    try:
        table = pd.read_csv(file, dtype={"setting": str})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as problem:
        raise ValueError(f"{file} cannot be read as a table of comma-separated values; write it again") from problem
    module = table_module(table.columns)
    if module is None:
        raise ValueError(
            f"{file} has the columns {', '.join(map(str, table.columns[:6]))}, which no command draws; plot what "
            "astromorph compare or astromorph bench has written"
        )
    if table.empty:
        raise ValueError(f"{file} has no rows; write it again")
    settings = table.setting.fillna("") if "setting" in table else ""  # old tables have no such column
    return module.draw(table.assign(setting=settings))
