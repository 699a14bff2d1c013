"""The table of studies/attention/attention_ablation.py: a row a data set and condition, with 95 % intervals."""

import pandas as pd
import xarray as xr

MEASURES = ("test_accuracy", "difference", "epochs_to_target", "ratio")


def table(dataset: xr.Dataset) -> pd.DataFrame:
    """Means with the ends of their intervals, the learning rate, the gain and how many seeds reached the target."""
    rows = []
    for data_set in dataset.data_set.values.tolist():
        for condition in dataset.condition.values.tolist():
            one = dataset.sel(data_set=data_set, condition=condition)
            row = {"data_set": data_set, "condition": condition, "seeds": int(one.test_accuracy.notnull().sum())}
            for name in MEASURES:
                row |= {f"{name}_{end}": float(one[f"{name}_{end}"]) for end in ("mean", "low", "high")}
            row["reached"] = int(one.epochs_to_target.notnull().sum())
            row["gain"] = float(one.given_gain.mean() * one.gain.mean())
            row |= {name: float(one[name]) for name in ("target", "learning_rate", "parameters")}
            rows.append(row | {"seconds": float(one.seconds.mean())})
    return pd.DataFrame(rows)


def printed(rows: pd.DataFrame) -> str:
    """The table for a reader: accuracy and difference in points, epochs and their ratio, intervals in brackets."""

    def intervals(name: str, scale: float) -> list[str]:
        ends = zip(*(scale * rows[f"{name}_{end}"] for end in ("mean", "low", "high")), strict=True)
        return ["-" if pd.isna(mean) else f"{mean:.2f} [{low:.2f}, {high:.2f}]" for mean, low, high in ends]

    shown = pd.DataFrame(
        {
            "data set": rows.data_set,
            "attention": rows.condition,
            "test accuracy (%)": intervals("test_accuracy", 100),
            "against linear (points)": intervals("difference", 100),
            "epochs to target": intervals("epochs_to_target", 1),
            "over linear": intervals("ratio", 1),
            "reached": [f"{row.reached} of {row.seeds}" for row in rows.itertuples()],
            "gain": rows.gain.map("{:.2f}".format),
            "learning rate": rows.learning_rate.map("{:.2g}".format),
        }
    )
    return shown.to_string(index=False)
