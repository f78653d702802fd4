"""Cells compared each by itself, and computed by one call of an engine.

Cells are as starts are, but each has recordings of its own. What an engine computes for one of them
does not depend on which others it is given, to the last bit: it gets powers of two of them, since
it takes means over all, and at least four, which it computes side by side as it does many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..backends.base import ValueAndGradient
from ..numerics.arrays import FloatArray, Indices
from ..status import Status
from .comparison import Comparison, RecordingComparison
from .residuals import residuals

FEWEST, MOST = 4, 256  # recordings in one call


class Together:
    """The comparisons of K cells with R recordings each.

    Parameters
    ----------
    comparisons : sequence of RecordingComparison
        For which `may_be_together` is true.
    """

    def __init__(self, comparisons: Sequence[RecordingComparison]) -> None:
        self._each, self._one = comparisons, comparisons[0]
        self._count = len(self._one.recordings)
        loss = self._one.loss
        self._scales = np.array([x.loss.scale or 1.0 for x in comparisons])
        # An engine knows one scale for all.
        self._loss = loss if loss.scale is None else replace(loss, scale=1.0)

    def value_and_grad(
        self, which: Sequence[int], theta: FloatArray, states: FloatArray | None
    ) -> ValueAndGradient:
        """That of some cells (n,) at `theta` (n, P) and initial `states` (n, R, S)."""
        r, rows = self._count, self._one.model.theta(theta)
        recordings = [x for k in which for x in self._each[k].recordings]
        rows = np.repeat(rows, r, axis=0)
        y0 = None if states is None else states.reshape(len(rows), -1)
        each, status = np.full(len(rows), np.inf), np.zeros(len(rows), np.int64)
        by_theta = np.zeros(rows.shape)
        by_y0 = None if y0 is None else np.zeros(y0.shape)
        left = np.arange(len(rows))
        while len(left):
            again: list[Indices] = []
            for own in _blocks(left):
                found = self._call([recordings[i] for i in own], rows[own], y0, own)
                n = len(np.unique(own))
                status[own[:n]], each[own[:n]] = found.statuses[:n], found.per_recording[:n]
                good = found.statuses[:n] == Status.SUCCESS
                if not good.all():  # an engine gives no gradient where one fails
                    again.append(own[:n][good])
                    continue
                by_theta[own[:n]] = len(own) * found.gradient[:n]
                if by_y0 is not None and found.gradient_y0 is not None:
                    by_y0[own[:n]] = len(own) * found.gradient_y0[:n]
            left = np.concatenate(again) if again else left[:0]
        weight = self._one.factor / self._scales[list(which)] ** 2
        by_cell = by_theta.reshape(len(theta), r, -1).mean(axis=1)
        if by_y0 is not None:
            by_y0 = (by_y0.reshape(len(theta), r, -1) / r) * weight[:, None, None]
        per_recording = each.reshape(-1, r) * weight[:, None]
        return ValueAndGradient(
            per_recording.mean(axis=-1),
            self._one.model.vjp(by_cell) * weight[:, None],
            by_y0,
            per_recording,
            status.reshape(-1, r),
        )

    def _call(
        self, recordings: Sequence[Any], rows: FloatArray, y0: FloatArray | None, own: Indices
    ) -> ValueAndGradient:
        one = self._one
        return one.backend.value_and_grad(
            one.model.neuron,
            recordings,
            rows,
            self._loss,
            y0=None if y0 is None else np.ascontiguousarray(y0[own]),
            cells=np.arange(len(recordings)),
            **one.settings,
        )

    def residuals(
        self, which: Sequence[int], theta: FloatArray, states: FloatArray | None
    ) -> list[list[FloatArray]]:
        """Scaled residuals (M, n) of the recordings of some cells (n,).

        `theta` is (n, M, P), `states` (n, M, R, S).
        """
        r, one = self._count, self._one
        rows = np.repeat(one.model.theta(theta).swapaxes(0, 1), r, axis=1)
        y0 = None
        if states is not None:
            y0 = np.ascontiguousarray(states.swapaxes(0, 1)).reshape(*rows.shape[:2], -1)
        found = residuals(
            one.backend,
            one.model.neuron,
            [x for k in which for x in self._each[k].recordings],
            rows,
            loss=self._loss,
            y0=y0,
            cells=np.arange(rows.shape[1]),
            **one.settings,
        )
        parts = [found[i * r : (i + 1) * r] for i in range(len(which))]
        return [[x / self._scales[k] for x in own] for k, own in zip(which, parts, strict=True)]


def may_be_together(comparisons: Sequence[Comparison]) -> bool:
    """Whether one call of an engine serves all of them."""
    one = comparisons[0]
    for x in comparisons:
        if not isinstance(x, RecordingComparison) or not isinstance(one, RecordingComparison):
            return False
        alike = replace(x.loss, scale=None) == replace(one.loss, scale=None)
        alike = alike and (x.loss.scale is None) == (one.loss.scale is None)
        if not alike or x.factor != one.factor or x.settings != one.settings or x.timed():
            return False
        if len(x.recordings) != len(one.recordings):
            return False
    assert isinstance(one, RecordingComparison)
    return one.loss.scale is None or (one.loss.kind == "mse" and one.loss.v_clip is None)


def _blocks(places: Indices) -> list[Indices]:
    """`places` in parts whose sizes are powers of two, the last one filled up.

    Examples
    --------
    >>> [len(part) for part in _blocks(np.arange(13))]
    [8, 4, 4]
    """
    out, begin = [], 0
    while len(places) - begin >= FEWEST:
        size = min(MOST, 1 << ((len(places) - begin).bit_length() - 1))
        out.append(places[begin : begin + size])
        begin += size
    if begin < len(places):
        rest = places[begin:]
        out.append(np.concatenate([rest, np.repeat(rest[:1], FEWEST - len(rest))]))
    return out
