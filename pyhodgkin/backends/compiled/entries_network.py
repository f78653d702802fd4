"""The kernel of a network of neurons as it is called: cells one by one, or side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from .entries import _digest, _kept
from .kernels.vectors import wide_float64
from .spiking.advance import advance


def _own_digest() -> str:
    """That of the sources of these kernels and of those that they call; see `entries`."""
    sources = sorted((Path(__file__).parent / "spiking").glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def _kernels(digest: str) -> tuple[Callable, Callable]:
    @_kept
    def one_by_one(team, span, clock, tables, network, arrays, connections, inputs, spikes, counts):
        _ = digest
        advance(
            0.0, team, span, clock, tables, network, arrays, connections, inputs, spikes, counts
        )

    @_kept
    def vectors(team, span, clock, tables, network, arrays, connections, inputs, spikes, counts):
        _ = digest
        zero = wide_float64()
        advance(
            zero, team, span, clock, tables, network, arrays, connections, inputs, spikes, counts
        )

    return one_by_one, vectors


one_by_one, vectors = _kernels(_digest() + _own_digest())
