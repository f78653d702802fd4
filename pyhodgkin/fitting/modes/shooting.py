"""What multiple shooting compares: windows of recordings, each from a state of its own.

Over a whole recording a small error of a gate moves a spike, and then the next one; over a few
milliseconds it is a small error of v. So each window is solved from its own node, the state at
its start, which is trained along with everything else; and a continuity penalty draws the end of
each window to the next one's node. Nodes begin at the gates as the measured v drives them under
the parameters of the start (Bock & Plitt 1984, 10.1016/S1474-6670(17)61205-9).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...backends.base import SolveOptions, ValueAndGradient
from ...backends.batch_elements import Ends
from ...backends.loss import Loss
from ...numerics.arrays import FloatArray, Indices
from ...recordings import Recording
from ..losses import pooled_scale
from ..problem import Problem
from .shooting_windows import Windows, follow

GATE = 0.1  # the jump of a gate that counts as much as a jump of v by the scale of the loss


class Shooting:
    """What a stage of windows compares: as an engine does with recordings, but with nodes.

    Parameters
    ----------
    problem : Problem
    windows : Windows
        Trained on.
    heldout : Windows or None
        Judged by, from nodes as the measured v drives them.
    continuity : float
        Weight of the squared jumps at the nodes next to that of an error of v, where a jump of
        v is counted in units of the scale of the loss and a jump of a gate in units of 0.1.
    loss : Loss
    options : SolveOptions
    """

    def __init__(
        self,
        problem: Problem,
        windows: Windows,
        heldout: Windows | None,
        continuity: float,
        loss: Loss,
        options: SolveOptions,
    ) -> None:
        self._backend, self._neuron, self._cells = problem.backend, problem.neuron, problem.cells
        self.windows, self._heldout, self._continuity = windows, heldout, continuity
        self._scale = pooled_scale(windows.recordings)
        self.loss, self.factor, self._options = loss, 1.0, options

    @property
    def recordings(self) -> list[Recording]:
        return self.windows.recordings

    def __len__(self) -> int:
        return len(self.windows)

    def _weight(self) -> FloatArray:
        weight = np.full(len(self._neuron.states), self._continuity / GATE**2)
        weight[0] = self._continuity / (self.loss.scale or self._scale) ** 2
        return weight

    def driven(
        self,
        windows: Windows,
        theta: FloatArray,
        y0: FloatArray | None = None,
    ) -> FloatArray:
        """States (K, N, S) at the nodes: v as measured, gates as that drives them from `y0`."""
        out = np.zeros((len(theta), len(windows.keys), len(self._neuron.states)))
        for r, recording in enumerate(windows.smooth):
            mine = [n for n, (own, _) in enumerate(windows.keys) if own == r]
            samples = [windows.keys[n][1] for n in mine]
            of_cell = theta if self._cells is None else theta[:, self._cells.of([recording])[0]]
            start = None if y0 is None else y0[:, r]
            if mine:
                out[:, mine] = follow(
                    self._backend, self._neuron, of_cell, recording, samples, self._options, start
                )
        return out

    def value_and_grad(
        self, theta: FloatArray, states: FloatArray | None, part: Indices | None = None
    ) -> ValueAndGradient:
        """Mean over the windows (or a `part` of them); ``gradient_y0`` is by the nodes (K, N, S).

        The value is the loss and the squared jumps at the ends of the windows.
        """
        assert states is not None
        every = np.arange(len(self)) if part is None else part
        return self._run(self.windows, every, theta, states, self._weight())

    def heldout(self, theta: FloatArray) -> ValueAndGradient:
        """Mean loss over the windows held out."""
        assert self._heldout is not None
        windows = self._heldout
        nodes = self.driven(windows, theta)
        return self._run(windows, np.arange(len(windows)), theta, nodes, None)

    def remark(self, theta: FloatArray, states: FloatArray | None) -> str:
        if states is None or not len(theta):
            return ""
        jumps = self.jumps(theta, states)
        v, gates = np.median(jumps[:, 0]), np.median(np.max(jumps[:, 1:], axis=-1, initial=0.0))
        return f"largest jump between windows {v:.3g} mV, of a gate {gates:.2g}"

    def _run(
        self,
        windows: Windows,
        every: Indices,
        theta: FloatArray,
        nodes: FloatArray,
        weight: FloatArray | None,
    ) -> ValueAndGradient:
        (k, _, s), w, loss = nodes.shape, len(every), self.loss
        if loss.scale is None:
            # The spread within a window says nothing of how large an error is.
            loss = replace(loss, scale=self._scale)
        each, status = np.zeros((k, w)), np.zeros((k, w), np.int64)
        gradient, by_knots = np.zeros(theta.shape), np.zeros(nodes.shape)
        y_end = np.full((k, w, s), np.nan)
        for own in (windows.node[every] < 0, windows.node[every] >= 0):
            places, share = every[own], own.sum() / w
            if not own.any():
                continue
            started = bool(windows.node[places[0]] >= 0)
            target = _targets(nodes, windows.following[places])
            pieces = [windows.pieces[i] for i in places]
            found = self._backend.value_and_grad(
                self._neuron,
                pieces,
                theta,
                loss,
                mode="simulation",
                y0=np.ascontiguousarray(nodes[:, windows.node[places]]) if started else None,
                options=self._options,
                ends=Ends(np.zeros(s) if weight is None else weight, target),
                **({} if self._cells is None else {"cells": self._cells.of(pieces)}),
            )
            each[:, own], status[:, own] = found.per_recording, found.statuses
            gradient += share * found.gradient
            assert found.y_end is not None
            y_end[:, own] = found.y_end
            if started and found.gradient_y0 is not None:
                by_knots[:, windows.node[places]] += share * found.gradient_y0
            if weight is not None:
                by_target = share * Ends(weight, target).by_target(found.y_end)
                after = windows.following[places]
                by_knots[:, after[after >= 0]] += by_target[:, after >= 0]
        return ValueAndGradient(each.mean(axis=-1), gradient, by_knots, each, status, y_end=y_end)

    def jumps(self, theta: FloatArray, nodes: FloatArray) -> FloatArray:
        """Largest jump (K, S) of each state at the nodes, NaN where a window failed."""
        found = self.value_and_grad(theta, nodes)
        after = self.windows.following
        assert found.y_end is not None
        if not (after >= 0).any():
            return np.zeros((len(theta), nodes.shape[-1]))
        return np.max(np.abs(found.y_end - _targets(nodes, after))[:, after >= 0], axis=1)


def _targets(nodes: FloatArray, following: Indices) -> FloatArray:
    """The nodes that windows should end at (K, W, S), NaN where nothing follows."""
    k, _, s = nodes.shape
    target = np.full((k, len(following), s), np.nan)
    target[:, following >= 0] = nodes[:, following[following >= 0]]
    return target
