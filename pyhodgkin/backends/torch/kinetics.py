"""Gate kinetics on tensors: dx/dt = a(v) - s(v)·x for every gate at once.

a is the opening rate alpha, s the sum alpha + beta (so x_inf = a/s, tau = 1/s). Gates of the
same kind are evaluated together; `GateBank.order` says which gate of the neuron each row is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ...neuron.gates import Gate
from ...neuron.kinetics import NeuralKinetics
from ...neuron.neuron import Neuron
from .arrays import Constants, of
from .curve_gates import curve_gates, is_simple
from .curves import CurveProgram, LeafTable
from .neural_forms import FreeGates, NeuralGates

Params = dict[str, Tensor]


@dataclass
class GateRates:
    """Rates (G, K, Q) of the bounded gates, and their slopes when asked for."""

    a: Tensor
    s: Tensor
    da: Tensor | None = None
    ds: Tensor | None = None


class GateBank:
    """All gates of a neuron, grouped by kind.

    `order` lists the gates with a state in the order of the rows, first the bounded and then
    the free ones; `instantaneous` the gates without.
    """

    def __init__(self, neuron: Neuron) -> None:
        located = list(_located(neuron))
        starts = {entry.name: entry.start for entry in neuron.layout}
        curves = [
            (f"{path}.{role}", curve, starts)
            for path, gate in located
            for role, curve in gate.kinetics.curves().items()
        ]
        self.table = LeafTable(curves)
        programs = {key: CurveProgram(key, curve, self.table) for key, curve, _ in curves}
        simple, composed, neural, free, fixed = [], [], [], [], []
        for path, gate in located:
            kinetics = gate.kinetics
            if isinstance(kinetics, NeuralKinetics):
                (neural if kinetics.is_linear else free).append((path, gate))
            elif kinetics.kind == "instantaneous":
                fixed.append((path, gate))
            elif is_simple(path, gate, programs):
                simple.append((path, gate))
            else:
                composed.append((path, gate))
        groups = [curve_gates(members, programs) for members in (simple, composed)]
        self.curved = [group for group in groups if group is not None]
        self.neural = [
            NeuralGates(f"net{i}", group, starts, programs)
            for i, group in enumerate(_by_shape(neural))
        ]
        self.free = [
            FreeGates(f"free{i}", group, starts, neuron.temperature)
            for i, group in enumerate(_by_shape(free))
        ]
        self.instantaneous = [gate.name for _, gate in fixed]
        self._instant = [programs[f"{path}.x_inf"] for path, _ in fixed]
        groups = [simple, composed, *(g.members for g in self.neural)]
        bounded = [gate for group in groups for _, gate in group]
        freed = [gate for group in self.free for _, gate in group.members]
        self.n_bounded = len(bounded)
        self.order = [gate.name for gate in (*bounded, *freed)]
        factors = [gate.rate_factor(neuron.temperature) for gate in bounded]
        self.q10 = None
        if any(f != 1.0 for f in factors):
            self.q10 = Constants()
            self.q10["q10"] = np.reshape(factors, (-1, 1, 1))

    def unpack(self, theta: Tensor) -> Params:
        """Everything the gates need, from `theta` (K, P)."""
        p: Params = self.table.unpack(theta) if len(self.table) else {}
        for group in (*self.neural, *self.free):
            p.update(group.unpack(theta))
        return p

    def leaves(self, v: Tensor, p: Params) -> Tensor:
        """Values of all rate laws at `v` (K, Q)."""
        return self.table.values(v, p) if len(self.table) else of(v).full((0, *v.shape), 0.0, v)

    def rates(self, v: Tensor, p: Params, values: Tensor) -> GateRates:
        """Rates of the bounded gates at `v` (K, Q); `values` are the leaves there."""
        parts = [group(values) for group in self.curved]
        parts += [group(v, p, values) for group in self.neural]
        return GateRates(*self._joined(parts, v))

    def rates_and_slopes(self, v: Tensor, p: Params, values: Tensor, slopes: Tensor) -> GateRates:
        """As `rates`, with the derivatives with respect to v."""
        parts = [group.with_slopes(values, slopes) for group in self.curved]
        parts += [group.with_slopes(v, p, values, slopes) for group in self.neural]
        return GateRates(*self._joined(parts, v, 4))

    def instant(self, values: Tensor) -> list[Tensor]:
        """Values (K, Q) of the instantaneous gates."""
        return [program.value(values) for program in self._instant]

    def instant_and_slopes(self, values: Tensor, slopes: Tensor) -> list[tuple[Tensor, Tensor]]:
        """As `instant`, with the derivatives with respect to v."""
        return [program.value_and_slope(values, slopes) for program in self._instant]

    def steady_state(self, v: Tensor, p: Params) -> Tensor:
        """Steady states (G, K, Q) at `v`; a free gate has none and starts at 1/2."""
        rates = self.rates(v, p, self.leaves(v, p))
        x = rates.a / rates.s
        n_free = len(self.order) - self.n_bounded
        xp = of(v)
        return xp.cat([x, xp.full((n_free, *v.shape), 0.5, v)]) if n_free else x

    def _joined(self, parts: Sequence[tuple[Tensor, ...]], v: Tensor, n: int = 2) -> list[Tensor]:
        if not parts:
            return [of(v).full((0, *v.shape), 0.0, v) for _ in range(n)]
        joined = (
            list(parts[0]) if len(parts) == 1 else [of(v).cat(x) for x in zip(*parts, strict=True)]
        )
        if self.q10 is not None:
            q10 = self.q10.like(v)["q10"]
            joined = [x * q10 for x in joined]
        return joined


def _located(neuron: Neuron) -> Iterator[tuple[str, Gate]]:
    for channel in neuron.channels:
        for gate in channel.gates:
            yield f"{channel.name}.{gate.name}", gate


def _by_shape(members: list[tuple[str, Gate]]) -> list[list[tuple[str, Gate]]]:
    groups: dict[tuple, list[tuple[str, Gate]]] = {}
    for path, gate in members:
        kinetics = gate.kinetics
        assert isinstance(kinetics, NeuralKinetics)
        key = (
            kinetics.form,
            kinetics.network.layers,
            kinetics.network.activation,
            kinetics.tau_max is None,
        )
        groups.setdefault(key, []).append((path, gate))
    return list(groups.values())
