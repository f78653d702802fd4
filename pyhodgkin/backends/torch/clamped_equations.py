"""Rates of gates and ionic currents at known voltages, by torch operations or by compiled code."""

from __future__ import annotations

from typing import Protocol as Interface

import numpy as np
from torch import Tensor

from ...neuron.neuron import Neuron
from ..base import SolveOptions
from .compiled import tables_for
from .compiled_clamped import current, rates
from .system import ConductanceSystem


class Equations(Interface):
    """Those of K parameter sets, differentiable by them."""

    system: ConductanceSystem
    sets: int

    def rates(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """Opening rate and sum of both rates of each gate at `v` (n,), (G, K, n) each."""
        ...

    def current(self, v: Tensor, x: Tensor, conducts: bool) -> tuple[Tensor, Tensor | None]:
        """The ionic current (K, T) at `v` (T,) and gates (G, K, T); the conductance if asked."""
        ...


class EagerEquations:
    """Those of `theta` (K, P) in torch operations."""

    def __init__(self, system: ConductanceSystem, theta: Tensor) -> None:
        self.system, self.sets, self.p = system, len(theta), system.unpack(theta)

    def rates(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """See `Equations.rates`."""
        nodes = v.expand(self.sets, -1)
        found = self.system.gates.rates(nodes, self.p, self.system.gates.leaves(nodes, self.p))
        return found.a, found.s

    def current(self, v: Tensor, x: Tensor, conducts: bool) -> tuple[Tensor, Tensor | None]:
        """See `Equations.current`."""
        system, p, v = self.system, self.p, v.expand(self.sets, -1)
        bank = system.gates
        instant = bank.instant(bank.leaves(v, p)) if bank.instantaneous else []
        total, conductance = system.conductances.totals(v, x, instant, p)
        if system.unknown:
            total = total + system.unknown.total(v, x, instant, p)
        return total, conductance


class CompiledEquations:
    """Those of `theta` (K, P) in compiled code, but for the conductance."""

    def __init__(self, neuron: Neuron, system: ConductanceSystem, theta: Tensor) -> None:
        from ..compiled.local import Points

        self.system, self.sets, self.theta = system, len(theta), theta
        self.points = Points(neuron.tables)
        names = neuron.states[1:]
        self.order = np.array([names.index(name) for name in system.states[1:]], dtype=np.intp)

    def rates(self, v: Tensor) -> tuple[Tensor, Tensor]:
        """See `Equations.rates`."""
        return rates(self.points, self.order, self.theta, v)

    def current(self, v: Tensor, x: Tensor, conducts: bool) -> tuple[Tensor, Tensor | None]:
        """See `Equations.current`."""
        if conducts:
            return EagerEquations(self.system, self.theta).current(v, x, True)
        return current(self.points, self.order, self.theta, x, v), None


def equations_of(
    neuron: Neuron, system: ConductanceSystem, theta: Tensor, options: SolveOptions
) -> Equations:
    """Those of a neuron at `theta` (K, P), compiled where that can be."""
    if options.dtype == "float64" and tables_for(neuron, options):
        return CompiledEquations(neuron, system, theta)
    return EagerEquations(system, theta)
