"""Traces made by hand, and an engine that predicts what it is told."""

from __future__ import annotations

import numpy as np
from fit_stub import StubBackend

import pyhodgkin as ph

T = np.arange(0.0, 100.0, 0.1)


def spiky(times, base=-65.0, t=T):
    """A trace with triangular spikes, 100 mV high, that rise through 0 mV at `times`."""
    v = np.full(len(t), base)
    for time in times:
        v = np.maximum(v, base + 100.0 * np.maximum(1 - np.abs(t - time - 0.35), 0.0))
    return v


def trace(times, **fields):
    return ph.Recording(T, ph.CurrentClamp.constant(0.0, 100.0), v=spiky(times), **fields)


class Fixed(StubBackend):
    """Predicts the traces given by hand: for each recording name (K, T)."""

    def __init__(self, **traces):
        super().__init__()
        self.traces = traces

    def predict(self, neuron, recordings, theta, *, mode, y0, options):
        self.modes.append((mode, len(theta), [r.name for r in recordings], y0))
        return [np.atleast_2d(self.traces[r.name])[: len(theta)] for r in recordings]
