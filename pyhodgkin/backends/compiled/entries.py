"""The kernels as they are called: of one number at a time, or of vectors, in two precisions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from .adjoint import adjoint
from .integrate import integrate
from .points import at_points
from .vectors import zero_float32, zero_float64

_njit: Any = numba.njit


def _digest() -> str:
    """That of the sources of all kernels.

    numba keeps what it compiled on disk, and compiles anew when the file of a function has changed;
    of the functions that it calls it knows nothing.
    """
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _kernels(digest: str) -> tuple[Callable, Callable, Callable]:
    """One element at a time; vectors in double precision, in single precision; the adjoint.

    What a function closes over is part of what numba looks it up by on disk.
    """
    kept: Any = _njit(
        fastmath={"contract"}, nogil=True, error_model="numpy", _nrt=False, cache=True
    )

    @kept
    def one_by_one(work, tables, lines, sines, tableau, gamma, options, flags, batch, out):
        _ = digest
        return integrate(
            0.0, work, tables, lines, sines, tableau, gamma, options, flags, batch, out
        )

    @kept
    def doubles(work, tables, lines, sines, tableau, gamma, options, flags, batch, out):
        _ = digest
        return integrate(
            zero_float64(), work, tables, lines, sines, tableau, gamma, options, flags, batch, out
        )

    @kept
    def singles(work, tables, lines, sines, tableau, gamma, options, flags, batch, out):
        _ = digest
        return integrate(
            zero_float32(), work, tables, lines, sines, tableau, gamma, options, flags, batch, out
        )

    @kept
    def backwards(work, tables, lines, sines, tableau, gamma, flags, batch, steps, bars, out):
        _ = digest
        adjoint(
            zero_float64(),
            work,
            tables,
            lines,
            sines,
            tableau,
            gamma,
            flags,
            batch,
            steps,
            bars,
            out,
        )

    @kept
    def points(work, tables, task, quantity, batch, entries, weighted, out):
        _ = digest
        at_points(
            zero_float64(), work, tables, task, quantity, batch, entries, weighted, out
        )

    return one_by_one, doubles, singles, backwards, points


one_by_one, doubles, singles, backwards, points = _kernels(_digest())

