"""The right-hand side of a neuron on tensors, and its Jacobian.

The state is (S, K, Q): v first and then the gates in the engine's own order (`order`), for K
parameter sets with Q cells, protocols or steps each. `u` (K, Q) is the stimulus current, or
under voltage clamp the slope of the command: the voltage is then a state with a known
derivative, and nothing else changes.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...neuron.channels import Channel, NeuralCurrent
from ...neuron.neuron import Neuron
from .arrays import Constants, of, phi1
from .arrowhead import Arrowhead, Dense, Jacobian
from .currents import ConductanceBank, NeuralCurrents
from .kinetics import GateBank, Params
from .networks import NetworkInput, NetworkStack
from .program import ProgramSystem


class ConductanceSystem:
    """A conductance-based neuron: c_m dv/dt = u - Σ i, dx/dt = a(v) - s(v) x."""

    small = ()

    def __init__(self, neuron: Neuron, clamped: bool = False) -> None:
        self.clamped = clamped
        self.gates = GateBank(neuron)
        self.states = ("v", *self.gates.order)
        starts = {entry.name: entry.start for entry in neuron.layout}
        rows = {name: i for i, name in enumerate([*self.gates.order, *self.gates.instantaneous])}
        self.conductances = ConductanceBank(
            [c for c in neuron.channels if isinstance(c, Channel)],
            rows,
            len(self.gates.order),
            starts,
        )
        self.unknown = NeuralCurrents(
            [c for c in neuron.channels if isinstance(c, NeuralCurrent)], rows, starts
        )
        self.c_m = starts["c_m"]
        to_public = [self.states.index(name) for name in neuron.states]
        self.to_public = torch.tensor(to_public)
        self.from_public = torch.argsort(self.to_public)
        self.n_bounded = self.gates.n_bounded

    def unpack(self, theta: Tensor) -> Params:
        """All parameters as tensors that broadcast over (·, K, Q), from `theta` (K, P)."""
        p = self.gates.unpack(theta)
        p["inverse_c"] = 1.0 / theta[:, self.c_m].unsqueeze(-1)
        p.update(self.conductances.unpack(theta))
        p.update(self.unknown.unpack(theta))
        return p

    def rhs(self, y: Tensor, u: Tensor, p: Params) -> Tensor:
        """dy/dt (S, K, Q)."""
        v, x = y[0], y[1:]
        values = self.gates.leaves(v, p)
        dx = self._gate_rates(v, x, p, values)
        if self.clamped:
            dv = u
        else:
            instant = self.gates.instant(values)
            total = self.conductances.total(v, x, instant, p)
            if self.unknown:
                total = total + self.unknown.total(v, x, instant, p)
            dv = (u - total) * p["inverse_c"]
        return of(y).cat([dv[None], dx])

    def _gate_rates(self, v: Tensor, x: Tensor, p: Params, values: Tensor) -> Tensor:
        bank = self.gates
        rates = bank.rates(v, p, values)
        if not bank.free:
            return rates.a - rates.s * x
        parts = [rates.a - rates.s * x[: bank.n_bounded]]
        place = bank.n_bounded
        for group in bank.free:
            n = group.stack.count
            parts.append(group(v, x[place : place + n], p))
            place += n
        return of(v).cat(parts)

    def linearize(self, y: Tensor, u: Tensor, p: Params) -> tuple[Tensor, Jacobian]:
        """dy/dt and its Jacobian at `y`."""
        v, x = y[0], y[1:]
        bank = self.gates
        if len(bank.table):
            values, slopes = bank.table.values_and_slopes(v, p)
        else:
            values = slopes = bank.leaves(v, p)
        dx, column, diagonal = self._linear_gates(v, x, p, values, slopes)
        if self.clamped:
            dy = of(y).cat([u[None], dx])
            return dy, Arrowhead(of(y).zeros_like(v), of(y).zeros_like(dx), column, diagonal)
        instant = bank.instant_and_slopes(values, slopes)
        total, di_dv = self.conductances.linear_in_v(v, x, instant, p)
        di_dx = self.conductances.by_state(v, x, instant, p)
        if self.unknown:
            other, other_dv, other_dx = self.unknown.linear(v, x, instant, p)
            total, di_dv, di_dx = total + other, di_dv + other_dv, di_dx + other_dx
        inverse_c = p["inverse_c"]
        dv = (u - total) * inverse_c
        jacobian = Arrowhead(-di_dv * inverse_c, -di_dx * inverse_c, column, diagonal)
        return of(y).cat([dv[None], dx]), jacobian

    def _linear_gates(
        self, v: Tensor, x: Tensor, p: Params, values: Tensor, slopes: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        bank = self.gates
        rates = bank.rates_and_slopes(v, p, values, slopes)
        assert rates.da is not None and rates.ds is not None
        xb = x[: bank.n_bounded]
        parts = [
            (
                rates.a - rates.s * xb,
                rates.da - rates.ds * xb,
                -rates.s,
            )
        ]
        place = bank.n_bounded
        for group in bank.free:
            n = group.stack.count
            parts.append(group.with_slopes(v, x[place : place + n], p))
            place += n
        if len(parts) == 1:
            return parts[0]
        dx, column, diagonal = (of(v).cat(part) for part in zip(*parts, strict=True))
        return dx, column, diagonal

    def stimulus_slope(self, y: Tensor, u: Tensor, du: Tensor, p: Params) -> Tensor:
        """Derivative (S, K, Q) of the right-hand side along a change `du` of the stimulus."""
        first = du if self.clamped else du * p["inverse_c"]
        return of(y).cat([first[None], of(y).zeros_like(y[1:])])

    def relax_gates(self, v: Tensor, x: Tensor, h: Tensor, p: Params) -> Tensor:
        """The gates (G, K, Q) after `h` at a held voltage: exact for the bounded ones."""
        bank = self.gates
        values = bank.leaves(v, p)
        rates = bank.rates(v, p, values)
        decay = of(v).exp(-h * rates.s)
        x_inf = rates.a / rates.s
        parts = [x_inf + (x[: bank.n_bounded] - x_inf) * decay]
        place = bank.n_bounded
        for group in bank.free:
            own = x[place : place + group.stack.count]
            middle = own + 0.5 * h * group(v, own, p)
            parts.append(own + h * group(v, middle, p))
            place += group.stack.count
        return of(v).cat(parts) if len(parts) > 1 else parts[0]

    def relax_voltage(self, v: Tensor, x: Tensor, u: Tensor, h: Tensor, p: Params) -> Tensor:
        """The voltage after `h` with the gates held: exponential, second order."""
        values, slopes = (
            self.gates.table.values_and_slopes(v, p) if len(self.gates.table) else (v, v)
        )
        y = of(v).cat([v[None], x])
        f, slope = self._voltage_equation(y, u, p, values, slopes)
        return v + h * f * phi1(h * slope)

    def _voltage_equation(
        self, y: Tensor, u: Tensor, p: Params, values: Tensor, slopes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """dv/dt and its derivative with respect to v, the gates held."""
        instant = self.gates.instant_and_slopes(values, slopes)
        total, slope = self.conductances.linear_in_v(y[0], y[1:], instant, p)
        if self.unknown:
            other, other_slope, _ = self.unknown.linear(y[0], y[1:], instant, p)
            total, slope = total + other, slope + other_slope
        return (u - total) * p["inverse_c"], -slope * p["inverse_c"]

    def steady_state(self, v: Tensor, p: Params) -> Tensor:
        """State (S, K, Q) at `v` (K, Q) with every gate at its steady state."""
        return of(v).cat([v[None], self.gates.steady_state(v, p)])

    def networks(self, y: Tensor, u: Tensor, p: Params) -> list[NetworkInput]:
        """The networks in it, and what they see at `y`."""
        v, x = y[0], y[1:]
        bank, place = self.gates, self.gates.n_bounded
        out = [NetworkInput(g.stack, g.input(v)[0]) for g in bank.neural]
        for group in bank.free:
            own = x[place : place + group.stack.count]
            out.append(NetworkInput(group.stack, group.inputs(v, own)))
            place += group.stack.count
        if self.unknown:
            instant = bank.instant(bank.leaves(v, p))
            out += [NetworkInput(*seen) for seen in self.unknown.seen(v, x, instant)]
        return out

    def ionic_current(self, y: Tensor, p: Params) -> Tensor:
        """Sum of the ionic currents (K, Q)."""
        values = self.gates.leaves(y[0], p)
        instant = self.gates.instant(values)
        total = self.conductances.total(y[0], y[1:], instant, p)
        return total + self.unknown.total(y[0], y[1:], instant, p) if self.unknown else total


class BlackBoxSystem:
    """The whole right-hand side as one network; see `NeuralRightHandSide`."""

    small = ()

    def __init__(self, neuron: Neuron, clamped: bool = False) -> None:
        box = neuron.right_hand_side
        assert box is not None
        if clamped and box.sees_stimulus:
            raise InputError(
                f'neuron "{neuron.name}": a NeuralRightHandSide that sees the stimulus needs a '
                "CurrentClamp: under a VoltageClamp the injected current is not known"
            )
        self.clamped = clamped
        self.states = box.states
        self.stack = NetworkStack([box.network], [0])
        self.constants = Constants()
        self.constants["shift"] = np.reshape(box.shift, (-1, 1, 1))
        self.constants["scale"] = np.reshape(box.scale, (-1, 1, 1))
        self.constants["rate"] = np.reshape(box.scale, (-1, 1, 1)) / box.time_scale
        self.stimulus = None if box.stimulus_scale is None else 1.0 / box.stimulus_scale
        self.to_public = self.from_public = torch.arange(len(box.states))
        self.n_bounded = 0

    def unpack(self, theta: Tensor) -> Params:
        """Weights of the network from `theta` (K, P)."""
        return self.stack.unpack("box", theta)

    def _like(self, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        c = self.constants.like(y)
        return c["shift"], c["scale"], c["rate"]

    def _inputs(self, y: Tensor, u: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        z = of(y).moveaxis((y - shift) / scale, 0, 1)
        if self.stimulus is None:
            return z
        return of(y).cat([z, (u * self.stimulus)[:, None]], 1)

    def rhs(self, y: Tensor, u: Tensor, p: Params) -> Tensor:
        """dy/dt (S, K, Q)."""
        shift, scale, rate = self._like(y)
        out = self.stack("box", self._inputs(y, u, shift, scale), p)[0]
        dy = of(y).moveaxis(out, 1, 0) * rate
        return of(y).cat([u[None], dy[1:]]) if self.clamped else dy

    def linearize(self, y: Tensor, u: Tensor, p: Params) -> tuple[Tensor, Jacobian]:
        """dy/dt and its full Jacobian at `y`."""
        shift, scale, rate = self._like(y)
        x = self._inputs(y, u, shift, scale)
        n = len(self.states)
        directions = []
        for j in range(n):
            d = of(y).zeros_like(x)
            d[:, j] = 1.0 / scale[j, 0, 0]
            directions.append(d[None])
        out, columns = self.stack.with_tangents("box", x[None], directions, p)
        dy = of(y).moveaxis(out[0], 1, 0) * rate
        matrix = of(y).stack([of(y).moveaxis(c[0], 1, 0) * rate for c in columns], 1)
        if self.clamped:
            dy = of(y).cat([u[None], dy[1:]])
            matrix = of(y).cat([of(y).zeros_like(matrix[:1]), matrix[1:]])
        return dy, Dense(matrix)

    def stimulus_slope(self, y: Tensor, u: Tensor, du: Tensor, p: Params) -> Tensor:
        """Derivative (S, K, Q) of the right-hand side along a change `du` of the stimulus."""
        if self.clamped:
            return of(y).cat([du[None], of(y).zeros_like(y[1:])])
        if self.stimulus is None:
            return of(y).zeros_like(y)
        shift, scale, rate = self._like(y)
        x = self._inputs(y, u, shift, scale)
        d = of(y).zeros_like(x)
        d[:, -1] = du * self.stimulus
        _, (slope,) = self.stack.with_tangents("box", x[None], [d[None]], p)
        return of(y).moveaxis(slope[0], 1, 0) * rate

    def networks(self, y: Tensor, u: Tensor, p: Params) -> list[NetworkInput]:
        """The network, and what it sees at `y`."""
        shift, scale, _ = self._like(y)
        return [NetworkInput(self.stack, self._inputs(y, u, shift, scale))]

    def steady_state(self, v: Tensor, p: Params) -> Tensor:
        """The centre of the scaled states, at `v` (K, Q): a black box knows no steady state."""
        shift = self.constants.like(v)["shift"][1:]
        return of(v).cat([v[None], of(v).broadcast_to(shift, (len(shift), *v.shape))])


System = ConductanceSystem | BlackBoxSystem | ProgramSystem


def system_of(neuron: Neuron, clamped: bool = False) -> System:
    """The system of `neuron`, under voltage clamp if `clamped`."""
    if neuron.is_coupled:
        return ProgramSystem(neuron, clamped)
    kind = ConductanceSystem if neuron.right_hand_side is None else BlackBoxSystem
    return kind(neuron, clamped)
