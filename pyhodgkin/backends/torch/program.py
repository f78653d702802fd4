"""Neurons with a calcium pool or Markov schemes on tensors: their program, and its Jacobian.

Every state may depend on every other one, so the Jacobian is dense. Arrays are as in `system`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...neuron.calcium import STATE
from ...neuron.network_paths import networks_of
from ...neuron.neuron import Neuron
from ...neuron.program import Op
from ...neuron.program_values import ProgramValues
from ...neuron.steady import CLOSE, HALVINGS, ITERATIONS, held_states
from .arrays import Constants, of
from .arrowhead import Dense, Jacobian
from .curve_trees import LARGEST
from .kinetics import Params
from .linoids import psi, psi_slope
from .networks import NetworkInput, NetworkStack
from .program_floats import OneElement

_MANY = 1e-6  # relative distance to a steady state in single precision


class _Functions:
    """What `ProgramValues` computes with, at the parameters `p` and for arrays like `v`."""

    def __init__(self, system: ProgramSystem, p: Params, v: Tensor) -> None:
        self._system, self._p, self._like, self._xp = system, p, v, of(v)

    def parameter(self, place: int) -> Any:
        raise AssertionError("parameters are known before")

    def exp(self, x: Any) -> Any:
        return self._xp.exp(self._xp.at_most(x, LARGEST[x.itemsize]))

    def exp_slope(self, x: Any, value: Any) -> Any:
        return self._xp.where(x < LARGEST[x.itemsize], value, self._xp.zeros_like(value))

    def log(self, x: Any) -> Any:
        return np.log(x) if type(x) is np.ndarray else torch.log(x)

    def tanh(self, x: Any) -> Any:
        return self._xp.tanh(x)

    def logistic(self, x: Any) -> Any:
        return self._xp.sigmoid(x)

    def power(self, x: Any, exponent: float) -> Any:
        return x**exponent

    def linoid(self, x: Any) -> Any:
        return psi(-x)

    def linoid_slope(self, x: Any) -> Any:
        return -psi_slope(-x)

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        return self._xp.where(condition, self._array(yes), self._array(no))

    def _array(self, x: Any) -> Any:
        return self._xp.full((), x, self._like) if isinstance(x, float) else x

    def cubic(self, which: int, x: Any) -> tuple[Any, Any]:
        held = self._system.cubics[which].like(x)
        if type(x) is np.ndarray:
            row = held["rows"][np.searchsorted(held["knots"], x, side="right")]
        else:
            at = torch.searchsorted(held["knots"], x.detach().contiguous(), right=True)
            row = held["rows"][at]
        u, c1, c2, c3 = x - row[..., 0], row[..., 2], row[..., 3], row[..., 4]
        return row[..., 1] + u * (c1 + u * (c2 + u * c3)), c1 + u * (2.0 * c2 + u * (3.0 * c3))

    def network(self, which: int, inputs: Sequence[Any]) -> list[Any]:
        stack = self._system.stacks[which]
        out = stack(f"net{which}", self._xp.stack(inputs, 1), self._p)[0]
        return [out[:, j] for j in range(out.shape[1])]

    def network_tangents(
        self, which: int, inputs: Sequence[Any], tangents: Sequence[Any]
    ) -> list[Any]:
        stack, x = self._system.stacks[which], self._xp.stack(inputs, 1)
        directions = []
        for j in range(len(inputs)):
            d = self._xp.zeros_like(x)
            d[:, j] = 1.0
            directions.append(d[None])
        out, slopes = stack.with_tangents(f"net{which}", x, directions, self._p)
        rows = []
        for o in range(out.shape[2]):
            parts = [s[0, :, o] * t for s, t in zip(slopes, tangents, strict=True)]
            total = parts[0]
            for part in parts[1:]:
                total = total + part
            rows.append(total)
        return rows


class ProgramSystem:
    """The equations of a neuron that was lowered to a program."""

    n_bounded = 0

    def __init__(self, neuron: Neuron, clamped: bool = False) -> None:
        self.clamped, tables = clamped, neuron.tables
        self.states = neuron.states
        self.small = tuple(i for i, name in enumerate(neuron.states) if name == STATE)
        self.program, self._plain = tables.program, ProgramValues(tables)
        self.c_m = tables.c_m
        self.to_public = self.from_public = torch.arange(len(self.states))
        self.cubics = []
        for first, last in zip(tables.table_bounds[:-1], tables.table_bounds[1:], strict=True):
            held, rows = Constants(), tables.table_rows[first:last]
            held["rows"], held["knots"] = rows, rows[1:, 0].copy()
            self.cubics.append(held)
        self.stacks = [
            NetworkStack([network], [start]) for network, start in _networks(neuron, tables)
        ]
        self._known = self._constants()
        self.values = ProgramValues(tables, self._known)
        self._initial = tables.initial
        self._moving = np.flatnonzero(~held_states(tables)).tolist()
        self._seeds = np.eye(len(self.states))[:, :, None, None]
        self._alone = OneElement(self.values, self._known, tables, self.stacks, clamped)

    def _constants(self) -> dict[int, int]:
        """Operations of parameters alone that others take, and their rows in ``p["constant"]``."""
        values, constant = self._plain, self._plain.constant
        taken = {j for i in np.flatnonzero(~constant).tolist() for j in values.operands(i)}
        outputs = (self.program.slopes, self.program.start, self.program.currents)
        taken |= {int(i) for places in outputs for i in places}
        kinds = self.program.kind
        wanted = [i for i in sorted(taken) if constant[i] and kinds[i] != Op.NUMBER]
        return {place: row for row, place in enumerate(wanted)}

    def unpack(self, theta: Tensor) -> Params:
        """What does not change with the state, from `theta` (K, P)."""
        pick = theta.t().unsqueeze(-1)
        p: Params = {"inverse_c": 1.0 / pick[self.c_m]}
        for i, stack in enumerate(self.stacks):
            p.update(stack.unpack(f"net{i}", theta))
        if self._known:
            f = _Functions(self, {}, pick[0])
            f.parameter = lambda place: pick[place]  # type: ignore[method-assign]
            found = self._plain.run(f, (), 0.0, self._plain.needed(self._known), {})
            p["constant"] = torch.stack([found[i] for i in self._known])
        return p

    def _given(self, p: Params) -> dict[int, Any]:
        return {place: p["constant"][row] for place, row in self._known.items()}

    def _wide(self, rows: Sequence[Any], like: Any) -> Any:
        xp = of(like)
        plain = (xp.full((), x, like) if isinstance(x, float) else x for x in rows)
        return xp.stack([xp.broadcast_to(x, like.shape) for x in plain])

    def rhs(self, y: Tensor, u: Tensor, p: Params) -> Tensor:
        """dy/dt (S, K, Q)."""
        alone = self._alone.slopes(y, u, p)
        if alone is not None:
            return alone
        dy = self._wide(self.values.slopes(_Functions(self, p, y[0]), y, u, self._given(p)), y[0])
        return of(y).cat([u[None], dy[1:]]) if self.clamped else dy

    def linearize(self, y: Tensor, u: Tensor, p: Params) -> tuple[Tensor, Jacobian]:
        """dy/dt and its full Jacobian at `y`."""
        alone = self._alone.jacobian(y, u, p)
        if alone is not None:
            return alone[0], Dense(alone[1])
        dy, matrix = self._linear(y, u, p)
        if self.clamped:
            xp = of(y)
            dy = xp.cat([u[None], dy[1:]])
            matrix = xp.cat([xp.zeros_like(matrix[:1]), matrix[1:]])
        return dy, Dense(matrix)

    def _linear(self, y: Any, u: Any, p: Params) -> tuple[Any, Any]:
        xp, f = of(y), _Functions(self, p, y[0])
        seeds = xp.convert(self._seeds, y)
        slopes, rows = self.values.jacobian(f, y, u, seeds, self._given(p))
        return self._wide(slopes, y[0]), xp.stack([xp.broadcast_to(r, y.shape) for r in rows])

    def stimulus_slope(self, y: Tensor, u: Tensor, du: Tensor, p: Params) -> Tensor:
        """Derivative (S, K, Q) of the right-hand side along a change `du` of the stimulus."""
        first = du if self.clamped else du * p["inverse_c"]
        return of(y).cat([first[None], of(y).zeros_like(y[1:])])

    def ionic_current(self, y: Tensor, p: Params) -> Tensor:
        """Sum of the ionic currents (K, Q)."""
        f, which = _Functions(self, p, y[0]), [int(self.program.currents[-1])]
        return self._wide(self.values.outputs(f, y, which, self._given(p)), y[0])[0]

    def networks(self, y: Tensor, u: Tensor, p: Params) -> list[NetworkInput]:
        """The networks in it, and what they see at `y`."""
        f, found = _Functions(self, p, y[0]), []
        for which, stack in enumerate(self.stacks):
            rows = self.program.operands[self.program.kind == Op.NETWORK]
            first, count = rows[rows[:, 0] == which][0, 2:]
            terms = self.program.terms[first : first + count].tolist()
            inputs = self.values.outputs(f, y, terms, self._given(p))
            found.append(NetworkInput(stack, of(y).stack(inputs, 1)))
        return found

    def steady_state(self, v: Tensor, p: Params) -> Tensor:
        """State (S, K, Q) at `v` (K, Q) at which all others stand still; see `neuron.steady`.

        One more step of Newton's method, with the derivatives by parameters and v, gives the steady
        state its own.
        """
        plain = {name: x.detach() for name, x in p.items()}
        y = self._standing(v.detach(), plain)
        moving = self._moving
        if not moving:
            return torch.cat([v[None], y[1:]])
        with torch.no_grad():
            _, matrix = self._linear(y, torch.zeros_like(y[0]), plain)
            inverse = torch.linalg.inv_ex(_small(matrix, moving)).inverse
        y = torch.cat([v.expand(y.shape[1:])[None], y[1:]])
        f = _Functions(self, p, y[0])
        slopes = self._wide(self.values.slopes(f, y, 0.0 * y[0], self._given(p)), y[0])
        step = (inverse @ slopes[moving].movedim(0, -1).unsqueeze(-1)).squeeze(-1)
        return y.index_add(0, torch.tensor(moving, device=y.device), -step.movedim(-1, 0))

    def _standing(self, v: Tensor, p: Params) -> Tensor:
        """The same without derivatives, by Newton's method with halved steps."""
        with torch.no_grad():
            f = _Functions(self, p, v)
            lowest = [v, *[torch.zeros_like(v)] * (len(self.states) - 1)]
            places = self.program.start.tolist()
            y = self._wide(self.values.outputs(f, lowest, places, self._given(p)), v)
            for row in np.flatnonzero(np.isfinite(self._initial)).tolist():
                y[row] = float(self._initial[row])
            y[0] = v
            moving, close = self._moving, CLOSE if y.dtype == torch.float64 else _MANY
            slopes, matrix = self._linear(y, torch.zeros_like(v), p)
            for _ in range(ITERATIONS if moving else 0):
                small = _small(matrix, moving)
                right = -slopes[moving].movedim(0, -1).unsqueeze(-1)
                step = torch.linalg.solve_ex(small, right).result.squeeze(-1).movedim(-1, 0)
                step = torch.where(torch.isfinite(step), step, torch.zeros_like(step))
                before, size, new = _distance(slopes, matrix, moving), torch.ones_like(v), y
                for _ in range(HALVINGS):
                    new = y.clone()
                    new[moving] += size * step
                    slopes, matrix = self._linear(new, torch.zeros_like(v), p)
                    fine = _distance(slopes, matrix, moving) <= before
                    if bool(fine.all()):
                        break
                    size = torch.where(fine, size, 0.5 * size)
                y = new
                if bool((step.abs() <= close * y[moving].abs()).all()):
                    break
            return y


def _small(matrix: Tensor, moving: list[int]) -> Tensor:
    """The part of a matrix (S, S, K, Q) that belongs to some states, (K, Q, m, m)."""
    return matrix[moving][:, moving].movedim((0, 1), (-2, -1))


def _distance(slopes: Tensor, matrix: Tensor, moving: list[int]) -> Tensor:
    """How far states are from standing still, in units of their own relaxation, (K, Q)."""
    found = (slopes[moving] / matrix[moving, moving]).abs().amax(0)
    return torch.where(torch.isfinite(found), found, torch.full_like(found, torch.inf))


def _networks(neuron: Neuron, tables: Any) -> list[tuple[Any, int]]:
    """The networks of a neuron in the order of its tables, and where they begin in theta."""
    by_place = {neuron.layout[f"{path}.weight0"].start: net for path, net in networks_of(neuron)}
    return [(by_place[int(place)], int(place)) for place in tables.network_place]
