"""An attention layer as a network of neurons, plastic synapses and astrocytes, run token by token.

The three layers of Mia, Bal and Sengupta (IEEE TCDS 2025, Eqs. 8-17; Kozachkov, Kastanenka and Krotov, PNAS
120:e2219150120, 2023). Each head is a circuit of its own: hidden neurons with an astrocytic process each, output
neurons, and plastic synapses between the two. All heads share the input neurons, whose activity f is the token that is
presented. Neurons follow what they receive with one time constant:

    writing   tau dh/dt = -h + phi(W_K f) + w,   tau dl/dt = -l + W_V f,   m T_w dH/dt = h l,   T_w dg/dt = h,
    rest      calcium c of each process answers the mean activity x = g/n of its neuron (process_calcium.py),
    reading   tau dh/dt = -h + phi(W_Q f),       tau dl/dt = -l + P sum_i h_i H_ij,   P = 1/C,   C = sum_i h_i n c_i/m,

with phi(s) = elu(s) + 1, w the astrocyte's drive of the position, and n the number of tokens stored (T_w dn/dt = 1).
Each token is presented for the time T, first to be written, then as a query; for T >> tau, l at the end of a query's
presentation is its attention.

Short of that limit, what is left of the presentation before decays as exp(-t/tau). Were synapses plastic all the time,
every change of token would leave an error of order tau/T in H, which does not decay exponentially. A global signal
therefore lets synapses and processes learn in the last part T_w of a presentation only, after the wait T - T_w (such
windows are physiological: acetylcholine and the theta rhythm gate plasticity). With h = h_t + a exp(-t/tau), l = l_t +
b exp(-t/tau), a and b being the steps from what the neurons held before, and E(k) = exp(-k (T - T_w)/tau) - exp(-k
T/tau),

    m dH_t = h_t l_t + (tau/T_w) ((a l_t + h_t b) E(1) + a b E(2)/2).

Writing thus errs by (tau/T_w) exp(-(T - T_w)/tau) of the steps, and reading, where l follows h, by (1 + T/tau)
exp(-T/tau): `settling_error` is their sum. Nothing that has settled depends on the time step.

The neurons are those of biophys/circuits/rate_circuit.py or biophys/circuits/spiking_circuit.py.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from brian2 import Clock, Network, NetworkOperation, NeuronGroup, Quantity, Synapses, linked_var, second
from numpy.typing import NDArray

from biophys.circuits.process_calcium import Calcium
from biophys.circuits.time_grid import whole_steps
from biophys.simulation.simulate import code_target, set_chance


class Layer(NamedTuple):
    """Strengths of the fixed synapses, from every input neuron to every neuron of every head.

    key, query: (inputs, heads, hidden); value: (inputs, heads, outputs).
    """

    key: NDArray
    query: NDArray
    value: NDArray


class Stimulus(NamedTuple):
    """What is shown to one set of heads. tokens: (tokens, inputs); drive by the astrocyte: (tokens, heads, hidden)."""

    tokens: NDArray
    drive: NDArray


class Attended(NamedTuple):
    """outputs: one array (tokens, heads, outputs) a stimulus; weight H: (stimuli, heads, hidden, outputs); activity x
    and calcium c: (stimuli, heads, hidden); synapse_steps: how often a synapse was computed.
    """

    outputs: list[NDArray]
    weight: NDArray
    activity: NDArray
    calcium: NDArray
    synapse_steps: int


class Shape(NamedTuple):
    """Cells lie stimulus by stimulus, and in a stimulus head by head; a circuit is one head of one stimulus."""

    stimuli: int
    heads: int
    inputs: int
    hidden: int
    outputs: int

    @property
    def circuits(self) -> int:
        return self.stimuli * self.heads


class Parts(NamedTuple):
    """The Brian2 objects of neurons and synapses, and what the phases need of them."""

    objects: Sequence[Any]
    storing: Sequence[NeuronGroup]  # groups with the shared switch `storing`, 1 while writing
    only_writing: Sequence[Any]
    only_reading: Sequence[Any]
    presentations: Clock
    process: NeuronGroup
    plastic: Synapses
    present: Callable[[NDArray, NDArray, NDArray], None]  # activities of input neurons, drives, whether one is shown
    answer: Callable[[], NDArray]  # of all output neurons to the presentation that ends
    synapse_steps: Callable[[int], int]  # computed in so many presentations of each phase


class Neurons(Protocol):
    """Times T of a presentation, tau of a neuron, window (share of T for learning) and dt, and how to build."""

    @property
    def T(self) -> Quantity: ...
    @property
    def tau(self) -> Quantity: ...
    @property
    def window(self) -> float: ...
    @property
    def dt(self) -> Quantity: ...

    def build(self, layer: Layer, shape: Shape, calcium: Calcium, learning: "Learning") -> Parts: ...


class Learning(NamedTuple):
    """Clocks of steps and of presentations, and the steps of a presentation: all, and the last ones, for learning."""

    steps: Clock
    presentations: Clock
    all: int
    last: int

    @property
    def namespace(self) -> dict[str, Any]:
        """T_w and what `LATE` needs."""
        return {"T_w": self.last * self.steps.dt, "row_steps": self.all, "waiting_steps": self.all - self.last}


# only calcium above a floor is inverted: after silence, the first query would meet 1/C without bound
SCALING = """
P = reading*int(C > 1e-9)/(C + int(C <= 1e-9)) : 1  # scaling of the synapses
"""
LATE = "int(timestep(t, dt) % row_steps >= waiting_steps)"  # 1 in the window for learning


def settling_error(neurons: Neurons) -> float:
    """What is left of the presentation before, as a share of the steps between the two: writing and reading."""
    held = float(neurons.T / neurons.tau)
    writing = np.exp(-held * (1 - neurons.window)) / (held * neurons.window)
    return float(writing + (1 + held) * np.exp(-held))


def settling_time(neurons: Neurons, left: float = 0.01) -> Quantity:
    """The shortest presentation after whose wait no more than `left` is left of a step."""
    return -np.log(left) * neurons.tau / (1 - neurons.window)


def attend(
    layer: Layer,
    stimuli: Sequence[Stimulus],
    neurons: Neurons,
    calcium: Calcium,
    *,
    seed: int = 0,
    target: str = "numpy",
    progress: Callable[[int], Any] = lambda presentations: None,
) -> Attended:
    """All tokens of each stimulus are written, the circuits rest, then each token is a query.

    seed: of spikes. target: numpy or cython. progress: called with the number of tokens that are presented next.
    ValueError in one sentence if T is no whole number of steps.
    """
    all_steps = int(whole_steps(float(neurons.T / second), float(neurons.dt / second), "presentation"))
    last = max(1, round(neurons.window * all_steps))
    (inputs, heads, hidden), outputs = layer.key.shape, layer.value.shape[2]
    shape = Shape(len(stimuli), heads, inputs, hidden, outputs)
    with code_target(target):
        set_chance(seed)
        learning = Learning(Clock(neurons.dt, name="steps"), Clock(neurons.T, name="presentations"), all_steps, last)
        parts = neurons.build(layer, shape, calcium, learning)
        return run_phases(parts, stimuli, shape, neurons, calcium, progress)


def run_phases(
    parts: Parts,
    stimuli: Sequence[Stimulus],
    shape: Shape,
    neurons: Neurons,
    calcium: Calcium,
    progress: Callable[[int], Any],
) -> Attended:
    """Writes, rests and reads; objects that have nothing to do in a phase stand still."""
    rows = max(len(stimulus.tokens) for stimulus in stimuli)
    shown = Presented(parts, stimuli, shape, progress)
    show = NetworkOperation(shown.next, clock=parts.presentations, when="start")
    network = Network(*parts.objects, parts.process, show)
    rest = np.ceil(float(calcium.rest(neurons.T / neurons.tau) / neurons.T) - 1e-9)  # in presentations
    phases = (
        (1, rows, [parts.process, *parts.only_reading]),
        (0, rest, [*parts.objects, show]),
        (0, rows, [parts.process, *parts.only_writing]),
    )
    for storing, presentations, silent in phases:
        for part in network.objects:
            part.active = True
        for part in silent:
            part.active = False
        for group in parts.storing:
            group.storing = storing
        if parts.process.active:
            calcium.begin(parts.process)
        shown.row = 0
        network.run(presentations * neurons.T, namespace={})
    shown.keep()
    if not np.isfinite(shown.answers).all():
        raise ValueError(f"activities of the circuit are not numbers at a step of {neurons.dt}; use a shorter one")
    cells = (shape.stimuli, shape.heads, shape.hidden)
    return Attended(
        outputs=[shown.answers[: len(stimulus.tokens), number] for number, stimulus in enumerate(stimuli)],
        weight=np.array(parts.plastic.H).reshape(*cells, shape.outputs),
        activity=np.array(parts.process.x).reshape(cells),
        calcium=np.array(parts.process.c).reshape(cells),
        synapse_steps=parts.synapse_steps(rows),
    )


class Presented:
    """Presents row after row of the stimuli, nothing where one has ended, and keeps the answers of a phase."""

    def __init__(self, parts: Parts, stimuli: Sequence[Stimulus], shape: Shape, progress: Callable[[int], Any]) -> None:
        self.parts, self.stimuli, self.shape, self.progress = parts, stimuli, shape, progress
        self.silence = Stimulus(np.zeros_like(stimuli[0].tokens[:1]), np.zeros_like(stimuli[0].drive[:1]))
        rows = max(len(stimulus.tokens) for stimulus in stimuli)
        self.row, self.answers = 0, np.zeros((rows, shape.stimuli, shape.heads, shape.outputs))

    def next(self) -> None:
        if self.row:
            self.keep()
        there = np.array([self.row < len(stimulus.tokens) for stimulus in self.stimuli])
        shown = [stimulus if here else self.silence for stimulus, here in zip(self.stimuli, there, strict=True)]
        row = np.where(there, self.row, 0)
        tokens = np.concatenate([stimulus.tokens[k] for stimulus, k in zip(shown, row, strict=True)])
        drives = np.concatenate([stimulus.drive[k].ravel() for stimulus, k in zip(shown, row, strict=True)])
        self.parts.present(tokens, drives, np.repeat(there, self.shape.heads * self.shape.hidden))
        self.progress(int(there.sum()))
        self.row += 1

    def keep(self) -> None:
        self.answers[self.row - 1] = self.parts.answer().reshape(self.answers.shape[1:])


def link(process: NeuronGroup, hidden: NeuronGroup, output: NeuronGroup, astrocyte: NeuronGroup) -> None:
    """What a process and its neuron hear of each other, and all output neurons of a circuit of its astrocyte."""
    hidden.c = linked_var(process, "c")
    process.g, process.n = linked_var(hidden, "g"), linked_var(hidden, "n")
    output.P = linked_var(astrocyte, "P", index=np.arange(len(output)) // (len(output) // len(astrocyte)))


def joined(source: NeuronGroup, target: NeuronGroup, equations: str, blocks: int, **options: Any) -> Synapses:
    """Synapses of every source with every target of its block (a stimulus or a circuit), sorted by block and source."""
    synapses = Synapses(source, target, equations, **options)
    sources, targets = len(source) // blocks, len(target) // blocks
    block, i, j = np.indices((blocks, sources, targets)).reshape(3, -1)
    synapses.connect(i=block * sources + i, j=block * targets + j)
    return synapses


def set_strengths(layer: Layer, stimuli: int, key_and_query: Synapses, value: Synapses) -> None:
    """Those of the fixed synapses, from every input neuron, are the same for all stimuli."""
    key_and_query.key, key_and_query.query, value.value = (
        np.tile(strengths.ravel(), stimuli) for strengths in (layer.key, layer.query, layer.value)
    )
