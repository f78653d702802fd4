"""Ionic currents on tensors: all conductances at once, and currents that are networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ...neuron.channels import Channel, NeuralCurrent
from .arrays import Constants, Index, of, ones
from .networks import NetworkStack

Params = dict[str, Tensor]


class ConductanceBank:
    """Currents g·(Π x^p)·(v - e) of all channels.

    An open probability is a product of rows of [gates, instantaneous gates, 1]; `slots` holds
    those rows, padded with the 1, one line for each factor.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        rows: dict[str, int],
        n_states: int,
        starts: dict[str, int],
    ) -> None:
        self.n_states, self.n_rows = n_states, len(rows)
        one = len(rows)
        factors = [[rows[x.name] for x in c.gates for _ in range(x.power)] for c in channels]
        depth = max([len(f) for f in factors], default=0)
        self.depth, self.n = depth, len(channels)
        padded = [f + [one] * (depth - len(f)) for f in factors]
        self.slots = Index([row[i] for i in range(depth) for row in padded])
        owned = [(rows[x.name], i, x.power) for i, c in enumerate(channels) for x in c.gates]
        self.owned = owned
        others = []
        for row, i, _ in owned:
            rest = list(factors[i])
            rest.remove(row)
            others.append(rest + [one] * (depth - 1 - len(rest)))
        width = max(depth - 1, 0)
        self.others = Index([row[i] for i in range(width) for row in others])
        self.owner = Index([i for _, i, _ in owned])
        self.constants = Constants()
        self.constants["powers"] = np.reshape([p for *_, p in owned], (-1, 1, 1))
        self.g = torch.tensor([starts[f"{c.name}.g"] for c in channels], dtype=torch.long)
        self.e = torch.tensor([starts[f"{c.name}.e"] for c in channels], dtype=torch.long)
        # Where row j of the owned gates goes: a state of its own, or into dv by the chain rule.
        self.state_rows = Index([r for r, *_ in owned if r < n_states])
        self.state_places = Index([j for j, (r, *_) in enumerate(owned) if r < n_states])

    def unpack(self, theta: Tensor) -> Params:
        """g and e, (channel, K, 1) each."""
        pick = theta.t().unsqueeze(-1)
        return {"g": pick[self.g], "e": pick[self.e]}

    def _table(self, x: Tensor, instant: list[Tensor]) -> Tensor:
        return of(x).cat([x, *(i[None] for i in instant), ones(x)])

    def open_probability(self, v: Tensor, x: Tensor, instant: list[Tensor]) -> Tensor:
        """Π x^p (channel, K, Q)."""
        if self.depth == 0:
            return of(v).full((self.n, *v.shape), 1.0, v)
        return _product(self._table(x, instant), self.slots, self.depth)

    def total(self, v: Tensor, x: Tensor, instant: list[Tensor], p: Params) -> Tensor:
        """Sum of the currents (K, Q)."""
        return self.totals(v, x, instant, p)[0]

    def totals(
        self, v: Tensor, x: Tensor, instant: list[Tensor], p: Params
    ) -> tuple[Tensor, Tensor]:
        """Sums of the currents and of the conductances (K, Q)."""
        conductance = self.open_probability(v, x, instant) * p["g"]
        return (conductance * (v - p["e"])).sum(0), conductance.sum(0)

    def linear_in_v(
        self, v: Tensor, x: Tensor, instant: list[tuple[Tensor, Tensor]], p: Params
    ) -> tuple[Tensor, Tensor]:
        """The sum and its derivative with respect to v (K, Q), the gates held."""
        levels = [i for i, _ in instant]
        conductance = self.open_probability(v, x, levels) * p["g"]
        drive = v - p["e"]
        total, slope = (conductance * drive).sum(0), conductance.sum(0)
        if instant:
            each = self._by_gate(drive, x, levels, p)
            for j, (row, *_) in enumerate(self.owned):
                if row >= self.n_states:
                    slope = slope + each[j] * instant[row - self.n_states][1]
        return total, slope

    def by_state(
        self, v: Tensor, x: Tensor, instant: list[tuple[Tensor, Tensor]], p: Params
    ) -> Tensor:
        """The derivative of the sum with respect to the gates (G, K, Q)."""
        xp = of(x)
        out = xp.zeros_like(x)
        if len(self.state_rows) == 0:
            return out
        each = self._by_gate(v - p["e"], x, [i for i, _ in instant], p)
        return xp.placed(out, self.state_rows, xp.take(each, self.state_places))

    def _by_gate(self, drive: Tensor, x: Tensor, levels: list[Tensor], p: Params) -> Tensor:
        each = of(x).take(p["g"] * drive, self.owner) * self.constants.like(x)["powers"]
        if self.depth > 1:
            each = each * _product(self._table(x, levels), self.others, self.depth - 1)
        return each


def _product(table: Tensor, slots: Index, depth: int) -> Tensor:
    xp = of(table)
    return xp.product(xp.take(table, slots).reshape(depth, -1, *table.shape[1:]))


class NeuralCurrents:
    """Currents that are networks of the voltage and of gates of their own."""

    def __init__(
        self, channels: Sequence[NeuralCurrent], rows: dict[str, int], starts: dict[str, int]
    ) -> None:
        self.channels = channels
        self.stacks = [
            NetworkStack([c.network], [starts[f"{c.name}.network.weight0"]]) for c in channels
        ]
        self.rows = [[rows[x.name] for x in c.gates] for c in channels]

    def __len__(self) -> int:
        return len(self.channels)

    def unpack(self, theta: Tensor) -> Params:
        """Weights of the networks from `theta` (K, P)."""
        out: Params = {}
        for c, stack in zip(self.channels, self.stacks, strict=True):
            out.update(stack.unpack(f"current.{c.name}", theta))
        return out

    def _inputs(self, i: int, v: Tensor, x: Tensor) -> Tensor:
        # `x` holds the gates with a state and below them the instantaneous ones.
        c = self.channels[i]
        z = ((v - c.v_shift) / c.v_scale)[:, None]
        own = [x[row][:, None] for row in self.rows[i]]
        return of(v).cat([z, *own], 1) if own else z

    def seen(
        self, v: Tensor, x: Tensor, instant: list[Tensor]
    ) -> Iterator[tuple[NetworkStack, Tensor]]:
        """Each network, and what it sees."""
        x = _below(x, instant)
        for i, stack in enumerate(self.stacks):
            yield stack, self._inputs(i, v, x)

    def each(self, v: Tensor, x: Tensor, instant: list[Tensor], p: Params) -> list[Tensor]:
        """Each current (K, Q)."""
        x = _below(x, instant)
        return [
            c.scale * stack(f"current.{c.name}", self._inputs(i, v, x), p)[0, :, 0]
            for i, (c, stack) in enumerate(zip(self.channels, self.stacks, strict=True))
        ]

    def total(self, v: Tensor, x: Tensor, instant: list[Tensor], p: Params) -> Tensor:
        """Their sum (K, Q)."""
        return of(v).stack(self.each(v, x, instant, p)).sum(0)

    def linear(
        self, v: Tensor, x: Tensor, instant: list[tuple[Tensor, Tensor]], p: Params
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The sum and its derivatives with respect to v and the gates (G, K, Q)."""
        xp, n_states = of(v), len(x)
        x = _below(x, [value for value, _ in instant])
        total, slope = xp.zeros_like(v), xp.zeros_like(v)
        by_gate = [xp.zeros_like(v) for _ in range(len(x))]
        for i, (c, stack) in enumerate(zip(self.channels, self.stacks, strict=True)):
            inputs = self._inputs(i, v, x)
            directions = [xp.zeros_like(inputs) for _ in range(inputs.shape[1])]
            for j, d in enumerate(directions):
                d[:, j] = 1.0 / c.v_scale if j == 0 else 1.0
            out, slopes = stack.with_tangents(
                f"current.{c.name}", inputs, [d[None] for d in directions], p
            )
            total = total + c.scale * out[0, :, 0]
            slope = slope + c.scale * slopes[0][0, :, 0]
            for row, d in zip(self.rows[i], slopes[1:], strict=True):
                by_gate[row] = by_gate[row] + c.scale * d[0, :, 0]
        for by, (_, instant_slope) in zip(by_gate[n_states:], instant, strict=True):
            slope = slope + by * instant_slope
        return total, slope, xp.stack(by_gate[:n_states]) if n_states else x[:0]


def _below(x: Tensor, instant: list[Tensor]) -> Tensor:
    return of(x).cat([x, of(x).stack(instant)]) if instant else x
