"""Many copies of a network in one: a whole parameter study as a single vectorised simulation.

Brian2 spends about a third of a millisecond a step however few cells there are, so a hundred small networks cost
hardly more than one if they are steps of the same arrays. Copies do not touch each other. A parameter that is the
same in all copies stays a constant of the equations; one that differs becomes a constant *of each cell or synapse*.
Every copy draws its chance events from its own seed, so it does not matter which copies share a simulation.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from brian2 import Clock, NeuronGroup, Quantity, SpikeGeneratorGroup, Synapses, get_dimensions, second
from numpy.typing import ArrayLike, NDArray

from biophys.simulation.parameters import Values
from biophys.simulation.stimulus import SpikeTrains

BASE_UNITS = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")


class Copies:
    """What a network is built from: parameter values, seeds, and the time step shared by all copies.

    values: by section and name; a scalar (the same in every copy) or a Quantity or array of one value a copy.
    seeds: one a copy. step and seconds are given as quantities of time, and kept as numbers in s.
    """

    def __init__(self, values: Values, seeds: Sequence[int], *, step: Quantity, seconds: Quantity) -> None:
        self.values, self.seeds, self.clock = values, list(seeds), Clock(step, name="steps")
        self.step, self.seconds = float(step / second), float(seconds / second)

    @property
    def count(self) -> int:
        """How many copies there are."""
        return len(self.seeds)

    def each(self, section: str, name: str) -> Any:
        """One parameter as an array with a value for each copy."""
        value = self.values[section][name]
        return value if np.ndim(value) else np.repeat(value, self.count)

    def of(self, copy: int, section: str) -> Any:
        """Parameters of one copy by their names, `copies.of(0, "stimulus").rate`, as plain numbers in SI base units."""
        fields = of_copy(self.values, copy)[section].items()
        return SimpleNamespace(**{name: value if isinstance(value, int) else float(value) for name, value in fields})

    def chance(self, copy: int, stream: str) -> np.random.Generator:
        """Random numbers of one copy for one purpose; they depend on the copy's seed and the name alone."""
        return np.random.default_rng([self.seeds[copy], *stream.encode()])

    def neurons(self, cells: int, equations: str, sections: Sequence[str], *, name: str, **options: Any) -> NeuronGroup:
        """A group of `cells` neurons (or astrocytes) a copy; copy c holds the cells c·cells .. (c+1)·cells-1.

        sections: whose parameters the equations, the threshold and the reset use.
        options: of brian2.NeuronGroup; `namespace` adds to the parameters.
        """
        declared, shared, own = self._split(sections, options.pop("namespace", {}))
        options.setdefault("clock", self.clock)
        group = NeuronGroup(self.count * cells, equations + declared, namespace=shared, name=name, **options)
        for parameter, values in own.items():
            setattr(group, parameter, np.repeat(values, cells))
        return group

    def synapses(
        self,
        source: Any,
        target: Any,
        equations: str,
        sections: Sequence[str],
        *,
        pairs: tuple[ArrayLike, ArrayLike] | Callable[[int], tuple[ArrayLike, ArrayLike]],
        name: str,
        **options: Any,
    ) -> Synapses:
        """Synapses between cells of the same copy.

        pairs: numbers of source and target cell of each synapse within one copy, or one number for all; a function of
            the copy's number if they differ from copy to copy.
        options: of brian2.Synapses; `namespace` adds to the parameters.
        """
        # a cell's own value is seen by its incoming synapses under the same name
        declared, shared, own = self._split(sections, options.pop("namespace", {}), known=target.variables)
        options.setdefault("clock", self.clock)
        group = Synapses(source, target, equations + declared, namespace=shared, name=name, **options)
        sources, targets, copies = [], [], []
        for copy in range(self.count):
            i, j = np.broadcast_arrays(*(np.atleast_1d(cells) for cells in (pairs(copy) if callable(pairs) else pairs)))
            sources.append(i + copy * (len(source) // self.count))
            targets.append(j + copy * (len(target) // self.count))
            copies.append(np.full(len(i), copy))
        if not sum(map(len, sources)):  # cells that nothing joins
            group.connect(condition="False", skip_if_invalid=True)
            return group
        group.connect(i=np.concatenate(sources), j=np.concatenate(targets))
        for parameter, values in own.items():
            setattr(group, parameter, values[np.concatenate(copies)])
        return group

    def spikes(self, trains: Callable[[int], SpikeTrains], *, name: str) -> SpikeGeneratorGroup:
        """Cells that fire as `trains(copy)` says; every copy has as many."""
        each = [trains(copy) for copy in range(self.count)]
        cells = np.concatenate([train.cell + copy * train.cells for copy, train in enumerate(each)])
        times = np.concatenate([train.time for train in each]) * second
        return SpikeGeneratorGroup(self.count * each[0].cells, cells, times, clock=self.clock, name=name)

    def _split(
        self, sections: Sequence[str], extra: Mapping[str, Any], known: Container[str] = ()
    ) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """Declarations of the parameters that differ between copies, those shared, and the values of the former."""
        shared: dict[str, Any] = dict(extra)
        own: dict[str, Any] = {}
        for section in sections:
            for name, value in self.values[section].items():
                if not np.ndim(value):
                    shared[name] = value
                elif name not in known:
                    own[name] = value
        declared = "".join(f"\n{name} : {unit_expression(value)} (constant)" for name, value in own.items())
        return declared, shared, own


def of_copy(values: Values, copy: int) -> dict[str, dict[str, Any]]:
    """The values of one copy, all of them scalars."""
    return {
        section: {name: value[copy] if np.ndim(value) else value for name, value in fields.items()}
        for section, fields in values.items()
    }


def unit_expression(value: Any) -> str:
    """The unit of `value` as Brian2's equations read it, in SI base units: "metre**-3*mole"."""
    powers: NDArray = np.asarray(get_dimensions(value)._dims)
    factors = [f"{unit}**{power:g}" for unit, power in zip(BASE_UNITS, powers, strict=True) if power]
    return "*".join(factors) or "1"
