# %% [markdown]
# # A trained model as a circuit of neurons and astrocytes
#
# The road leads back. The attention of a trained model is built in Brian2: hidden and output neurons, Hebbian synapses
# between them, an astrocytic process for every hidden neuron. Tokens are presented one by one and written into the
# synapses; then each token is presented again as a query, and the output neurons' activity is the attention's output.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from brian2 import ms

from astromorph.runs.run_folder import RunFolder
from astromorph.settings import CalciumResponse, DigitsSettings
from astromorph.training.loop import train
from biophys.circuits.attention_circuit import settling_error
from biophys.circuits.rate_circuit import RateNeurons
from studies.circuits import circuit

OUT = Path("tutorials")
OUT.mkdir(exist_ok=True)

# %% [markdown]
# A model to start from: ten epochs on digits, a few seconds.

# %%
settings = DigitsSettings(attention="astromorphic", epochs=10, seed=0)
run = RunFolder.create(OUT / "digits_for_circuit", "digits", settings, CalciumResponse(), overwrite=True)
summary = train(run, OUT)

# %% [markdown]
# Five test images through the model and through its circuit, each token presented for 300 ms. Where activities lie
# beyond the range in which calcium was measured, the circuit says so.

# %%
result = circuit.simulate(run.path, examples=5, target="numpy", jobs=1, seed=0)
print(f"relative error of the attention output: {float(result.relative_error.max()):.1e}")
print(f"same class in {int(result.same_class.sum())} of {result.sizes['input']}")
assert bool(result.same_class.all())

# %% [markdown]
# Why is there an error at all? Rate neurons follow what drives them with a time constant $\tau$; when a token is
# presented for a time $T$, a trace of the one before is left, most of it while synapses are written in the second half:
#
# $$\epsilon \approx \frac{\tau}{T/2}\, e^{-T/2\tau} + \left(1 + \frac{T}{\tau}\right) e^{-T/\tau}.$$
#
# Patience makes the circuit exact. The law has no free number.

# %%
presentations = np.array([100.0, 150.0, 200.0, 250.0])
errors = [
    float(circuit.simulate(run.path, presentation=T, examples=2, target="numpy", jobs=1).relative_error.max())
    for T in presentations
]
fine = np.linspace(presentations[0], presentations[-1], 60)
law = [settling_error(RateNeurons(T=T * ms)) for T in fine]
for T, error in zip(presentations, errors, strict=True):
    print(f"{T:.0f} ms: {error:.1e}")
slope = np.polyfit(presentations, np.log(errors), 1)[0]
assert -0.06 < slope < -0.045, "the error should fall e-fold every 2τ = 20 ms, and a little faster"

figure, panel = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
panel.plot(presentations, errors, "o", label="circuit against model")
panel.plot(fine, law, label="settling law, a step of activity")
panel.set(yscale="log", xlabel="presentation of a token (ms)", ylabel="relative error of the attention output")
panel.legend(frameon=False)
figure.savefig(OUT / "5_model_as_circuit.png")

# %% [markdown]
# The same from the command line, also with spiking neurons or with the calcium model itself instead of its fit:
#
#     astromorph circuit runs/digits --examples 20 --out circuit.nc
#     astromorph circuit runs/digits --neurons spiking --examples 5 --out spiking.nc
#
# That was the whole road. `astromorph --help` lists what else there is, and every verb explains itself.
