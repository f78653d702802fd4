"""Correlations of parameters, and those of the normal numbers that bring them about.

The Pearson correlation of two parameters is not that of the normal numbers they are functions of
(unless both are normal). With the Hermite coefficients a_k, b_k of the two functions it is
Σ_k k! a_k b_k ρ^k / (σ_a σ_b) for normal numbers of correlation ρ, which is solved for ρ
(the NORTA method: Cario and Nelson 1997, "Modeling and generating random vectors with arbitrary
marginal distributions and correlation matrix", Northwestern University).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray
from .distribution import GRID, WEIGHT, Distribution

Correlations = Mapping[tuple[str, str], float] | ArrayLike
_TERMS = 60
_BISECTIONS = 60


def coefficients(distribution: Distribution) -> FloatArray:
    """√(k!) a_k of the distribution as a function of a normal number, k = 0, …, 60.

    Examples
    --------
    >>> from pyhodgkin.population.distributions import Normal
    >>> coefficients(Normal(mean=5.0, sd=2.0))[:2].round(9).tolist()
    [5.0, 2.0]
    """
    x = WEIGHT * distribution.of_normal(GRID)
    before, now = np.zeros_like(GRID), np.ones_like(GRID)  # Hermite polynomials over √(k!)
    found = np.empty(_TERMS + 1)
    for k in range(_TERMS + 1):
        found[k] = now @ x
        after = (GRID * now - math.sqrt(k) * before) / math.sqrt(k + 1)
        before, now = now, after
    return found


def of_normals(a: FloatArray, b: FloatArray, wanted: float, names: tuple[str, str]) -> float:
    """The correlation ρ of normal numbers that gives two parameters the correlation `wanted`.

    Parameters
    ----------
    a, b : array (61,)
        Of `coefficients`.
    """
    size = math.sqrt(float((a[1:] ** 2).sum() * (b[1:] ** 2).sum()))

    def reached(rho: float) -> float:
        powers = rho ** np.arange(1, _TERMS + 1)
        return float((a[1:] * b[1:] * powers).sum()) / size

    low, high = -1.0, 1.0
    if not reached(low) - 1e-9 <= wanted <= reached(high) + 1e-9:
        raise InputError(
            f"correlations: {names[0]} and {names[1]} of these distributions can have correlations "
            f"from {reached(low):.3f} to {reached(high):.3f}, not {wanted:g}"
        )
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if reached(middle) < wanted else (low, middle)
    return 0.5 * (low + high)


def matrix_of(correlations: Correlations | None, names: Sequence[str]) -> FloatArray:
    """The correlation matrix (N, N) of the parameters `names`.

    Raises
    ------
    InputError
        For names that do not vary, numbers outside [-1, 1], and what is no symmetric matrix.
    """
    n = len(names)
    matrix = np.eye(n)
    if correlations is None:
        return matrix
    if isinstance(correlations, Mapping):
        for pair, value in correlations.items():
            if isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
                raise InputError(f"correlations: {pair!r} must be two different names")
            for name in pair:
                if name not in names:
                    raise unknown("parameter that varies", str(name), names)
            i, j = names.index(pair[0]), names.index(pair[1])
            if (pair[1], pair[0]) in correlations and correlations[pair[1], pair[0]] != value:
                raise InputError(f"correlations: {pair[0]} and {pair[1]} are given twice")
            matrix[i, j] = matrix[j, i] = value
    else:
        matrix = np.array(correlations, dtype=np.float64)
        if matrix.shape != (n, n):
            raise InputError(
                f"correlations has shape {matrix.shape}; {n} parameters vary ({', '.join(names)}), "
                f"which asks for ({n}, {n})"
            )
    if not (np.abs(matrix) <= 1.0).all():
        raise InputError("correlations: each number must be from -1 to 1")
    if not np.allclose(matrix, matrix.T, atol=1e-9) or not np.allclose(np.diag(matrix), 1.0):
        raise InputError("correlations: the matrix must be symmetric, with 1 on its diagonal")
    return matrix


def mixing(
    distributions: Sequence[Distribution], names: Sequence[str], wanted: FloatArray
) -> FloatArray:
    """The matrix L (N, N) for which L @ independent normal numbers gives what is `wanted`.

    Raises
    ------
    InputError
        For correlations that no numbers can have together.
    """
    n = len(names)
    if n == 0 or np.array_equal(wanted, np.eye(n)):
        return np.eye(n)
    series = [coefficients(distribution) for distribution in distributions]
    rho = np.eye(n)
    for i in range(n):
        for j in range(i):
            if wanted[i, j] != 0.0:
                pair = names[i], names[j]
                rho[i, j] = rho[j, i] = of_normals(series[i], series[j], wanted[i, j], pair)
    values, vectors = np.linalg.eigh(rho)
    if values[0] < -1e-9:
        raise InputError(
            "correlations: no parameters can have these together (the least eigenvalue of the "
            f"matrix is {values[0]:.3g}); give smaller ones"
        )
    if values[0] > 1e-12:
        return np.asarray(np.linalg.cholesky(rho), dtype=np.float64)
    return vectors * np.sqrt(np.maximum(values, 0.0))  # two that are one
