"""Predictions of an engine and their derivatives along given directions (numpy only).

This is what Gauss-Newton, Levenberg-Marquardt and the Fisher information need. A network has
thousands of weights but only a few smooth outputs, so derivatives by all weights are neither
needed nor affordable: the engine first returns how the outputs of its networks depend on their
weights, and is then asked for derivatives along the few directions in the weights that change them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol as Interface

from ..numerics.arrays import FloatArray, Indices


@dataclass(frozen=True)
class WeightDirections:
    """Directions in the weights of one network.

    `trained` (w,) are those of its weights that move, and `columns` (w, r) how.
    """

    trained: Indices
    columns: FloatArray


@dataclass(frozen=True)
class Directions:
    """Directions in theta: those in the weights of networks first, then single entries.

    `networks` has one entry for each network, in the order of `Linearization.networks`, without
    columns for those that are held; `entries` (m,) are places in theta, `slopes` (m,) how far each
    of them moves.
    """

    networks: Sequence[WeightDirections]
    entries: Indices
    slopes: FloatArray

    @property
    def size(self) -> int:
        """The number of directions."""
        return len(self.entries) + sum(x.columns.shape[1] for x in self.networks)


class Linearization(Interface):
    """Predictions for R recordings at one theta each, and their derivatives.

    A *residual* is one number that the loss compares: the predicted observable at a sample that the
    mask keeps, or the time of a spike that has a counterpart in the recording.
    """

    @property
    def valid(self) -> Sequence[bool]:
        """Whether the prediction for each recording (R,) exists; a failed solve has none."""
        ...

    def networks(self, points: int) -> list[tuple[Indices, FloatArray]]:
        """For each network its places in theta (W,) and its outputs by its weights (n, W).

        The outputs are taken at about `points` of the states that the predictions went through.
        """
        ...

    def weights(self, recording: int) -> FloatArray:
        """The weight (n,) of each squared residual of a recording in its loss."""
        ...

    def jvp(self, recording: int, directions: Directions, states: FloatArray | None) -> FloatArray:
        """Derivatives (n, q) of the residuals of a recording along `directions`.

        The initial state is the steady state, which moves with the parameters; or it moves by
        `states` (S, m) in the public order of the states, for m more directions.
        """
        ...

    def change(
        self, which: Sequence[int], theta: FloatArray, y0: FloatArray | None
    ) -> list[FloatArray]:
        """The change (n,) of the residuals of each recording in `which` at other parameters.

        `theta` is (len(which), P), `y0` (len(which), S) or None for the steady state. A residual
        that has no counterpart there is NaN.
        """
        ...
