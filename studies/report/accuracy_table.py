"""How accurate is each attention? Finished runs side by side: mean and standard deviation over seeds.

A row holds the runs of one data set that agree in everything but the seed: every setting, and the calcium response, but
not on how many threads they were computed.
Where runs differ in more than attention and seed, the row says in what.
"""

from collections.abc import Hashable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from astromorph.runs.run_folder import RunFolder
from studies.figure import paper_style

LEFT_OUT = ("attention", "delays", "seed", "threads")  # have columns of their own, or say only how it was computed
NAMES = ("data_set", "attention", "setting")
PERPLEXITY = "perplexity_per_word"  # of language models
LEARNED = 0.85  # validation accuracy whose first epoch is told


def collect(folders: Sequence[RunFolder]) -> pd.DataFrame:
    """A row a run. ValueError for runs of several data sets, or one seed twice; FileNotFoundError if one is unfinished.

    The column `setting` says in what settings, other than attention and seed, a run differs from others, such as
    "width 64"; it is empty where all agree.
    """
    if not folders:
        raise ValueError("no run to compare; name at least one run folder")
    check_comparable(folders)
    rows = []
    for folder, setting in zip(folders, differing(folders), strict=True):
        summary, epochs = folder.summary(), folder.metrics()
        reached = epochs.epoch[epochs.validation_accuracy >= LEARNED]
        rows.append(
            {
                "data_set": folder.data_set,
                "attention": folder.settings.variant_name,
                "setting": setting,
                "seed": folder.settings.seed,
                "test_accuracy": summary["test_accuracy"],
                **({PERPLEXITY: summary[PERPLEXITY]} if PERPLEXITY in summary else {}),
                "validation_accuracy": summary["validation_accuracy"],
                "chosen_epoch": summary["chosen_epoch"],
                "epochs_to_85_percent": reached.min() if len(reached) else None,
                "seconds": summary["seconds"],
                "seconds_per_epoch": epochs.seconds.median(),
                "parameters": summary["parameters"],
                **{key: summary.get(key, "unknown") for key in ("commit", "hardware", "command")},
            }
        )
    return pd.DataFrame(rows)


def check_comparable(folders: Sequence[RunFolder]) -> None:
    first = folders[0]
    seen: dict[Hashable, Path] = {}
    for other in folders:
        if other.data_set != first.data_set:
            raise ValueError(
                f"{other.path} trains on {other.data_set} and {first.path} on {first.data_set}; "
                "compare runs of one data set"
            )
        same = seen.setdefault(str((settled(other), other.settings.variant_name, other.settings.seed)), other.path)
        if same is not other.path:
            raise ValueError(f"{other.path} repeats {same}, seed and all; compare runs that differ in something")


def settled(folder: RunFolder) -> dict[str, Any]:
    """What makes two runs alike but for attention (or delays) and seed."""
    settings = {name: value for name, value in asdict(folder.settings).items() if name not in LEFT_OUT}
    return settings | {"response": None if folder.response is None else asdict(folder.response)}


def differing(folders: Sequence[RunFolder]) -> list[str]:
    """For each run, the settings in which not all runs agree; calcium responses are compared where there is one."""
    texts: list[list[str]] = [[] for _ in folders]
    for name, *values in zip(settled(folders[0]), *(settled(folder).values() for folder in folders), strict=True):
        compared = [value for value in values if name != "response" or value is not None]
        if all(value == compared[0] for value in compared):
            continue
        for text, folder, value in zip(texts, folders, values, strict=True):
            if name != "response":
                text.append(f"{name} {' '.join(value) if isinstance(value, tuple) else value}".strip())
            elif folder.response is not None:
                text.append(f"response {folder.response.form} ({folder.response.source})")
    return [", ".join(text) for text in texts]


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """A row for runs that differ in their seed only: n, mean and standard deviation (n - 1) of the test accuracy, mean
    of the first epoch at 85 % validation accuracy over the `reached` runs that got there, mean seconds, parameters; for
    language models mean and standard deviation of the perplexity as well.
    """
    grouped = runs.groupby(list(NAMES), sort=False)
    further = {PERPLEXITY: (PERPLEXITY, "mean"), "perplexity_sd": (PERPLEXITY, "std")} if PERPLEXITY in runs else {}
    return grouped.agg(
        **further,
        n=("seed", "size"),
        test_accuracy=("test_accuracy", "mean"),
        sd=("test_accuracy", "std"),
        epochs_to_85_percent=("epochs_to_85_percent", "mean"),
        reached=("epochs_to_85_percent", "count"),
        seconds_per_epoch=("seconds_per_epoch", "mean"),
        seconds=("seconds", "mean"),
        parameters=("parameters", "first"),
    ).reset_index()


def in_words(table: pd.DataFrame) -> dict[str, list[str]]:
    """Columns for a reader of what `summarise` found: accuracy in %, or perplexity, as mean ± sd."""
    each = lambda *names: zip(*(table[name] for name in names), strict=True)
    spread = lambda mean, sd: f"{mean:.2f}" + ("" if np.isnan(sd) else f" ± {sd:.2f}")
    if PERPLEXITY in table:
        return {"test perplexity per word": [spread(*row) for row in each(PERPLEXITY, "perplexity_sd")]}
    epochs = lambda mean, reached, n: (
        "not reached" if not reached else f"{mean:.1f}" + ("" if reached == n else f" ({reached} of {n} runs)")
    )
    return {
        "test accuracy (%)": [spread(100 * mean, 100 * sd) for mean, sd in each("test_accuracy", "sd")],
        "epochs to 85 %": [epochs(*row) for row in each("epochs_to_85_percent", "reached", "n")],
    }


def printed(table: pd.DataFrame) -> str:
    """What `summarise` gives, for a reader, without a column that says nothing."""
    shown = pd.DataFrame(
        {
            "data set": table.data_set,
            "attention": table.attention,
            "setting": table.setting,
            "runs": table.n,
            **in_words(table),
            "s/epoch": table.seconds_per_epoch.map("{:.1f}".format),
            "s/run": table.seconds.map("{:.0f}".format),
            "parameters": table.parameters.map("{:,}".format),
        }
    )
    return shown.drop(columns=[] if table.setting.any() else "setting").to_string(index=False)


def draw(runs: pd.DataFrame) -> Figure:
    """Test accuracy, or perplexity, of every run as a dot, mean and standard deviation a bar, a place for each row of
    `summarise`."""
    shown, scale, label = "test_accuracy", 100, "test accuracy (%)"
    if PERPLEXITY in runs:
        shown, scale, label = PERPLEXITY, 1, "test perplexity per word"
    with paper_style():
        rows = {tuple(map(str, names)): scale * dots for names, dots in runs.groupby(list(NAMES), sort=False)[shown]}
        figure, axes = plt.subplots(figsize=(max(5, min(7.2, 1.3 * len(rows))), 3.2))
        for place, dots in enumerate(rows.values()):
            axes.plot([place] * len(dots), dots, "o", alpha=0.5, color="0.4", zorder=1)
            axes.errorbar([place], [dots.mean()], [dots.std()], fmt="D", capsize=6, zorder=2)
        names = [f"{attention}\n{setting}".strip().replace(", ", "\n") for _, attention, setting in rows]
        axes.set_xticks(range(len(rows)), names)
        axes.set(xlim=(-0.6, len(rows) - 0.4), ylabel=label)
        fewest, most = min(map(len, rows.values())), max(map(len, rows.values()))
        count = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        axes.set_title(f"{runs.data_set.iloc[0]}: runs, mean ± sd over {count} seed{'s' * (most > 1)}")
    return figure
