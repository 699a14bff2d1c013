#!/usr/bin/env bash
# Brian2 2.9.0 (Python 3.11, NumPy 2.3.5): an ODE whose right-hand side reads a "(summed)" variable of synapses is
# integrated with error of first order even with method="rk4", since what synapses sum is held over the whole step. No
# warning says so; the same equations in one group keep fourth order.
#
# Input: x' = -x/tau + y/tau, y' = -y/tau (tau 10 ms, x(0) = 0, y(0) = 1) over 20 ms, whose solution is (t/tau) exp(-t/tau), once
# with x and y in one group, once with y of another group handed over by a summed synapse. Seen: with the step halved, the
# error of the one group falls 16 times, that of the other 2 times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check brian2==2.9.0 numpy==2.3.5 2>/dev/null
cat >"$folder/run.py" <<'PY'
import brian2
import numpy as np
from brian2 import Network, NeuronGroup, Synapses, ms, prefs

prefs.codegen.target = "numpy"
print("brian2", brian2.__version__)
tau, exact = 10 * ms, 2 * np.exp(-2)


def error(together, step):
    namespace, options = {"tau": tau}, {"method": "rk4", "dt": step}
    if together:
        cells = NeuronGroup(1, "dx/dt = (y - x)/tau : 1\ndy/dt = -y/tau : 1", namespace=namespace, **options)
        cells.y = 1
        network = Network(cells)
    else:
        cells = NeuronGroup(1, "dx/dt = (s - x)/tau : 1\ns : 1", namespace=namespace, **options)
        source = NeuronGroup(1, "dy/dt = -y/tau : 1", namespace=namespace, **options)
        source.y = 1
        synapses = Synapses(source, cells, "s_post = y_pre : 1 (summed)", dt=step)
        synapses.connect()
        network = Network(cells, source, synapses)
    network.run(20 * ms)
    return abs(cells.x[0] - exact)


ratios = {}
for together in (True, False):
    coarse, fine = error(together, 1 * ms), error(together, 0.5 * ms)
    ratios[together] = coarse / fine
    print("one group" if together else "through (summed)", f"errors {coarse:.2e} {fine:.2e}, ratio {ratios[together]:.2f}")
assert 14 < ratios[True] < 18 and 1.8 < ratios[False] < 2.2, "this has changed"
PY
"$folder/venv/bin/python" "$folder/run.py"
