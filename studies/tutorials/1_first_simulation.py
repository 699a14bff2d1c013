# %% [markdown]
# # A first simulation: one astrocyte and its synapses
#
# Twenty presynaptic cells fire at random. Each spike releases transmitter at a synapse; an astrocyte that wraps the
# synapses feels it, answers with IP3 and calcium, and gives gliotransmitter back, which makes the synapses release
# less. This loop is the *tripartite synapse*, one of the networks that come ready made.
#
# This file is a plain script (`python studies/tutorials/1_first_simulation.py`). Its cells are marked with `# %%`, so
# editors run it cell by cell, and `jupytext --to ipynb` makes a notebook of it.

# %%
from pathlib import Path

import numpy as np
from brian2 import Hz

import biophys
from studies.report import traces

OUT = Path("tutorials")
OUT.mkdir(exist_ok=True)
for name, meaning in biophys.networks().items():
    print(f"{name:20} {meaning}")

# %% [markdown]
# A ready network knows its parameters, each with a unit and a meaning, and what can be recorded of it.

# %%
print(biophys.ready("tripartite"))

# %% [markdown]
# Parameters are set by their names, with their unit; a value without its unit, or with a wrong one, is refused.
# Calcium $C$ follows
#
# $$\frac{dC}{dt} = J_r(C, h, I) + J_l(C) - J_p(C),$$
#
# release through the channels that IP3 ($I$) opens, leak, and the pump that takes calcium up again (De Pittà et al.,
# 2009). Whatever happens by chance, here the spikes, follows the seed.

# %%
dataset = biophys.simulate("tripartite", {"stimulus.rate": 2 * Hz}, seconds=20, step=0.005, seed=0, target="numpy")
print(dataset)

# %% [markdown]
# The result is a labelled dataset: every variable has a unit, and the attributes hold each parameter, so that a file
# explains itself years later.

# %%
calcium = dataset.calcium.squeeze("astrocyte")
print(f"calcium between {float(calcium.min()):.2f} and {float(calcium.max()):.2f} {calcium.units}")
biophys.save(dataset, OUT / "first_simulation.nc")
again = biophys.load(OUT / "first_simulation.nc")
assert np.array_equal(again.calcium, dataset.calcium)

figure = traces.draw(again)
figure.savefig(OUT / "1_first_simulation.png")

# %% [markdown]
# Whenever calcium rises through 0.5 µM the astrocyte releases gliotransmitter: the bound share of presynaptic receptors
# steps up and fades only over minutes, and the synapses release less and less.
#
# The same from the command line, for 60 s, with a figure beside the file:
#
#     astromorph simulate tripartite --set stimulus.rate=2*Hz --out tripartite.nc
#
# Next: `2_sweep.py` varies parameters.
