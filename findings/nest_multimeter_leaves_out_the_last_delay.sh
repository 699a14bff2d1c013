#!/usr/bin/env bash
# NEST 3.10.0: simulating 10 ms in steps of 0.1 ms, a multimeter that records at every step returns 90 samples, 0.1 to 9.0 ms:
# what it has recorded is handed over a slice of the shortest delay at a time, and that delay is 1 ms while nothing is
# connected. One unrelated connection with a delay of 0.1 ms makes it 99 samples, to 9.9 ms. Compared sample by sample with
# another simulator, a record ends up to a millisecond early, depending on connections that have nothing to do with it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check nest-simulator==3.10.0 2>/dev/null
cat >"$folder/run.py" <<'PY'
import nest

nest.set_verbosity("M_ERROR")
print("nest", nest.__version__)
seen = {}
for unrelated in (False, True):
    nest.ResetKernel()
    nest.resolution = 0.1
    neuron = nest.Create("iaf_psc_exp")
    recorder = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": 0.1})
    nest.Connect(recorder, neuron)
    if unrelated:
        others = nest.Create("iaf_psc_exp", 2)
        nest.Connect(others[0], others[1], syn_spec={"delay": 0.1})
    nest.Simulate(10.0)
    times = recorder.get("events")["times"]
    seen[unrelated] = (len(times), round(times[0], 3), round(times[-1], 3))
    print("with a connection of 0.1 ms elsewhere" if unrelated else "alone", *seen[unrelated])
assert seen == {False: (90, 0.1, 9.0), True: (99, 0.1, 9.9)}, "this has changed"
PY
"$folder/venv/bin/python" "$folder/run.py" 2>/dev/null | grep -v "^$" | tail -n 3
