"""The kernels as they are called: of one number at a time, or of vectors, in two precisions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from .kernels.adjoint import adjoint
from .kernels.exponential import integrate_fixed
from .kernels.integrate import integrate
from .kernels.points import at_points
from .kernels.vectors import narrow_float64, wide_float32, wide_float64

_njit: Any = numba.njit
_kept: Any = _njit(fastmath={"contract"}, nogil=True, error_model="numpy", _nrt=False, cache=True)


def _digest() -> str:
    """That of the sources of all kernels.

    numba keeps what it compiled on disk, and compiles anew when the file of a function has changed;
    of the functions that it calls it knows nothing.
    """
    sources = sorted((Path(__file__).parent / "kernels").glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _integrators(digest: str) -> tuple[Callable, Callable, Callable]:
    """One element at a time; vectors in double precision; vectors in single precision.

    What a function closes over is part of what numba looks it up by on disk.
    """

    @_kept
    def one_by_one(work, tables, lines, sines, tableau, gamma, options, flags, batch, out):
        _ = digest
        return integrate(
            0.0, work, tables, lines, sines, tableau, gamma, options, flags, batch, out
        )

    @_kept
    def doubles(work, tables, lines, sines, tableau, gamma, options, flags, batch, out):
        _ = digest
        return integrate(
            wide_float64(), work, tables, lines, sines, tableau, gamma, options, flags, batch, out
        )

    @_kept
    def singles(work, tables, lines, sines, tableau, gamma, options, flags, batch, out):
        _ = digest
        return integrate(
            wide_float32(), work, tables, lines, sines, tableau, gamma, options, flags, batch, out
        )

    return one_by_one, doubles, singles


def _fixed(digest: str) -> tuple[Callable, Callable, Callable]:
    """Those in steps of a fixed size."""

    @_kept
    def one_by_one(work, tables, lines, sines, dense, options, flags, batch, out):
        _ = digest
        return integrate_fixed(0.0, work, tables, lines, sines, dense, options, flags, batch, out)

    @_kept
    def doubles(work, tables, lines, sines, dense, options, flags, batch, out):
        _ = digest
        zero = wide_float64()
        return integrate_fixed(zero, work, tables, lines, sines, dense, options, flags, batch, out)

    @_kept
    def singles(work, tables, lines, sines, dense, options, flags, batch, out):
        _ = digest
        zero = wide_float32()
        return integrate_fixed(zero, work, tables, lines, sines, dense, options, flags, batch, out)

    return one_by_one, doubles, singles


def _adjoints(digest: str) -> tuple[Callable, Callable]:
    """The adjoint, one element at a time and in vectors."""

    @_kept
    def one_by_one(work, tables, lines, sines, tableau, gamma, flags, batch, steps, bars, out):
        _ = digest
        adjoint(0.0, work, tables, lines, sines, tableau, gamma, flags, batch, steps, bars, out)

    @_kept
    def vectors(work, tables, lines, sines, tableau, gamma, flags, batch, steps, bars, out):
        _ = digest
        zero = narrow_float64()
        adjoint(zero, work, tables, lines, sines, tableau, gamma, flags, batch, steps, bars, out)

    return one_by_one, vectors


def _points(digest: str) -> tuple[Callable, Callable]:
    """Values and derivatives at single states, one at a time and in vectors."""

    @_kept
    def one_by_one(work, tables, task, quantity, batch, entries, weighted, out):
        _ = digest
        at_points(0.0, work, tables, task, quantity, batch, entries, weighted, out)

    @_kept
    def vectors(work, tables, task, quantity, batch, entries, weighted, out):
        _ = digest
        zero = narrow_float64()
        at_points(zero, work, tables, task, quantity, batch, entries, weighted, out)

    return one_by_one, vectors


one_by_one, doubles, singles = _integrators(_digest())
fixed_one_by_one, fixed_doubles, fixed_singles = _fixed(_digest())
backwards_one_by_one, backwards = _adjoints(_digest())
points_one_by_one, points = _points(_digest())
