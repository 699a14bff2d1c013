# %% [markdown]
# # From calcium to attention
#
# Three steps carry a measurement into a transformer: *simulate* an astrocyte at several rates, *map* its calcium onto a
# curve $\rho$ without units, *build* attention with it. At the end we see what $\rho$ does.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

import mapping
from astromorph.astrocyte import response_module
from astromorph.attention.functional import astromorphic_attention
from astromorph.attention.responses import LinearResponse, MeanActivityResponse
from astromorph.settings import CalciumResponse
from biophys.simulation.recording import save
from studies.physiology import calcium_response

OUT = Path("tutorials")
OUT.mkdir(exist_ok=True)

# %% [markdown]
# **Simulate.** Each rate drives an astrocyte of its own, for 55 s, of which the part after settling is averaged.

# %%
dataset = calcium_response.simulate(seconds=55.0, trials=2, seed=0)
save(dataset, OUT / "response.nc")
for rate in (0.2, 1.0, 5.0, 30.0):
    print(f"{rate:5} Hz: {float(dataset.calcium_mean.sel(rate=rate).mean()):.3f} umolar")

# %% [markdown]
# **Map.** Attention knows no hertz. Rates are divided by a reference rate and calcium by its value there, so that
# $\rho(1) = 1$. A power law and a Hill curve
#
# $$\rho(x) = b + a x^\alpha, \qquad \rho(x) = b + a \frac{x^n}{K^n + x^n}$$
#
# are fitted, and the better one by the criterion AICc is kept. Where it came from is written beside the numbers.

# %%
coefficients = mapping.fit(OUT / "response.nc")
fitted = coefficients.calcium_response
assert fitted and fitted.status == "ok"
for form, candidate in fitted.candidates.items():
    if candidate is not None:
        print(f"{form:10} exponent {candidate.exponent:.2f}, R² {candidate.r_squared:.4f}, AICc {candidate.aicc:.0f}")
mapping.write(coefficients, OUT / "astrocyte.yaml")
measured = mapping.as_settings(coefficients)
print("kept:", measured.form)

# %% [markdown]
# **Build.** Keys and values are written into a Hebbian weight $H = \sum_t \varphi(k_t) v_t^\top$. An astrocytic process
# follows the mean activity $x = \frac1N \sum_t \varphi(k_t)$ of each hidden neuron with its calcium
# $g = N \rho(x)$, and what a query reads is divided by its own calcium:
#
# $$\text{output} = \frac{\varphi(q) H}{\varphi(q) \cdot g}.$$
#
# With $\rho(x) = x$ the weights of the tokens sum to one and this is linear attention: if all keys become louder,
# nothing changes. A measured $\rho$ grows more slowly than $x$, so louder keys are read louder, by $x / \rho(x)$.
# We write tokens whose hidden neurons all have the mean activity $x$, and compare.

# %%
forms = {
    "linear attention, ρ(x) = x": LinearResponse(),
    "published, power law": MeanActivityResponse(response_module(CalciumResponse())),
    f"measured, {measured.form}": MeanActivityResponse(response_module(measured)),
}
chance = torch.Generator().manual_seed(0)
tokens, features = 32, 8
activity = torch.rand(1, 1, tokens, features, generator=chance, dtype=torch.float64) + 0.5
activity = activity / activity.mean(2, keepdim=True)  # every hidden neuron: mean activity 1
query, value = torch.randn(2, 1, 1, tokens, features, generator=chance, dtype=torch.float64)


def key_of(wanted: torch.Tensor) -> torch.Tensor:
    """The key whose activity φ(k) = elu(k) + 1 is the one wanted."""
    return torch.where(wanted > 1, wanted - 1, wanted.log())


plain = astromorphic_attention(query, key_of(activity), value)
loudness = np.geomspace(measured.lowest, measured.highest, 9)
gains = {}
for name, response in forms.items():
    outputs = [astromorphic_attention(query, key_of(activity * x), value, response=response) for x in loudness]
    gains[name] = np.array([float((output / plain).median()) for output in outputs])
    print(f"{name:28} louder by {loudness[-1] / loudness[0]:.0f}: read {gains[name][-1] / gains[name][0]:.1f} times")

# %% [markdown]
# Left what was measured; right what it does: points are the attention module, the line is $x / \rho(x)$.

# %%
rho = response_module(measured)
fine = np.geomspace(measured.lowest, measured.highest, 100)
curve = rho(torch.from_numpy(fine)).numpy()
assert np.allclose(gains[f"measured, {measured.form}"], loudness / rho(torch.from_numpy(loudness)).numpy())

figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3.2), layout="constrained")
mean = dataset.calcium_mean.mean("trial")
left.plot(mean.rate, mean, "o", mfc="none", label="simulated")
left.plot(fine * fitted.reference.rate, curve * fitted.reference.calcium, label=f"ρ, {measured.form}")
left.set(xscale="log", xlabel="presynaptic rate (Hz)", ylabel="mean calcium (µM)")
left.legend(frameon=False)
for name, gain in gains.items():
    right.plot(loudness, gain, "o", ms=4, label=name)
right.plot(fine, fine / curve, lw=1, color="C2")
right.set(
    xscale="log", yscale="log", xlabel="mean activity x of the keys", ylabel="output, in that of linear attention"
)
right.legend(frameon=False, fontsize=7)
figure.savefig(OUT / "3_from_calcium_to_attention.png")

# %% [markdown]
# The same from the command line, and a training with it:
#
#     astromorph simulate calcium-response --out response.nc
#     astromorph map response.nc --out astrocyte.yaml
#     astromorph train digits --astrocyte astrocyte.yaml --out runs/digits
#
# Next: `4_train_and_explain.py`.
