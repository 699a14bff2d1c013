# %% [markdown]
# # A sweep: the same network at every point of a grid
#
# How does the astrocyte answer faster synapses, and does it matter how readily they release? We vary the rate of the
# spikes and the release probability $U_0$, with a few seeds each. All points run as copies in one vectorised network,
# so thirty of them cost little more than one.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from brian2 import Hz, umolar

import biophys
from biophys.release_theory import mean_field_release
from studies.report import sweep_figure

OUT = Path("tutorials")
OUT.mkdir(exist_ok=True)
axes = {"stimulus.rate": [0.5, 1, 2, 5, 10] * Hz, "synapse.U_0": [0.1, 0.6]}

# %% [markdown]
# Times are in seconds: 20 simulated, a step of 0.005, a record every 0.2. What has finished is kept in
# `sweep.nc.parts` until the whole is written; a sweep that was killed goes on where it stopped.

# %%
dataset = biophys.sweep(
    "tripartite",
    axes,
    seeds=3,
    record=["calcium", "released_transmitter"],
    seconds=20,
    step=0.005,
    every=0.2,
    out=OUT / "sweep.nc",
    target="numpy",
    jobs=1,
)
print(dict(dataset.sizes))

# %% [markdown]
# The axes have become dimensions of the dataset. We average over the second half of the time and over the seeds.

# %%
late = dataset.sel(time=slice(10, None)).mean(["time", "astrocyte"])
print(late.calcium.mean("seed").to_series().unstack().round(3))
figure = sweep_figure.draw(dataset)
figure.savefig(OUT / "2_sweep.png")

# %% [markdown]
# What would these synapses release without their astrocyte? A synapse that has just released is empty for a while. In
# the mean (Tsodyks and Markram, 1997; De Pittà et al., 2011) a spike of a train at rate $\nu$ releases
#
# $$r(\nu) = \frac{U_0 \Omega_d (\Omega_f + \nu)}{\Omega_d \Omega_f + U_0 (\Omega_d + \Omega_f) \nu + U_0 \nu^2}$$
#
# of what a synapse holds, so that $\nu\, r(\nu)$, the release in a second, cannot pass $\Omega_d$ however fast it
# fires. Each release adds $\varrho_c Y_T$ times its share to the cleft, which is cleared at the rate $\Omega_c$: the
# mean concentration is $\nu\, r(\nu)\, \varrho_c Y_T / \Omega_c$.

# %%
synapse = {name: parameter.value for name, parameter in biophys.ready("tripartite").sections["synapse"].items()}
recovery, decay = (float(synapse[name] / Hz) for name in ("Omega_d", "Omega_f"))
concentration = float(synapse["rho_c"] * synapse["Y_T"] / synapse["Omega_c"] * Hz / umolar)
rates = np.geomspace(0.5, 10, 50)
theory, panel = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
for color, release_probability in zip(("C0", "C1"), (0.1, 0.6), strict=True):
    alone = rates * mean_field_release(rates, release_probability, recovery, decay) * concentration
    simulated = late.released_transmitter.mean("seed").sel({"synapse.U_0": release_probability})
    panel.plot(rates, alone, color=color, label=f"U_0 = {release_probability}, alone (theory)")
    panel.plot(simulated["stimulus.rate"], simulated, "o", color=color, label="with the astrocyte (simulated)")
panel.axhline(recovery * concentration, color="0.6", ls="--", label="limit")
panel.set(xscale="log", ylim=(-1, 38), xlabel="presynaptic rate (Hz)", ylabel="transmitter in the cleft (µM)")
panel.legend(frameon=False, fontsize=7)
theory.savefig(OUT / "2_release.png")

# %% [markdown]
# Up to a few hertz the astrocyte all but silences its synapses: calcium oscillates, and each time it rises the
# synapses get gliotransmitter. At 10 Hz and $U_0 = 0.6$ calcium stays up, the astrocyte releases once and then no
# more, and the synapses recover.
#
# The same from the command line, on all cores:
#
#     astromorph sweep tripartite --axis stimulus.rate=0.5,1,2,5,10*Hz --axis synapse.U_0=0.1,0.6 --seeds 3
#
# Next: `3_from_calcium_to_attention.py` turns such a response into a part of a transformer.
