"""How many synapse-steps a second does a tripartite network do, in each form, on each code target, and in NEST?

Poisson cells of 10 Hz drive depressing synapses, 100 to a postsynaptic conductance-based neuron with an astrocyte of
its own (G-ChI calcium, gliotransmission onto its synapses): rk4, everything at 0.1 ms. The lumped form keeps
transmitter and presynaptic receptors on the astrocyte (biophys/tripartite.py), the general form on each synapse
(biophys/separate_synapses.py). "NumPy by hand" is the general form as a vectorised loop of plain NumPy. NEST, if it is
installed (pip install 'astromorph[nest]'), runs the nearest model it has: aeif neurons, Tsodyks synapses and Li-Rinzel
astrocytes with slow inward current, event driven, without transmitter in the cleft or presynaptic receptors.

A synapse-step is one step of one primary synapse. Building, compiling and starting are not counted: two run lengths
are timed, and their difference counts. Before that, the calcium of both forms is compared on the same spikes.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from itertools import product
from statistics import median
from typing import NamedTuple

import brian2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from brian2 import Hz as hertz
from brian2 import Network, NeuronGroup, PoissonGroup, Synapses, get_dimensions, linked_var, nS, second
from brian2.devices import reset_device
from matplotlib.figure import Figure

from astromorph.settings.checks import check_seed
from biophys.astrocyte import CALCIUM, FLOOR, INITIAL, INOSITOL_TRISPHOSPHATE, RECEPTORS, AstrocyteParameters
from biophys.gliotransmission import (
    GLIOTRANSMITTER,
    MODULATED,
    PRESYNAPTIC_RECEPTORS,
    RELEASING,
    GliotransmissionParameters,
)
from biophys.neuron import SPIKING, ConductanceParameters, NeuronParameters
from biophys.separate_synapses import HELD_CLEFT, separate_synapses
from biophys.simulation.progress import progress
from biophys.synapse import CLEFT, INTO_CLEFT, RELEASE, RELEASE_SITE, SynapseParameters
from studies.benches.comparison import refuse_different, refuse_few, refuse_unknown, say_how_long
from studies.figure import paper_style
from studies.numerals import counted

STEP = 1e-4  # s
RATE = 10.0  # Hz
FAN_IN = 100  # synapses of a neuron
WEIGHT = 0.05 * nS
COMPARED, TOLERANCE = 500, 3e-3  # synapses; of the largest: the general form holds transmitter for a step
BUILDING = {"numpy": 1.0, "cython": 0.5, "cpp_standalone": 6.0}  # of a network once code is cached, relative to NumPy
FORMS = ("lumped", "general")
TARGETS = ("numpy", "cython", "cpp_standalone")
NEURON = """
dv/dt = (g_l*(E_l - v) + g_e*(E_e - v) + I_ex)/C_m : volt (unless refractory)
g_e : siemens (linked)
"""
CONDUCTANCE = "dg_e/dt = (1e-27*nS - g_e)/tau_e : siemens\n"  # beside the cleft, where releases are summed anyway


def bench(
    synapses: Sequence[int] = (1_000, 100_000),
    *,
    forms: Sequence[str] = FORMS,
    targets: Sequence[str] = TARGETS[:2],
    by_hand: bool = True,
    nest: bool = True,
    seconds: float = 1.0,
    repeats: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    """Synapse-steps a second, a row an implementation and size.

    Args:
        synapses: numbers of synapses.
        forms: lumped, general or both.
        targets: code targets of Brian2: numpy, cython, cpp_standalone (which compiles for every run), or some of them.
        by_hand: time a loop of plain NumPy too.
        nest: time NEST too, with one thread and with two, if it is installed.
        seconds: time that each measurement should take at least; the number of steps follows from it.
        repeats: differences of two runs, of which the median is reported.
        seed: of spikes and connections.

    Returns the columns implementation, target, synapses, steps, microseconds_a_step (median), fastest, slowest (of the
    same), synapse_steps_per_second, ratio_to_nest (to NEST's best of the same size).
    """
    check_seed(seed)
    refuse_few(repeats=repeats)
    for count in synapses:
        if count < FAN_IN:
            raise ValueError(f"{count} synapses make no neuron; use at least {FAN_IN}")
    refuse_unknown("form", forms, FORMS)
    refuse_unknown("code target", targets, TARGETS)
    timed: dict[tuple[str, str], Callable[[int, int, int], float]] = {
        (form, target): partial(standalone_seconds if target == "cpp_standalone" else runtime_seconds, form, target)
        for form, target in product(forms, targets)
    }
    if by_hand:
        timed["NumPy by hand", "numpy"] = hand_seconds
    if nest and find_spec("nest") is not None:
        timed |= {("NEST", counted(count, "thread")): partial(nest_seconds, count) for count in (1, 2)}
    cases = list(product(synapses, timed))
    taken = expected_seconds(cases, compare_forms(), seconds, repeats)
    say_how_long(taken, counted(len(cases), "case"), 2 if ("NEST", "2 threads") in timed else 1)
    rows = []
    for count, (name, target) in progress(cases, unit="case"):
        steps, several = measured(partial(timed[name, target], count), seed, seconds, repeats)
        spread = [1e6 * each for each in (median(several), min(several), max(several))]
        rows.append((name, target, count, steps, *spread, count / median(several)))
    columns = ["implementation", "target", "synapses", "steps", "microseconds_a_step", "fastest", "slowest"]
    frame = pd.DataFrame(rows, columns=[*columns, "synapse_steps_per_second"])
    best = frame[frame.implementation == "NEST"].groupby("synapses").synapse_steps_per_second.max()
    return frame.assign(ratio_to_nest=frame.synapse_steps_per_second / frame.synapses.map(best).astype(float))


def compare_forms() -> float:
    """Seconds to build and run a small network. ValueError unless both forms have the same calcium on the same spikes.

    The loop of NumPy and NEST draw spikes of their own and are not compared.
    """
    states, start = {}, time.perf_counter()
    for form in FORMS:
        with on_target("numpy"):
            brian2.seed(1)
            network = build(form, COMPARED, 0)
            network.run(500 * STEP * second, namespace={})
            states[form] = {name: np.array(getattr(network["astrocyte"], name)) for name in ("C", "I", "gamma_A")}
    for name, lumped in states["lumped"].items():
        refuse_different(f"{name} of the lumped and the general form", lumped, states["general"][name], TOLERANCE)
    return (time.perf_counter() - start) / len(FORMS)


def expected_seconds(
    cases: Sequence[tuple[int, tuple[str, str]]], building: float, seconds: float, repeats: int
) -> float:
    """Of all cases: each builds two networks to find a number of steps, then two for each repeat, and times them."""
    total = 0.0
    for count, (name, target) in cases:
        builds = 0.0 if name == "NumPy by hand" else BUILDING.get(target, 1.0) * building + 5e-6 * count
        total += (2 + 2 * repeats) * builds + (1 + 1.3 * repeats) * seconds + 1e-5 * count
    first = {(name, target) for _, (name, target) in cases if target == "cython"}  # which fill Cython's cache
    return total + 7 * building * len(first)


def measured(run: Callable[[int, int], float], seed: int, seconds: float, repeats: int = 1) -> tuple[int, list[float]]:
    """Steps of the longer of two runs, and seconds a step from their difference, so many times."""
    steps = 10
    short = run(steps, seed)
    while True:
        longer = 10 * steps
        taken = run(longer, seed)
        if taken - short > seconds or longer >= 10_000_000:
            pairs = [(short, taken), *((run(steps, seed), run(longer, seed)) for _ in range(repeats - 1))]
            return longer, [(second - first) / (longer - steps) for first, second in pairs]
        # as many as the time asked for needs, judged by this run, which may be far off: at most thirtyfold
        needed = 1.2 * seconds * (longer - steps) / max(taken - short, 1e-9) / 9
        steps = int(min(max(2 * steps, needed), 30 * steps))
        short = run(steps, seed)


def connections(count: int, seed: int) -> tuple[int, int, np.ndarray, np.ndarray]:
    """Presynaptic cells, neurons, and the source and the neuron of each synapse; FAN_IN random sources a neuron."""
    neurons = count // FAN_IN
    sources = max(FAN_IN, neurons)
    source = np.random.default_rng(seed).integers(sources, size=neurons * FAN_IN)
    return sources, neurons, source, np.repeat(np.arange(neurons), FAN_IN)


def build(form: str, count: int, seed: int) -> Network:
    """The network in one of the two forms, at rest; objects presynaptic, release, astrocyte, neuron."""
    sources, neurons, source, neuron = connections(count, seed)
    parameters = {"Y_floor": FLOOR, "WEIGHT": WEIGHT}
    for kind in (AstrocyteParameters, SynapseParameters, GliotransmissionParameters, ConductanceParameters):
        parameters |= kind()._asdict()
    lumped = form == "lumped"
    cell = CALCIUM + INOSITOL_TRISPHOSPHATE + RECEPTORS + GLIOTRANSMITTER + CONDUCTANCE
    cell += CLEFT + PRESYNAPTIC_RECEPTORS if lumped else HELD_CLEFT + "f_S : 1\n"
    presynaptic = PoissonGroup(sources, RATE * hertz, name="presynaptic")
    astrocyte = NeuronGroup(neurons, cell, namespace=parameters, method="rk4", name="astrocyte", **RELEASING)
    astrocyte.set_states({**INITIAL, "x_A": 1.0, "f_S": 1.0})
    into_neuron = "g_e_post += WEIGHT*r_S\n"
    if lumped:
        on_spike = MODULATED + RELEASE + INTO_CLEFT + into_neuron
        release = Synapses(
            presynaptic, astrocyte, RELEASE_SITE, on_pre=on_spike, namespace=parameters, method="exact", name="release"
        )
    else:
        release = separate_synapses(presynaptic, astrocyte, parameters, extra=into_neuron, name="release")
    release.connect(i=source, j=neuron)
    release.x_S = 1
    membrane = NeuronParameters()
    post = NeuronGroup(
        neurons, NEURON, namespace={**membrane._asdict(), **parameters}, method="rk4", name="neuron", **SPIKING
    )
    post.v = membrane.E_l
    post.g_e = linked_var(astrocyte, "g_e")
    return Network(presynaptic, astrocyte, release, post)


@contextmanager
def on_target(target: str) -> Iterator[None]:
    """Brian2 on a code target, at the step of this benchmark."""
    before = brian2.prefs.codegen.target
    brian2.prefs.codegen.target = target
    brian2.defaultclock.dt = STEP * second
    try:
        yield
    finally:
        brian2.prefs.codegen.target = before


def runtime_seconds(form: str, target: str, count: int, steps: int, seed: int) -> float:
    """Seconds of a run of so many synapses and steps in this process, after everything is built."""
    with on_target(target):
        brian2.seed(seed)
        network = build(form, count, seed)
        network.run(STEP * second, namespace={})  # code is generated here
        start = time.perf_counter()
        network.run(steps * STEP * second, namespace={})
        return time.perf_counter() - start


def standalone_seconds(form: str, target: str, count: int, steps: int, seed: int) -> float:
    """The same of a C++ program, after it is compiled."""
    flags = list(brian2.prefs.codegen.cpp.extra_link_args)
    with tempfile.TemporaryDirectory() as folder:
        brian2.prefs.codegen.cpp.extra_link_args = [*flags, "-ffast-math"]
        brian2.set_device(target, directory=folder, build_on_run=False)
        brian2.defaultclock.dt = STEP * second
        try:
            brian2.seed(seed)
            build(form, count, seed).run(steps * STEP * second, namespace={})
            brian2.device.build(run=False, directory=folder)
            start = time.perf_counter()
            subprocess.run(["./main"], cwd=folder, check=True, capture_output=True)
            return time.perf_counter() - start
        finally:
            brian2.device.reinit()
            reset_device()
            brian2.prefs.codegen.cpp.extra_link_args = flags


def nest_seconds(threads: int, count: int, steps: int, seed: int) -> float:
    """The same of NEST, in a process of its own, because it can be set up only once."""
    words = [sys.executable, "-m", "studies.benches.nest", *map(str, (count, steps, threads, seed + 1))]
    ended = subprocess.run(words, capture_output=True, text=True)
    if ended.returncode:
        raise ValueError(f"NEST failed ({ended.stderr.strip().splitlines()[-1:]}); leave it out with --nest false")
    return float(ended.stdout.split()[-1])


def draw(frame: pd.DataFrame) -> Figure:
    """Synapse-steps a second against the number of synapses."""
    with paper_style():
        figure, axes = plt.subplots(figsize=(7.2, 4))
        for (name, target), rows in frame.groupby(["implementation", "target"], sort=False):
            style = {"NEST": "s--", "NumPy by hand": "^:"}.get(str(name), "o-" if name == "lumped" else "o:")
            axes.plot(rows.synapses, rows.synapse_steps_per_second, style, lw=1, label=f"{name}, {target}")
        axes.set(xscale="log", yscale="log", xlabel="synapses", ylabel="synapse-steps a second")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def hand_seconds(count: int, steps: int, seed: int) -> float:
    """The general form as a loop of NumPy over whole arrays; micromolar and seconds, Euler's method."""
    sources, neurons, source, neuron = connections(count, seed)
    chance = np.random.default_rng(seed)
    a, s, g = (plain(kind()) for kind in (AstrocyteParameters, SynapseParameters, GliotransmissionParameters))
    m, conductance = (plain(kind()) for kind in (NeuronParameters, ConductanceParameters))
    u, x, cleft, bound = (np.full(len(source), value) for value in (0.0, 1.0, 0.0, 0.0))
    calcium, gate, ip3, receptors = (np.full(neurons, value) for value in (0.06, 0.79, 0.1, 0.0))
    vesicles, glio, voltage, input_ = np.ones(neurons), np.zeros(neurons), np.full(neurons, m["E_l"]), np.zeros(neurons)
    above, silent = np.zeros(neurons, bool), np.zeros(neurons)
    start = time.perf_counter()
    for _ in range(steps):
        fired = chance.random(sources) < RATE * STEP
        active = np.flatnonzero(fired[source])
        u *= 1 - s["Omega_f"] * STEP
        x += s["Omega_d"] * (1 - x) * STEP
        cleft *= 1 - s["Omega_c"] * STEP
        bound += (g["O_G"] * glio[neuron] * (1 - bound) - g["Omega_G"] * bound) * STEP
        efficacy = (1 - bound[active]) * s["U_0"] + g["alpha"] * bound[active]
        u[active] += efficacy * (1 - u[active])
        released = u[active] * x[active]
        x[active] -= released
        cleft[active] += s["rho_c"] * s["Y_T"] * released
        transmitter = np.bincount(neuron, cleft, neurons) / FAN_IN
        input_ += np.bincount(neuron[active], released, neurons) * float(WEIGHT)
        c2, c4 = calcium**2, calcium**4
        open_ = (ip3 / (ip3 + a["d_1"]) * calcium / (calcium + a["d_5"]) * gate) ** 3
        flux = (a["Omega_C"] * open_ + a["Omega_L"]) * (a["C_T"] - (1 + a["rho_A"]) * calcium)
        q = a["d_2"] * (ip3 + a["d_1"]) / (ip3 + a["d_3"])
        made = a["O_beta"] * receptors + a["O_delta"] / (1 + ip3 / a["kappa_delta"]) * c2 / (c2 + a["K_delta"] ** 2)
        broken = a["O_3K"] * c4 / (c4 + a["K_D"] ** 4) * ip3 / (ip3 + a["K_3K"]) + a["Omega_5P"] * ip3
        unbinding = a["Omega_N"] * (1 + a["zeta"] * calcium / (calcium + a["K_KC"]))
        receptors += (a["O_N"] * transmitter * (1 - receptors) - unbinding * receptors) * STEP
        calcium += (flux - a["O_P"] * c2 / (c2 + a["K_P"] ** 2)) * STEP
        gate += a["O_2"] * (q - (q + calcium) * gate) * STEP
        ip3 += (made - broken) * STEP
        vesicles += g["Omega_A"] * (1 - vesicles) * STEP
        glio *= 1 - g["Omega_e"] * STEP
        crossing = (calcium > g["C_Theta"]) & ~above
        above = calcium > g["C_Theta"]
        glio[crossing] += g["rho_e"] * g["G_T"] * g["U_A"] * vesicles[crossing]
        vesicles[crossing] *= 1 - g["U_A"]
        input_ *= 1 - STEP / conductance["tau_e"]
        silent -= STEP
        current = m["g_l"] * (m["E_l"] - voltage) + input_ * (conductance["E_e"] - voltage) + m["I_ex"]
        voltage += np.where(silent > 0, 0, current / m["C_m"] * STEP)
        spiking = voltage > m["V_th"]
        voltage[spiking], silent[spiking] = m["V_r"], m["tau_r"]
    return time.perf_counter() - start


def plain(parameters: NamedTuple) -> dict[str, float]:
    """Parameters as numbers in SI units, but 1000 for 1 mmolar, which is Brian2's SI unit of concentration."""
    return {
        name: float(value) * 1000.0 ** get_dimensions(value).get_dimension("mol")
        for name, value in parameters._asdict().items()
    }
