"""The Laplace approximation to the posterior of learned curves: mode, bands, evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..numerics.arrays import FloatArray
from .curve_information import CurveInformation
from .curve_priors import DEVIATIONS, LENGTHS, Described, energy_rows

USUAL, SPREAD = 0.7, 1.5  # of s: median and standard deviation of its logarithm, a priori
SWEEPS = 4
LOOSE, LOOSE_LENGTH = 4.0, 15.0  # s and L of the reference by which support is judged
TRUSTED = 1.5  # standard deviation of a step of the outputs of a network to the mode
TINY = 1e-10


@dataclass(frozen=True)
class Quadratic:
    """An energy ½ cᵀ A c + bᵀ c + constant of directions c (q,)."""

    a: FloatArray
    b: FloatArray
    constant: float


@dataclass(frozen=True)
class Normal:
    """Rank and logarithm of the determinant of the precision of a prior with s = 1."""

    rank: int
    log_determinant: float


@dataclass(frozen=True)
class Posterior:
    """Around a fit, along q directions: the mode, the covariance and the prior that it has.

    `mode` is near to the fit, where the quadratic model holds; `full` is that of the model itself.
    `deviations` are s of each curve, `length` is L, mV. `loose` is the covariance under a reference
    prior, which is weak: what the data tell by themselves; `reference` is the one of that prior
    alone. `energy` is the prior's energy by the directions.
    """

    mode: FloatArray
    full: FloatArray
    covariance: FloatArray
    loose: FloatArray
    reference: FloatArray
    energy: Quadratic
    deviations: dict[str, float]
    length: float
    log_evidence: float


def posterior(
    found: CurveInformation,
    curves: Sequence[Described],
    v: FloatArray,
    scalars: int,
    held: tuple[float, float] | None = None,
) -> Posterior:
    """The posterior with the prior that has the largest evidence, or with s and L as `held`.

    `curves` are those of each network, whose directions follow each other; the last `scalars`
    directions are other parameters, which have no prior.
    """
    q = len(found.slope)
    lengths = LENGTHS if held is None else held[1:]
    pieces = {length: _pieces(curves, v, q, length) for length in lengths}
    names = [name for c in curves for name in c.names]
    if held is None:
        value, length, s = max((_best(found, pieces[x], x) for x in lengths), key=lambda x: x[0])
    else:
        length, s = held[1], dict.fromkeys(names, held[0])
        value = _evidence(found, pieces[length], s)
    total = _total(found, pieces[length], s)
    covariance = _inverse(total.a)
    weak = _total(
        None, _pieces(curves, v, q, LOOSE_LENGTH, proper=True), dict.fromkeys(names, LOOSE)
    )
    alone = weak.a + np.diag(np.r_[np.zeros(q - scalars), np.ones(scalars)])
    prior = _total(None, pieces[length], s)
    return Posterior(
        -_inverse(total.a + _near(curves, v, q)) @ total.b,
        -covariance @ total.b,
        covariance,
        _inverse(found.matrix + weak.a),
        _inverse(alone),
        prior,
        s,
        length,
        value,
    )


def _best(
    found: CurveInformation, pieces: dict[str, tuple[Quadratic, Normal]], length: float
) -> tuple[float, float, dict[str, float]]:
    """The largest evidence, `length`, and s of each curve, found one after the other."""
    s = dict.fromkeys(pieces, USUAL)
    value = _evidence(found, pieces, s)
    for _ in range(SWEEPS):
        before = value
        for name in pieces:
            for candidate in DEVIATIONS:
                other = {**s, name: candidate}
                there = _evidence(found, pieces, other)
                if there > value:
                    s, value = other, there
        if value - before < 0.1:
            break
    return value, length, s


def _near(curves: Sequence[Described], v: FloatArray, q: int) -> FloatArray:
    """What keeps a step to the mode where the quadratic model holds: outputs move by little."""
    out, start = np.zeros((q, q)), 0
    rows = energy_rows(v, LOOSE_LENGTH, None) / TRUSTED
    for c in curves:
        width = c.rows.shape[2]
        for k in range(c.functions.shape[1]):
            by = rows @ c.functions[:, k]
            out[start : start + width, start : start + width] += by.T @ by
        start += width
    return out


def _pieces(
    curves: Sequence[Described], v: FloatArray, q: int, length: float, proper: bool = False
) -> dict[str, tuple[Quadratic, Normal]]:
    """The energy of each curve for s = 1; `proper` leaves nothing free."""
    out, start = {}, 0
    for c in curves:
        width = c.rows.shape[2]
        for k, name in enumerate(c.names):
            free = None if proper else c.free[k]
            rows = energy_rows(v, length, free)
            by = np.zeros((len(rows), q))
            by[:, start : start + width] = rows @ c.rows[k]
            level = rows @ c.values[k]
            a = by.T @ by
            own = a[start : start + width, start : start + width]
            rank = width // c.functions.shape[1] - (0 if free is None else free.shape[1])
            values = np.maximum(np.linalg.eigvalsh(own)[-rank:], np.finfo(float).tiny)
            normal = Normal(rank, float(np.sum(np.log(values))))
            out[name] = Quadratic(a, by.T @ level, 0.5 * float(level @ level)), normal
        start += width
    return out


def _total(
    found: CurveInformation | None,
    pieces: dict[str, tuple[Quadratic, Normal]],
    s: dict[str, float],
) -> Quadratic:
    q = len(next(iter(pieces.values()))[0].b)
    a, b, constant = np.zeros((q, q)), np.zeros(q), 0.0
    if found is not None:
        a, b = found.matrix.copy(), found.slope.copy()
    for name, (piece, _) in pieces.items():
        a += piece.a / s[name] ** 2
        b += piece.b / s[name] ** 2
        constant += piece.constant / s[name] ** 2
    return Quadratic(a, b, constant)


def _evidence(
    found: CurveInformation, pieces: dict[str, tuple[Quadratic, Normal]], s: dict[str, float]
) -> float:
    """Logarithm of the evidence, but for what does not depend on the prior."""
    total = _total(found, pieces, s)
    values, vectors = np.linalg.eigh(total.a)
    keep = values > TINY * values[-1]
    along = vectors[:, keep].T @ total.b
    least = total.constant - 0.5 * float(np.sum(along**2 / values[keep]))
    prior = sum(
        0.5 * n.log_determinant - n.rank * np.log(s[name]) for name, (_, n) in pieces.items()
    )
    usual = sum((np.log(x / USUAL) / SPREAD) ** 2 for x in s.values())
    return float(-least + prior - 0.5 * np.sum(np.log(values[keep])) - 0.5 * usual)


def _inverse(a: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(a)
    values = np.maximum(values, TINY * values[-1])
    return (vectors / values) @ vectors.T
