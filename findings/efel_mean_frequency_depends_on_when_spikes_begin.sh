#!/usr/bin/env bash
# eFEL 5.7.34: `mean_frequency` is the number of spikes over the time from the start of the stimulus to the last spike, so the
# same five spikes 20 ms apart have 50 Hz if the first comes after 20 ms and 35.7 Hz if it comes after 60 ms. `ISI_values`
# leaves out the first interval (three of four); `all_ISI_values` has them all.
#
# Input: traces of 200 ms with five triangular spikes 20 ms apart, stimulus from 0 to 200 ms.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check efel==5.7.34 'numpy<2.4' 2>/dev/null
cat >"$folder/run.py" <<'PY'
from importlib.metadata import version

import efel
import numpy as np

print("efel", version("efel"))
time, seen = np.arange(0, 200, 0.1), {}
for first in (20, 60):
    voltage = np.full(time.shape, -70.0)
    for spike in range(first, first + 100, 20):
        voltage = np.maximum(voltage, 30 - 100 * np.abs(time - spike))
    trace = {"T": time, "V": voltage, "stim_start": [0.0], "stim_end": [200.0]}
    values = efel.get_feature_values([trace], ["ISI_values", "all_ISI_values", "mean_frequency"])[0]
    seen[first] = round(float(values["mean_frequency"][0]), 1)
    counts = len(values["ISI_values"]), len(values["all_ISI_values"])
    print(f"first spike at {first} ms: mean_frequency {seen[first]} Hz, {counts[0]} ISI_values, {counts[1]} all_ISI_values")
    assert counts == (3, 4), "this has changed"
assert seen == {20: 50.0, 60: 35.7}, "this has changed"
PY
"$folder/venv/bin/python" "$folder/run.py"
