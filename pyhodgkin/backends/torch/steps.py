"""One step of each method, as a pure function of the state: the solver and its adjoint share it.

A step takes the state `y` (S, K, Q), the step size `h` (K, Q), the start `t` and the pieces of
the stimulus, and returns the new state, the coefficients of a polynomial for the inside of the
step, y(θ) = y + Σ_p θ^p c_p, and an error estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from ..tableau import ExplicitTableau, RosenbrockTableau
from .arrays import of, records_gradients
from .kinetics import Params
from .stimulus import Pieces, Stimulus
from .system import ConductanceSystem, System
from .tableaus import RODAS4P, RODAS5P, TSIT5


class Step(NamedTuple):
    """New state (S, K, Q), polynomial coefficients (p, S, K, Q), error estimate (S, K, Q)."""

    y: Tensor
    dense: Tensor
    error: Tensor | None


T = TypeVar("T", RosenbrockTableau, ExplicitTableau)


@dataclass(frozen=True)
class _Embedded(Generic[T]):
    """A method that estimates its error by another one of the same stages."""

    tableau: T
    adaptive = True

    @property
    def error_order(self) -> int:
        return self.tableau.error_order

    @property
    def evaluations(self) -> int:
        return len(self.tableau.c)


class Rosenbrock(_Embedded[RosenbrockTableau]):
    """A Rosenbrock method: one Jacobian and one factorisation a step, no iteration."""

    def __call__(
        self,
        system: System,
        p: Params,
        y: Tensor,
        t: Tensor,
        h: Tensor,
        stimulus: Stimulus,
        pieces: Pieces,
    ) -> Step:
        tab = self.tableau
        stages = weights_like((tab.c,), t).reshape(-1, 1, 1)
        drive = stimulus.drive(pieces, t + stages * h)
        slope = stimulus.drive_slope(pieces, t)
        h = of(y).convert(h, y)  # times are in double precision
        f, jacobian = system.linearize(y, drive[0], p)
        inverse_h = 1.0 / h
        factor = jacobian.factor(inverse_h / tab.gamma)
        if slope is not None:
            slope = system.stimulus_slope(y, drive[0], slope, p) * h
            f = f + tab.d[0] * slope
        us = Increments(factor.solve(f), len(tab.c))
        at = y
        for i in range(1, len(tab.c)):
            # The last rows of `a` repeat the one before and add the newest increment.
            if tab.a[i][:-1] == tab.a[i - 1] and tab.a[i][-1] == 1.0:
                at = at + us.last
            else:
                at = y + us.combined(tab.a[i])
            r = system.rhs(at, drive[i], p) + us.combined(tab.c_matrix[i]) * inverse_h
            if slope is not None and tab.d[i] != 0.0:
                r = r + tab.d[i] * slope
            us.append(factor.solve(r))
        return Step(_kept(system, at + us.last), us.all_combined(tab.dense), us.last)


class Explicit(_Embedded[ExplicitTableau]):
    """An explicit Runge-Kutta pair; each step computes its first stage anew."""

    def __call__(
        self,
        system: System,
        p: Params,
        y: Tensor,
        t: Tensor,
        h: Tensor,
        stimulus: Stimulus,
        pieces: Pieces,
    ) -> Step:
        tab = self.tableau
        stages = weights_like((tab.c,), t).reshape(-1, 1, 1)
        drive = stimulus.drive(pieces, t + stages * h)
        h = of(y).convert(h, y)
        ks = Increments(h * system.rhs(y, drive[0], p), len(tab.c))
        at = y
        for i in range(1, len(tab.c)):
            at = y + ks.combined(tab.a[i])
            ks.append(h * system.rhs(at, drive[i], p))
        dense = ks.all_combined(tuple(zip(*tab.dense, strict=True)))
        return Step(_kept(system, at), dense, ks.combined(tab.b_error))


@dataclass(frozen=True)
class Exponential:
    """Rush and Larsen's exponential step with staggering: second order, one size for all.

    The gates take half a step with the voltage held, the voltage a whole exponential step with
    the conductances held, the gates the other half: 10.1109/TBME.1978.326270, symmetrised.
    """

    adaptive = False
    error_order = 2
    evaluations = 2

    def __call__(
        self,
        system: System,
        p: Params,
        y: Tensor,
        t: Tensor,
        h: Tensor,
        stimulus: Stimulus,
        pieces: Pieces,
    ) -> Step:
        assert isinstance(system, ConductanceSystem)
        middle, end = t + 0.5 * h, t + h
        h = of(y).convert(h, y)
        half = 0.5 * h
        gates = system.relax_gates(y[0], y[1:], half, p)
        if system.clamped:
            v = stimulus.command(pieces, end)
        else:
            v = system.relax_voltage(y[0], gates, stimulus.drive(pieces, middle), h, p)
        gates = system.relax_gates(v, gates, half, p)
        new = of(v).cat([v[None], gates])
        return Step(new, (new - y)[None], None)


class Increments:
    """The increments of the stages so far, and weighted sums of them.

    Without autograd they lie in one buffer and a sum is one product with a row of weights; with
    autograd a buffer must not be written twice, and they stay apart.
    """

    def __init__(self, first: Tensor, count: int) -> None:
        self.parts = [first]
        self.buffer = None
        if not records_gradients(first):
            self.buffer = of(first).empty((count, *first.shape), first)
            self.flat = self.buffer.reshape(count, -1)
            self.buffer[0] = first

    @property
    def last(self) -> Tensor:
        return self.parts[-1]

    def append(self, u: Tensor) -> None:
        if self.buffer is not None:
            self.buffer[len(self.parts)] = u
        self.parts.append(u)

    def combined(self, weights: tuple[float, ...]) -> Tensor:
        """Σ_j weights_j u_j."""
        if self.buffer is not None:
            row = weights_like((weights,), self.last)
            return (row @ self.flat[: len(weights)]).reshape(self.last.shape)
        total = None
        for w, u in zip(weights, self.parts, strict=True):
            if w != 0.0:
                total = u * w if total is None else torch.add(total, u, alpha=w)
        assert total is not None
        return total

    def all_combined(self, rows: tuple[tuple[float, ...], ...]) -> Tensor:
        """One weighted sum for each of `rows`, stacked."""
        flat = self.flat if self.buffer is not None else torch.stack(self.parts).flatten(1)
        return (weights_like(rows, self.last) @ flat).reshape(len(rows), *self.last.shape)


_WEIGHTS: dict[tuple, Tensor] = {}


def weights_like(rows: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    """`rows` as a matrix of the dtype and on the device of `like`, made once."""
    key = (rows, type(like), like.dtype, None if type(like) is np.ndarray else like.device)
    if key not in _WEIGHTS:
        _WEIGHTS[key] = of(like).convert(rows, like)
    return _WEIGHTS[key]


def _kept(system: System, y: Tensor) -> Tensor:
    """`y` with the bounded gates in [0, 1], where the exact solution is."""
    n = int(system.n_bounded)
    if n == 0:
        return y
    xp = of(y)
    gates = xp.clip(y[1 : 1 + n], 0.0, 1.0)
    return xp.cat([y[:1], gates, y[1 + n :]] if len(y) > 1 + n else [y[:1], gates])


Method = Rosenbrock | Explicit | Exponential

METHODS: dict[str, Method] = {
    "rodas5p": Rosenbrock(RODAS5P),
    "rodas4p": Rosenbrock(RODAS4P),
    "tsit5": Explicit(TSIT5),
    "exponential": Exponential(),
}


def as_method(tableau: ExplicitTableau | RosenbrockTableau) -> Method:
    """The method with these coefficients."""
    explicit = isinstance(tableau, ExplicitTableau)
    return Explicit(tableau) if explicit else Rosenbrock(tableau)
