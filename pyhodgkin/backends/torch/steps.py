"""One step of each method, as a pure function of the state: the solver and its adjoint share it.

A step takes the state `y` (S, K, Q), the step size `h` (K, Q), the start `t` and the pieces of
the stimulus, and returns the new state, the coefficients of a polynomial for the inside of the
step, y(θ) = y + Σ_p θ^p c_p, and an error estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from .kinetics import Params
from .stimulus import Pieces, Stimulus
from .system import ConductanceSystem, System
from .tableaus import RODAS4P, RODAS5P, TSIT5, ExplicitTableau, RosenbrockTableau


class Step(NamedTuple):
    """New state (S, K, Q), polynomial coefficients (p, S, K, Q), error estimate (S, K, Q)."""

    y: Tensor
    dense: Tensor
    error: Tensor | None


@dataclass(frozen=True)
class Rosenbrock:
    """A Rosenbrock method: one Jacobian and one factorisation a step, no iteration."""

    tableau: RosenbrockTableau
    adaptive = True

    @property
    def error_order(self) -> int:
        return self.tableau.error_order

    @property
    def evaluations(self) -> int:
        return len(self.tableau.c)

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
        stages = t.new_tensor(tab.c).view(-1, *([1] * t.dim()))
        drive = stimulus.drive(pieces, t + stages * h)
        slope = stimulus.drive_slope(pieces, t)
        f, jacobian = system.linearize(y, drive[0], p)
        inverse_h = 1.0 / h
        factor = jacobian.factor(inverse_h / tab.gamma)
        if slope is not None:
            slope = system.stimulus_slope(y, drive[0], slope, p) * h
            f = f + tab.d[0] * slope
        us = [factor.solve(f)]
        for i in range(1, len(tab.c)):
            # The last rows of `a` repeat the one before and add the newest increment.
            repeats = tab.a[i][:-1] == tab.a[i - 1] and tab.a[i][-1:] == (1.0,)
            at = at + us[-1] if repeats else _combine(y, tab.a[i], us)  # noqa: F821
            r = system.rhs(at, drive[i], p)
            r = r + _combine(None, tab.c_matrix[i], us) * inverse_h
            if slope is not None and tab.d[i] != 0.0:
                r = r + tab.d[i] * slope
            us.append(factor.solve(r))
        delta = at + us[-1] - y
        ks = [_combine(None, row, us) for row in tab.h_rows]
        return Step(_kept(system, y + delta), _rosenbrock_polynomial(delta, ks), us[-1])


def _rosenbrock_polynomial(delta: Tensor, ks: list[Tensor]) -> Tensor:
    # (1-θ) y + θ y1 + θ(1-θ)(k1 + θ k2 + …) in powers of θ.
    coefficients = [delta + ks[0]]
    coefficients += [b - a for a, b in zip(ks[:-1], ks[1:], strict=True)]
    return torch.stack([*coefficients, -ks[-1]])


@dataclass(frozen=True)
class Explicit:
    """An explicit Runge-Kutta pair; each step computes its first stage anew."""

    tableau: ExplicitTableau
    adaptive = True

    @property
    def error_order(self) -> int:
        return self.tableau.error_order

    @property
    def evaluations(self) -> int:
        return len(self.tableau.c)

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
        stages = t.new_tensor(tab.c).view(-1, *([1] * t.dim()))
        drive = stimulus.drive(pieces, t + stages * h)
        ks: list[Tensor] = []
        at = y
        for i, row in enumerate(tab.a):
            if i:
                at = y + h * _combine(None, row, ks)
            ks.append(system.rhs(at, drive[i], p))
        error = h * _combine(None, tab.b_error, ks)
        powers = zip(*tab.dense, strict=True)
        dense = torch.stack([h * _combine(None, weights, ks) for weights in powers])
        return Step(_kept(system, at), dense, error)


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
        half = 0.5 * h
        gates = system.relax_gates(y[0], y[1:], half, p)
        if system.clamped:
            v = y[0] + h * stimulus.drive(pieces, t + half)
        else:
            v = system.relax_voltage(y[0], gates, stimulus.drive(pieces, t + half), h, p)
        gates = system.relax_gates(v, gates, half, p)
        new = torch.cat([v.unsqueeze(0), gates])
        return Step(new, (new - y).unsqueeze(0), None)


def _combine(base: Tensor | None, weights: tuple[float, ...], terms: list[Tensor]) -> Tensor:
    total = base
    for w, x in zip(weights, terms, strict=False):
        if w != 0.0:
            total = x * w if total is None else torch.add(total, x, alpha=w)
    assert total is not None
    return total


def _kept(system: System, y: Tensor) -> Tensor:
    """`y` with the bounded gates in [0, 1], where the exact solution is."""
    n = int(system.n_bounded)
    if n == 0:
        return y
    gates = y[1 : 1 + n].clamp(0.0, 1.0)
    return torch.cat([y[:1], gates, y[1 + n :]] if len(y) > 1 + n else [y[:1], gates])


Method = Rosenbrock | Explicit | Exponential

METHODS: dict[str, Method] = {
    "rodas5p": Rosenbrock(RODAS5P),
    "rodas4p": Rosenbrock(RODAS4P),
    "tsit5": Explicit(TSIT5),
    "exponential": Exponential(),
}
