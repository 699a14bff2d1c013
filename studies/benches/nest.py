"""NEST's tripartite network, timed in a process of its own for studies/benches/synapses.py.

usage: python -m studies.benches.nest SYNAPSES STEPS THREADS SEED
"""

import sys
import time

import nest

FAN_IN = 100


def run(synapses: int, steps: int, threads: int, seed: int) -> float:
    """Seconds of the steps; one neuron and one astrocyte for 100 primary synapses."""
    neurons = synapses // FAN_IN
    sources = max(FAN_IN, neurons)
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.set(resolution=0.1, local_num_threads=threads, rng_seed=seed)
    noise = nest.Create("poisson_generator", params={"rate": 10.0})
    source = nest.Create("parrot_neuron", sources)
    neuron = nest.Create("aeif_cond_alpha_astro", neurons)
    astrocyte = nest.Create("astrocyte_lr_1994", neurons)
    nest.Connect(noise, source)
    nest.TripartiteConnect(
        source,
        neuron,
        astrocyte,
        conn_spec={"rule": "pairwise_bernoulli", "p": FAN_IN / sources},
        third_factor_conn_spec={
            "rule": "third_factor_bernoulli_with_pool",
            "p": 1.0,
            "pool_size": 1,
            "pool_type": "block",
        },
        syn_specs={
            "primary": {"synapse_model": "tsodyks_synapse", "weight": 1.0},
            "third_in": {"synapse_model": "tsodyks_synapse", "weight": 1.0},
            "third_out": {"synapse_model": "sic_connection", "weight": 1.0},
        },
    )
    nest.Simulate(0.1)
    start = time.perf_counter()
    nest.Simulate(steps * 0.1)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(run(*map(int, sys.argv[1:])))
