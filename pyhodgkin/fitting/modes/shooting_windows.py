"""Recordings cut into windows, and the states at their starts as the measured v drives them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ...backends.base import Backend, SolveOptions
from ...errors import SolveError
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray
from ...protocols import Sampled, VoltageClamp
from ...recordings import Recording
from ...recordings.plausible import judged_before

_DRIVEN = 0.2  # mV: v is followed by straight lines to within this
_LOOSE = {"rtol": 1e-4, "atol": 1e-6}


class Windows:
    """Recordings cut into windows, and which of them follow each other.

    Parameters
    ----------
    recordings : sequence of Recording
        Of current clamp.
    smooth : sequence of Recording
        The same without noise: v at the nodes begins there.
    length : float
        ms; the last window of a recording may be half as long, or half as long again.
    first_too : bool
        Whether the first window of a recording has a node too. By default it starts at the
        steady state, as the recording does.

    Attributes
    ----------
    pieces : list of Recording (W,)
        Neighbours share the sample between them; it is compared in the first of them only.
    node, following : array of int (W,)
        Number of the node that a window starts at, and of the next one's; -1 where there is none.
    keys : list of (int, int) (N,)
        Recording and sample of each node.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        smooth: Sequence[Recording],
        length: float,
        first_too: bool = False,
    ) -> None:
        self.recordings, self.smooth = list(recordings), list(smooth)
        self.pieces: list[Recording] = []
        self.keys: list[tuple[int, int]] = []
        node: list[int] = []
        following: list[int] = []
        for r, recording in enumerate(recordings):
            edges = _edges(recording, length)
            for i, (a, b) in enumerate(pairwise(edges)):
                self.pieces.append(_piece(recording, a, b))
                if i or first_too:
                    node.append(len(self.keys))
                    self.keys.append((r, a))
                else:
                    node.append(-1)
                following.append(len(self.keys) if b < edges[-1] else -1)
        self.node, self.following = np.array(node), np.array(following)

    def __len__(self) -> int:
        return len(self.pieces)


def _edges(recording: Recording, length: float) -> list[int]:
    """Places of the samples between windows, each of which holds samples that are used."""
    t = recording.t
    count = max(1, round(float(t[-1] - t[0]) / length))
    wanted = t[0] + length * np.arange(1, count)
    inner = np.unique(np.searchsorted(t, wanted - 1e-9))
    edges = [0]
    for a in inner.tolist():
        # The first sample of a window is the last one of the window before.
        if a < len(t) - 1 and recording.mask[edges[-1] + 1 : a + 1].any():
            edges.append(a)
    if len(edges) > 1 and not recording.mask[edges[-1] + 1 :].any():
        edges.pop()
    return [*edges, len(t) - 1]


def _piece(recording: Recording, a: int, b: int) -> Recording:
    """Samples a to b; time starts at 0 with the recording, or else at sample a."""
    mask, v = np.array(recording.mask[a : b + 1]), recording.data[a : b + 1]
    if a == 0:
        t, protocol = recording.t[: b + 1], recording.protocol
    else:
        mask[0] = False
        t = recording.t[a : b + 1] - recording.t[a]
        end = min(float(recording.t[b]), recording.protocol.t_end)
        protocol = recording.protocol.between(float(recording.t[a]), end)
    with judged_before():
        return replace(recording, t=t, v=v, mask=mask, protocol=protocol)


def follow(
    backend: Backend,
    neuron: Neuron,
    theta: FloatArray,
    recording: Recording,
    samples: Sequence[int],
    options: SolveOptions,
    y0: FloatArray | None,
) -> FloatArray:
    """States (K, N, S) at some samples, the voltage held at the one measured.

    Where a solve fails they are the steady states there.
    """
    at, t_end = list(samples), max(float(recording.t[-1]), recording.protocol.t_end)
    states = np.full((len(theta), len(samples), len(neuron.states)), np.nan)
    if neuron.right_hand_side is None:
        clamp = VoltageClamp(Sampled(recording.t, recording.data, tolerance=_DRIVEN), t_end)
        loose = replace(options, **_LOOSE)
        with suppress(SolveError):
            found = backend.solve(neuron, [clamp], theta, y0, recording.t[at], loose)
            states = np.array(found.y)
    v = recording.data[at]
    for k, row in enumerate(theta):
        lost = ~np.isfinite(states[k]).all(axis=-1)
        if lost.any():
            cell = neuron.with_theta(row)
            states[k, lost] = [cell.initial_state(float(x)) for x in v[lost]]
    states[..., 0] = v
    return states
