"""One-step methods as data: the coefficients of a Rosenbrock or an explicit Runge-Kutta method."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ..errors import InputError

Row = tuple[float, ...]
_TOLERANCE = 1e-9  # of sums of coefficients, which are published with 12 digits or more


@dataclass(frozen=True)
class RosenbrockTableau:
    """A Rosenbrock method in the form without products by the Jacobian.

    (I/(hγ) - J) u_i = f(t + c_i h, y + Σ_j a_ij u_j) + Σ_j C_ij u_j / h + h d_i f_t; the new
    state is y + Σ a_sj u_j + u_s, the error estimate u_s; `h_rows` gives the dense output.
    """

    order: int
    gamma: float
    a: tuple[Row, ...]
    c_matrix: tuple[Row, ...]
    c: Row
    d: Row
    h_rows: tuple[Row, ...]
    error_order: int

    def check(self) -> None:
        """Raise unless the coefficients go together: as many rows as stages, c and d as sums.

        Raises
        ------
        InputError
        """
        n = len(self.c)
        rows = (self.a, self.c_matrix)
        lengths = [[len(row) for row in matrix] for matrix in rows]
        if lengths != [list(range(n))] * 2 or {len(r) for r in (self.d, *self.h_rows)} != {n}:
            raise InputError(
                f"RosenbrockTableau: {n} stages in c; a and c_matrix need rows of 0 to {n - 1} "
                f"numbers, d and each of h_rows {n}"
            )
        # In the variables u = Γ k: a = α Γ⁻¹ and C = 1/γ - Γ⁻¹ (Hairer & Wanner II, IV.7).
        inverse = np.eye(n) / self.gamma - _square(self.c_matrix)
        full = np.linalg.inv(inverse)
        c = (_square(self.a) @ full).sum(axis=1)
        d = full.sum(axis=1)
        for name, found, given in (("c", c, self.c), ("d", d, self.d)):
            if not np.allclose(found, given, atol=1e-6):
                raise InputError(
                    f"RosenbrockTableau: {name} = {tuple(given)}, and the sums of the rows of a "
                    f"and c_matrix give {tuple(found.round(6).tolist())}"
                )

    @property
    def delta(self) -> Row:
        """Weights of the increments in the change of the state over a step."""
        return (*self.a[-1], 1.0)

    @property
    def dense(self) -> tuple[Row, ...]:
        """Weights of the increments in the powers θ, θ², … of the dense output.

        That is (1 - θ) y + θ y1 + θ(1 - θ)(k1 + θ k2 + …), with k = h_rows·u, in powers of θ.
        """
        rows = [tuple(d + k for d, k in zip(self.delta, self.h_rows[0], strict=True))]
        for a, b in itertools.pairwise(self.h_rows):
            rows.append(tuple(y - x for x, y in zip(a, b, strict=True)))
        return (*rows, tuple(-k for k in self.h_rows[-1]))


@dataclass(frozen=True)
class ExplicitTableau:
    """An explicit Runge-Kutta pair; `dense` are polynomials in the fraction of the step."""

    order: int
    error_order: int
    a: tuple[Row, ...]
    c: Row
    b_error: Row
    dense: tuple[Row, ...]

    def check(self) -> None:
        """Raise unless the coefficients go together.

        The last row of `a` has the weights of the new state; `dense` at 1 gives these too.

        Raises
        ------
        InputError
        """
        n = len(self.c)
        if [len(row) for row in self.a] != list(range(n)):
            raise InputError(
                f"ExplicitTableau: {n} stages in c; a needs rows of 0 to {n - 1} numbers"
            )
        if len(self.b_error) != n or len(self.dense) != n or len({len(r) for r in self.dense}) != 1:
            raise InputError(
                f"ExplicitTableau: b_error needs {n} numbers, and dense {n} rows of one length"
            )
        sums = {
            "c, and the sums of the rows of a": (self.c, [sum(row) for row in self.a]),
            "b_error, which sums to zero": ([0.0], [sum(self.b_error)]),
            "dense at the end of the step, and the last row of a": (
                (*self.a[-1], 0.0),
                [sum(row) for row in self.dense],
            ),
        }
        for what, (one, other) in sums.items():
            if not np.allclose(one, other, atol=_TOLERANCE):
                raise InputError(f"ExplicitTableau: {what}: {tuple(one)} against {tuple(other)}")


def _square(rows: tuple[Row, ...]) -> np.ndarray:
    """A strictly lower triangular matrix from its rows."""
    out = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows):
        out[i, : len(row)] = row
    return out
