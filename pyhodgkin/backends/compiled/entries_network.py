"""The kernel of a network of neurons as it is called: cells one by one, or side by side."""

from __future__ import annotations

from collections.abc import Callable

from .entries import _digest, _kept
from .kernels.spiking import advance
from .kernels.vectors import wide_float64


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


one_by_one, vectors = _kernels(_digest())
