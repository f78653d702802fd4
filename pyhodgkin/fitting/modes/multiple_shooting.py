"""Multiple shooting: recordings cut into windows that each start at a state of their own.

Over a whole recording a small error of a gate moves a spike, and then the next one; over a few
milliseconds it is a small error of v. So each window is solved from its own node, the state at
its start, which is trained along with everything else; and a continuity penalty draws the end of
each window to the next one's node. Nodes begin at the gates as the measured v drives them under
the parameters of the start (Bock & Plitt 1984, 10.1016/S1474-6670(17)61205-9).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...backends.base import SolveOptions, ValueAndGradient
from ...backends.batch_elements import Ends
from ...backends.loss import Loss
from ..losses import pooled_scale
from ..parameterization import Parameterization
from ..prepared_recordings import cut
from ..stage import Stage
from .windows import Windows, follow

if TYPE_CHECKING:
    from ..objective import Problem

FloatArray = NDArray[np.float64]
Places = NDArray[np.intp]

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
    """

    def __init__(
        self,
        problem: Problem,
        windows: Windows,
        heldout: Windows | None,
        continuity: float,
    ) -> None:
        self._backend, self._neuron, self._cells = problem.backend, problem.neuron, problem.cells
        self.windows, self._heldout, self._continuity = windows, heldout, continuity
        self._scale = pooled_scale(windows.recordings)

    def __len__(self) -> int:
        return len(self.windows)

    def _weight(self, loss: Loss) -> FloatArray:
        weight = np.full(len(self._neuron.states), self._continuity / GATE**2)
        weight[0] = self._continuity / (loss.scale or self._scale) ** 2
        return weight

    def driven(
        self,
        windows: Windows,
        theta: FloatArray,
        options: SolveOptions,
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
                    self._backend, self._neuron, of_cell, recording, samples, options, start
                )
        return out

    def value_and_grad(
        self,
        theta: FloatArray,
        nodes: FloatArray,
        loss: Loss,
        options: SolveOptions,
        part: Places | None = None,
    ) -> ValueAndGradient:
        """Mean over the windows (or a `part` of them); ``gradient_y0`` is by the nodes (K, N, S).

        The value is the loss and the squared jumps at the ends of the windows.
        """
        every = np.arange(len(self)) if part is None else part
        return self._run(self.windows, every, theta, nodes, loss, options, self._weight(loss))

    def heldout(self, theta: FloatArray, loss: Loss, options: SolveOptions) -> ValueAndGradient:
        """Mean loss over the windows held out."""
        assert self._heldout is not None
        windows = self._heldout
        nodes = self.driven(windows, theta, options)
        return self._run(windows, np.arange(len(windows)), theta, nodes, loss, options, None)

    def _run(
        self,
        windows: Windows,
        every: Places,
        theta: FloatArray,
        nodes: FloatArray,
        loss: Loss,
        options: SolveOptions,
        weight: FloatArray | None,
    ) -> ValueAndGradient:
        (k, _, s), w = nodes.shape, len(every)
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
                options=options,
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

    def jumps(
        self, theta: FloatArray, nodes: FloatArray, loss: Loss, options: SolveOptions
    ) -> FloatArray:
        """Largest jump (K, S) of each state at the nodes, NaN where a window failed."""
        found = self.value_and_grad(theta, nodes, loss, options)
        after = self.windows.following
        assert found.y_end is not None
        if not (after >= 0).any():
            return np.zeros((len(theta), nodes.shape[-1]))
        return np.max(np.abs(found.y_end - _targets(nodes, after))[:, after >= 0], axis=1)


def _targets(nodes: FloatArray, following: Places) -> FloatArray:
    """The nodes that windows should end at (K, W, S), NaN where nothing follows."""
    k, _, s = nodes.shape
    target = np.full((k, len(following), s), np.nan)
    target[:, following >= 0] = nodes[:, following[following >= 0]]
    return target


class ShootingNodes(Parameterization):
    """Other unknowns, and the states at the nodes: gates, and v where it is noisy.

    Parameters
    ----------
    unknowns : Parameterization
        The trainable parameters; initial states that are fitted are the first nodes.
    shooting : Shooting
    begin : callable
        Gives the nodes (K, N, S) to begin with; called when they are first needed.
    gates : bool
        As of `Parameterization`.
    free_v : bool
        Whether v at the nodes is trained too.
    """

    def __init__(
        self,
        unknowns: Parameterization,
        shooting: Shooting,
        begin: Callable[[], FloatArray],
        gates: bool = True,
        free_v: bool = False,
    ) -> None:
        super().__init__(unknowns.transform, unknowns.theta, None, gates, free_v)
        self.shooting, self._keys = shooting, shooting.windows.keys
        self._parameters, self._begin = unknowns.without_states(), begin
        self._whole = unknowns.y0 is not None

    @property
    def indices(self) -> Places:
        """Places in theta of the entries of phi that are parameters."""
        return self._parameters.indices

    @property
    def units(self) -> FloatArray:
        return self._parameters.units

    def _start(self) -> FloatArray:
        return self._parameters.start()

    def _theta(self, phi: FloatArray) -> FloatArray:
        return self._parameters.unpack(phi)[0]

    def _chain_rule(self, phi: FloatArray, by_theta: FloatArray) -> FloatArray:
        return self._parameters.vjp(phi, by_theta, None, np.arange(len(phi)))

    def start(self) -> FloatArray:
        if self.y0 is None:
            self.y0 = self._begin()
        return super().start()

    def take_over(self, before: ShootingNodes, phi: FloatArray, rows: NDArray[np.bool_]) -> None:
        """Begin at the nodes that another stage has trained, where it had any there."""
        self.start()
        states = before.unpack(phi)[1]
        assert self.y0 is not None and states is not None
        theirs = {key: n for n, key in enumerate(before._keys)}
        for n, key in enumerate(self._keys):
            if key in theirs:
                self.y0[rows, n] = states[rows, theirs[key]]

    def initial(self, phi: FloatArray) -> FloatArray | None:
        if not self._whole:
            return None
        nodes = self.unpack(phi)[1]
        assert nodes is not None
        return nodes[:, [n for n, (_, sample) in enumerate(self._keys) if sample == 0]]


def shooting_nodes_of(problem: Problem, stage: Stage, unknowns: Parameterization) -> ShootingNodes:
    """The unknowns of a stage of windows: `unknowns`, and the nodes."""
    neuron, options = problem.neuron, replace(problem.options, **stage.options)
    windows: list[Windows | None] = []
    for i, view in enumerate(problem.prepared):
        measured, smooth = (
            [cut(r, stage.horizon) for r in x] for x in (view.measured, view.smooth)
        )
        fitted, length = i == 0 and unknowns.y0 is not None, stage.window or 0.0
        windows.append(Windows(measured, smooth, length, fitted) if measured else None)
    trained, heldout = windows
    assert trained is not None
    shooting = Shooting(problem, trained, heldout, stage.continuity)
    return ShootingNodes(
        unknowns,
        shooting,
        lambda: shooting.driven(trained, unknowns.theta, options, unknowns.y0),
        gates=neuron.right_hand_side is None,
        free_v=any(x > 0.0 for x in problem.noise),
    )
