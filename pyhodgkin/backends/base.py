"""The contract of an engine: values in, values out, the same for every engine.

An engine never sees a Python function of the user's: a neuron, a protocol and a loss are plain
values, so that the same call can be answered by torch or by Julia.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol as Interface

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, unknown
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..protocols import Protocol
from ..recordings import Recording
from ..solution.voltage_steps import VoltageSteps
from ..status import Status
from .batch_elements import Ends
from .linearization import Linearization
from .loss import Loss
from .options import SolveOptions


def is_clamped(protocols: Sequence[Protocol]) -> bool:
    """Whether the protocols are voltage clamps; a batch must be of one kind."""
    kinds = {protocol.kind == "voltage" for protocol in protocols}
    if len(kinds) != 1:
        raise InputError("protocols: a batch is all current clamp or all voltage clamp")
    return kinds.pop()


def protocol_ends(protocols: Sequence[Protocol], saveat: FloatArray) -> FloatArray:
    """When each protocol ends, ms: its `t_end`, or a sample that is later by rounding only.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> clamps = [CurrentClamp.constant(0.0, t_end) for t_end in (0.3, 1.0)]
    >>> protocol_ends(clamps, 0.1 * np.arange(8)).tolist()
    [0.30000000000000004, 1.0]
    """
    ends = np.array([protocol.t_end for protocol in protocols])
    inside = np.searchsorted(saveat, ends * (1.0 + 1e-9), side="right")
    last = np.where(inside > 0, saveat[np.maximum(inside - 1, 0)], 0.0)
    return np.maximum(ends, last)


@dataclass(frozen=True)
class Penalty:
    """A quadratic penalty on parameters: strength · mean((theta - centre)²) over `indices`."""

    indices: Indices
    centre: FloatArray
    strength: float


def check_mode(mode: str, ends: Ends | None = None) -> None:
    """Raise unless `mode` is one of the two, and has ends."""
    if mode not in ("simulation", "clamped"):
        raise unknown("mode", mode, ("simulation", "clamped"))
    if ends is not None and mode == "clamped":
        raise InputError('ends: a known voltage has none; use mode = "simulation"')


@dataclass(frozen=True)
class RawSolution:
    """What an engine returns from a solve of a batch of B elements at T times.

    `y` is (B, T, S); samples that were not reached, after a failure or the end of the protocol,
    are NaN. `stats` holds ``n_steps``, ``n_rejected``, ``n_f_evals``, each (B,); `status` is
    (B,). `steps` is there in current clamp when the solve went to the ends of the protocols.
    """

    t: FloatArray
    y: FloatArray
    stats: dict[str, NDArray[np.int64]]
    status: NDArray[np.int64]
    steps: VoltageSteps | None = None


@dataclass(frozen=True)
class ValueAndGradient:
    """Loss and gradient from one call.

    `value` is () or (K,), `gradient` (P,) or (K, P), `gradient_y0` (R, S) or (K, R, S) (the
    gradient with respect to the start of each recording), `per_recording` (R,) or (K, R) the
    loss of each recording, `statuses` (R,) or (K, R). Where a solve failed the value is inf
    and the gradient zero. With cells `gradient` is (C, P) or (K, C, P). `y_end` (R, S) or
    (K, R, S), the state at the last sample of each recording, is there when `Ends` were given.
    """

    value: FloatArray
    gradient: FloatArray
    gradient_y0: FloatArray | None
    per_recording: FloatArray
    statuses: NDArray[np.int64]
    stats: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    y_end: FloatArray | None = None

    @property
    def failed(self) -> NDArray[np.bool_]:
        """() or (K,): whether any recording of an element failed."""
        return np.any(self.statuses != Status.SUCCESS, axis=-1)

    def first(self) -> ValueAndGradient:
        """That of the first of K parameter sets, without its axis."""
        y0 = self.gradient_y0
        return ValueAndGradient(
            self.value[0],
            self.gradient[0],
            None if y0 is None else y0[0],
            self.per_recording[0],
            self.statuses[0],
            {k: x[0] for k, x in self.stats.items()},
            None if self.y_end is None else self.y_end[0],
        )


class Backend(Interface):
    """What every engine offers."""

    name: str

    def solvers(self) -> tuple[str, ...]:
        """Names of the solvers, the default first."""
        ...

    def solve(
        self,
        neuron: Neuron,
        protocols: Sequence[Protocol],
        theta: FloatArray,
        y0: FloatArray | None,
        saveat: FloatArray,
        options: SolveOptions,
        *,
        to_end: bool = False,
    ) -> RawSolution:
        """Solve a batch: `theta` is (P,) or (B, P), `y0` None, (S,) or (B, S), `saveat` (T,).

        There is one protocol for each element, or one for all; they are all of one clamp. Every
        element goes to the last of `saveat`; with `to_end` to the end of its own protocol,
        whatever `saveat` is. Without `y0` an element starts at the `v_rest` of the neuron with
        its gates at the steady state there, under voltage clamp at the command of the first
        moment.
        """
        ...

    def value_and_grad(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        theta: FloatArray,
        loss: Loss,
        *,
        mode: str,
        y0: FloatArray | None,
        options: SolveOptions,
        cells: Indices | None = None,
        ends: Ends | None = None,
    ) -> ValueAndGradient:
        """Mean loss over `recordings` and its gradient, for `theta` (P,) or (K, P) at once.

        `mode` is ``"simulation"`` (solve, compare what was observed) or ``"clamped"`` (drive
        the gates with the measured or commanded voltage, compare the current). `y0` is None
        (steady state at the first voltage, which the gradient sees through), (R, S) or (K, R, S).

        With `cells` (R,) recording r is of cell ``cells[r]``, whose parameters are that row of
        `theta`, which is then (C, P) or (K, C, P), like the gradient. `ends` adds what the
        states at the last samples should be (only in simulation).
        """
        ...

    def predict(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        theta: FloatArray,
        *,
        mode: str,
        y0: FloatArray | None,
        options: SolveOptions,
        cells: Indices | None = None,
    ) -> list[FloatArray]:
        """What the model says each recording should have observed: (T,) or (K, T) each."""
        ...

    def linearize(
        self,
        neuron: Neuron,
        recordings: Sequence[Recording],
        theta: FloatArray,
        loss: Loss,
        *,
        mode: str,
        y0: FloatArray | None,
        options: SolveOptions,
    ) -> Linearization:
        """Predictions for recordings at `theta` (R, P) and `y0` (R, S), with their derivatives.

        Derivatives are along directions that are given afterwards (forward sensitivities): for
        Gauss-Newton, Levenberg-Marquardt and the Fisher information. Without `y0` a recording
        starts at the steady state at its first voltage.
        """
        ...
