#!/usr/bin/env bash
# NEST 3.10.0 and Brian2 2.9.0 at a step of 0.1 ms: a delay half way between two steps is rounded up by NEST and not always by
# Brian2. Of 0.15, 0.25 and 0.35 ms NEST makes 2, 3 and 4 steps (and shows them when asked for the delay); in Brian2 the
# spike arrives after 1, 3 and 4 steps. A network moved from one to the other with delays on a finer grid than its step is
# another network, without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3.11 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check nest-simulator==3.10.0 brian2==2.9.0 numpy==2.3.5 2>/dev/null
cat >"$folder/nest_steps.py" <<'PY'
import nest

nest.set_verbosity("M_ERROR")
nest.resolution = 0.1
steps = []
for delay in (0.15, 0.25, 0.35):
    source, target = nest.Create("parrot_neuron"), nest.Create("parrot_neuron")
    nest.Connect(source, target, syn_spec={"delay": delay})
    steps.append(round(nest.GetConnections(source, target).get("delay") / 0.1))
print("nest", nest.__version__, *steps)
assert steps == [2, 3, 4], "this has changed"
PY
cat >"$folder/brian_steps.py" <<'PY'
import brian2
from brian2 import Network, NeuronGroup, SpikeGeneratorGroup, StateMonitor, Synapses, defaultclock, ms, prefs

prefs.codegen.target = "numpy"
defaultclock.dt = 0.1 * ms
steps = []
for delay in (0.15, 0.25, 0.35):
    source, target = SpikeGeneratorGroup(1, [0], [0 * ms]), NeuronGroup(1, "v : 1")
    synapses = Synapses(source, target, on_pre="v += 1")
    synapses.connect()
    synapses.delay = delay * ms
    monitor = StateMonitor(target, "v", record=True, when="end")
    Network(source, target, synapses, monitor).run(1 * ms)
    steps.append(int((monitor.v[0] > 0).argmax()))
print("brian2", brian2.__version__, *steps)
assert steps == [1, 3, 4], "this has changed"
PY
"$folder/venv/bin/python" "$folder/nest_steps.py" 2>/dev/null | grep "^nest [0-9]"
"$folder/venv/bin/python" "$folder/brian_steps.py"
