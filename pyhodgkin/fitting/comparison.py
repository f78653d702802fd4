"""What a stage compares with what was measured, for theta and the states that are fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from typing import Protocol as Interface

import numpy as np

from ..backends.base import Backend, SolveOptions, ValueAndGradient
from ..backends.linearization import Linearization
from ..backends.loss import Loss
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..recordings import Recording
from .problem import Problem
from .residuals import gauss_newton, residuals


class Model(Interface):
    """A neuron that an engine is given in place of the one that is trained."""

    @property
    def neuron(self) -> Neuron: ...

    def theta(self, theta: FloatArray) -> FloatArray:
        """Its parameters, from those of the neuron that is trained."""
        ...

    def vjp(self, gradient: FloatArray) -> FloatArray:
        """The gradient by the parameters of the neuron that is trained, of that by its own."""
        ...


@dataclass(frozen=True)
class TrainedNeuron:
    """The neuron that is trained, itself."""

    neuron: Neuron

    def theta(self, theta: FloatArray) -> FloatArray:
        return theta

    def vjp(self, gradient: FloatArray) -> FloatArray:
        return gradient


class Comparison(Interface):
    """What a mode prepares for a stage. `theta` is (K, P) or (K, C, P), `states` (K, N, S)."""

    @property
    def loss(self) -> Loss: ...

    @property
    def factor(self) -> float:
        """Of the loss of the recordings in the value."""
        ...

    @property
    def recordings(self) -> Sequence[Recording]:
        """What is trained on."""
        ...

    def __len__(self) -> int:
        """The number of parts that minibatches are drawn from."""
        ...

    def value_and_grad(
        self, theta: FloatArray, states: FloatArray | None, part: Indices | None = None
    ) -> ValueAndGradient:
        """The loss, on a `part` of what is trained on or on all of it."""
        ...

    def heldout(self, theta: FloatArray) -> ValueAndGradient:
        """The loss on what is held out."""
        ...

    def remark(self, theta: FloatArray, states: FloatArray | None) -> str:
        """What else there is to say of parameters, after a stage."""
        ...


class LeastSquares(Comparison, Interface):
    """A comparison by residuals, which Levenberg-Marquardt needs."""

    @property
    def model(self) -> Model:
        """The neuron that an engine is given."""
        ...

    def residuals(self, theta: FloatArray, states: FloatArray | None) -> list[FloatArray]:
        """Scaled residuals (K, n) of each recording."""
        ...

    def gauss_newton(
        self,
        values: Sequence[FloatArray],
        slopes: Sequence[FloatArray],
        places: Sequence[Indices] | None,
    ) -> FloatArray:
        """The Gauss-Newton matrix (p, p) of the value, from residuals and their slopes.

        `slopes` (n, q) of each recording are by the entries `places` (q,) of phi, or by all.
        """
        ...

    def cell_parameters(self, theta: FloatArray) -> FloatArray:
        """Those (R, P) of the cell of each recording, of `theta` (P,) or (C, P)."""
        ...

    def parameters(self, theta: FloatArray) -> FloatArray:
        """Those (R, P') that an engine is given for each recording, of `theta` (P,) or (C, P)."""
        ...

    def linearize(self, theta: FloatArray, states: FloatArray | None) -> Linearization:
        """Predictions and their derivatives at `parameters` (R, P') and initial states (R, S)."""
        ...

    def timed(self) -> bool:
        """Whether the loss has terms besides residuals, of which there are no differences."""
        ...


class RecordingComparison:
    """Predictions of an engine against what the recordings hold.

    Parameters
    ----------
    problem : Problem
    recordings, heldout : sequence of Recording
        As an engine is given them.
    loss : Loss
    options : SolveOptions
    mode : {"simulation", "clamped"}
        Of the engine.
    model : Model, optional
        Default: the neuron that is trained.
    factor : float
    """

    def __init__(
        self,
        problem: Problem,
        recordings: Sequence[Recording],
        heldout: Sequence[Recording],
        loss: Loss,
        options: SolveOptions,
        mode: str,
        model: Model | None = None,
        factor: float = 1.0,
    ) -> None:
        self.recordings, self.loss, self.factor = recordings, loss, factor
        self._problem, self._heldout, self._options, self._mode = problem, heldout, options, mode
        self.model: Model = TrainedNeuron(problem.neuron) if model is None else model

    def __len__(self) -> int:
        return len(self.recordings)

    @property
    def backend(self) -> Backend:
        return self._problem.backend

    @property
    def settings(self) -> dict[str, Any]:
        """How an engine is to predict, whatever it starts from."""
        return {"mode": self._mode, "options": self._options}

    def value_and_grad(
        self, theta: FloatArray, states: FloatArray | None, part: Indices | None = None
    ) -> ValueAndGradient:
        if part is None:
            return self._evaluate(self.recordings, theta, states)
        mine = [self.recordings[i] for i in part]
        found = self._evaluate(mine, theta, None if states is None else states[:, part])
        if states is None or found.gradient_y0 is None:
            return found
        by_states = np.zeros(states.shape)
        by_states[:, part] = found.gradient_y0
        return replace(found, gradient_y0=by_states)

    def heldout(self, theta: FloatArray) -> ValueAndGradient:
        return self._evaluate(self._heldout, theta, None)

    def residuals(self, theta: FloatArray, states: FloatArray | None) -> list[FloatArray]:
        return residuals(
            self._problem.backend,
            self.model.neuron,
            self.recordings,
            self.model.theta(theta),
            loss=self.loss,
            **self._how(self.recordings, states),
        )

    def residuals_of(self, which: Indices, theta: FloatArray, cells: Indices) -> list[FloatArray]:
        """Those of some recordings (n,), of cells (n,) whose parameters are `theta` (M, C, P)."""
        return residuals(
            self._problem.backend,
            self.model.neuron,
            [self.recordings[i] for i in which],
            self.model.theta(theta),
            loss=self.loss,
            mode=self._mode,
            y0=None,
            options=self._options,
            cells=cells,
        )

    def gauss_newton(
        self,
        values: Sequence[FloatArray],
        slopes: Sequence[FloatArray],
        places: Sequence[Indices] | None,
    ) -> FloatArray:
        return self.factor * gauss_newton(values, slopes, self.loss, places)

    def cell_parameters(self, theta: FloatArray) -> FloatArray:
        if self._problem.cells is None:
            return np.repeat(theta[None], len(self.recordings), axis=0)
        return theta[self._problem.cells.of(self.recordings)]

    def parameters(self, theta: FloatArray) -> FloatArray:
        return self.model.theta(self.cell_parameters(theta))

    def linearize(self, theta: FloatArray, states: FloatArray | None) -> Linearization:
        return self._problem.backend.linearize(
            self.model.neuron,
            self.recordings,
            theta,
            self.loss,
            mode=self._mode,
            y0=states,
            options=self._options,
        )

    def timed(self) -> bool:
        special = self.loss.spikes > 0 or self.loss.v_clip is not None
        observed = all(r.observed == "v" for r in self.recordings)
        return special and observed and self._mode == "simulation"

    def remark(self, theta: FloatArray, states: FloatArray | None) -> str:
        return ""

    def _evaluate(
        self, recordings: Sequence[Recording], theta: FloatArray, y0: FloatArray | None
    ) -> ValueAndGradient:
        found = self._problem.backend.value_and_grad(
            self.model.neuron,
            recordings,
            self.model.theta(theta),
            self.loss,
            **self._how(recordings, y0),
        )
        by_y0 = found.gradient_y0
        return replace(
            found,
            value=self.factor * found.value,
            gradient=self.factor * self.model.vjp(found.gradient),
            gradient_y0=None if by_y0 is None else self.factor * by_y0,
        )

    def _how(self, recordings: Sequence[Recording], y0: FloatArray | None) -> dict[str, Any]:
        """How an engine is to predict; of cells it is told where there are some."""
        cells = self._problem.cells
        more = {} if cells is None else {"cells": cells.of(recordings)}
        return {"mode": self._mode, "y0": y0, "options": self._options, **more}
