#!/usr/bin/env bash
# Brian2 2.9.0 (Python 3.11, NumPy 2.3.5): the *name* of a StateMonitor decides whether it records before or after a
# `run_regularly` of the same group in the same slot and order, as ties are broken by the objects' names.
#
# Input: a counter that `run_regularly` raises by one in the slot "start" of every step, and two monitors that record in
# that slot too, which differ in their names only. Seen: "a_record" gives 0 1 2 3, "z_record" gives 1 2 3 4 (the operation
# is named after its group, "cells_run_regularly").
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check brian2==2.9.0 numpy==2.3.5 2>/dev/null
cat >"$folder/run.py" <<'PY'
import brian2
from brian2 import Network, NeuronGroup, StateMonitor, defaultclock, ms, prefs

prefs.codegen.target = "numpy"
defaultclock.dt = 1 * ms
print("brian2", brian2.__version__)
seen = {}
for name in ("a_record", "z_record"):
    cells = NeuronGroup(1, "x : 1", name="cells")
    count = cells.run_regularly("x += 1", when="start")
    monitor = StateMonitor(cells, "x", record=True, when="start", name=name)
    Network(cells, count, monitor).run(4 * ms)
    seen[name] = monitor.x[0].astype(int).tolist()
    print(name, *seen[name])
assert seen == {"a_record": [0, 1, 2, 3], "z_record": [1, 2, 3, 4]}, "this has changed"
PY
"$folder/venv/bin/python" "$folder/run.py"
