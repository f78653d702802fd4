"""What Gauss and Newton's method needs of each recording, for the directions that move it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

import numpy as np

from ..backends.linearization import Directions, Linearization
from ..numerics.arrays import FloatArray

MOST = 1e7  # mV or ms per unit of phi: what goes faster means nothing


@dataclass(frozen=True)
class Part:
    """A recording, the directions (q,) that it depends on, and how they move its start."""

    number: int
    directions: Directions
    states: FloatArray | None


class NormalEquations(Interface):
    """Products of derivatives, recording by recording; the derivatives stay where they are."""

    def products(self, parts: Sequence[Part]) -> list[FloatArray]:
        """JᵀWJ (q, q) of the derivatives J (n, q) of the residuals, with their weights W."""
        ...

    def second_order(
        self,
        which: Sequence[int],
        theta: FloatArray,
        y0: FloatArray | None,
        steps: Sequence[FloatArray],
        part_of: float,
    ) -> list[FloatArray]:
        """JᵀW r'' (q,), with the second derivative r'' of the residuals along a step (q,).

        By a difference, from predictions at `theta` and `y0`, so large a part of the step away.
        """
        ...


class LocalEquations:
    """Those of a linearization of this process; see `NormalEquations`."""

    def __init__(self, linearization: Linearization) -> None:
        self._at = linearization
        self._rows: dict[int, FloatArray] = {}

    def products(self, parts: Sequence[Part]) -> list[FloatArray]:
        return [self._product(part) for part in parts]

    def _product(self, part: Part) -> FloatArray:
        found = self._at.jvp(part.number, part.directions, part.states)
        # Near an equilibrium that is unstable they grow without end, and hide all others.
        found *= np.minimum(1.0, MOST / np.maximum(np.linalg.norm(found, axis=1), 1e-300))[:, None]
        self._rows[part.number] = found
        return found.T @ (found * self._at.weights(part.number)[:, None])

    def second_order(
        self,
        which: Sequence[int],
        theta: FloatArray,
        y0: FloatArray | None,
        steps: Sequence[FloatArray],
        part_of: float,
    ) -> list[FloatArray]:
        changes, out = self._at.change(which, theta, y0), []
        for number, change, step in zip(which, changes, steps, strict=True):
            rows = self._rows[number]
            second = 2.0 / part_of * (change / part_of - rows @ step)
            out.append(rows.T @ (self._at.weights(number) * np.nan_to_num(second)))
        return out


def equations_of(linearization: Linearization) -> NormalEquations:
    """Those of a linearization: its own where it has them, for instance on other machines."""
    own = getattr(linearization, "equations", None)
    return LocalEquations(linearization) if own is None else own
