"""Multiple shooting: the neuron solved in windows, each from a state that is trained too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...numerics.arrays import FloatArray, Indices
from ..comparison import Comparison
from ..parameterization import Parameterization
from ..prepared_recordings import cut
from ..problem import Problem
from ..states import InitialStates
from .base import Mode, StageSettings, register
from .shooting import Shooting
from .shooting_windows import Windows

Key = tuple[int, int]  # recording and sample of a node


class ShootingNodes(InitialStates):
    """The states at the nodes: gates, and v where it is noisy.

    Parameters
    ----------
    shooting : Shooting
    begin : callable
        Gives the nodes (K, N, S) to begin with; called when they are first needed.
    whole : bool
        Whether the first nodes are initial states of the recordings, which are fitted.
    gates, free_v : bool
        As of `InitialStates`.
    others : sequence of int
        Places of the recordings of voltage clamp among all, whose initial states are fitted too:
        the last nodes.
    """

    def __init__(
        self,
        shooting: Shooting,
        begin: Callable[[], FloatArray],
        whole: bool,
        gates: bool = True,
        free_v: bool = False,
        others: Sequence[int] = (),
    ) -> None:
        super().__init__(np.empty(0), gates, free_v)
        self.shooting = shooting
        # A recording of voltage clamp has no windows: its initial state, under its own number.
        self._keys: list[Key] = [*shooting.windows.keys, *((-1 - i, 0) for i in others)]
        self._others = np.array(others, dtype=np.intp)
        self._begin: Callable[[], FloatArray] | None = begin
        self._whole = whole

    @property
    def counts(self) -> tuple[int, int]:
        """How many nodes windows have, and how many recordings of voltage clamp."""
        return len(self.shooting.windows.keys), len(self._others)

    @property
    def values(self) -> FloatArray:
        if self._begin is not None:
            self._values, self._begin = self._begin(), None
        return self._values

    def take_over(self, before: ShootingNodes, states: FloatArray, rows: NDArray[np.bool_]) -> None:
        """Begin at the `states` (K, N, S) of nodes of another stage, where it had any there."""
        own, theirs = self.values, {key: n for n, key in enumerate(before._keys)}
        for n, key in enumerate(self._keys):
            if key in theirs:
                own[rows, n] = states[rows, theirs[key]]

    def initial(self, phi: FloatArray) -> FloatArray | None:
        if not self._whole:
            return None
        nodes = self.unpack(phi)
        first = nodes[:, [n for n, (_, sample) in enumerate(self._keys) if sample == 0]]
        if not len(self._others):
            return first
        windows = np.setdiff1d(np.arange(first.shape[1]), self._others)
        out = np.empty_like(first)
        out[:, np.concatenate([windows, self._others])] = first
        return out


@register
@dataclass(frozen=True)
class MultipleShooting(Mode):
    """The neuron is solved in windows, each from a node: a state that is trained too.

    Parameters
    ----------
    window : float
        Length of the windows, ms.
    continuity : float
        Weight of the squared jumps from the end of each window to the next node, for v in units
        of the scale of the loss and for gates in units of 0.1.

    References
    ----------
    Bock & Plitt 1984, IFAC Proc 17:1603. :doi:`10.1016/S1474-6670(17)61205-9`
    """

    window: float = field(metadata={"unit": "ms"})
    continuity: float = 1.0
    name: ClassVar[str] = "multiple_shooting"
    optimizers: ClassVar[tuple[str, ...] | None] = ("adamw", "lbfgs")
    starts_at_measured_v: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.window < np.inf:
            raise InputError(f"Stage: window = {self.window} ms must be positive")
        if not 0 <= self.continuity < np.inf:
            raise InputError(f"Stage: continuity = {self.continuity} must not be negative")

    def parameterize(
        self,
        problem: Problem,
        stage: StageSettings,
        parameters: Parameterization,
        y0: FloatArray | None,
    ) -> Parameterization:
        windows: list[Windows | None] = []
        mine = problem if problem.observables == ("v",) else problem.of("v")
        others = np.array([], np.intp) if y0 is None else problem.places("current")
        begun = None if y0 is None else y0[:, problem.places("v")]
        for i, prepared in enumerate(mine.prepared):
            measured, smooth = (
                [cut(r, stage.horizon) for r in x] for x in (prepared.measured, prepared.smooth)
            )
            fitted = i == 0 and y0 is not None
            windows.append(Windows(measured, smooth, self.window, fitted) if measured else None)
        trained, heldout = windows
        assert trained is not None
        loss, options = mine.loss_of(stage.loss), problem.options_of(stage.options)
        shooting = Shooting(mine, trained, heldout, self.continuity, loss, options)

        def begin() -> FloatArray:
            nodes = shooting.driven(trained, parameters.theta, begun)
            return nodes if y0 is None else np.concatenate([nodes, y0[:, others]], axis=1)

        nodes = ShootingNodes(
            shooting,
            begin,
            y0 is not None,
            gates=problem.neuron.right_hand_side is None and problem.neuron.calcium is None,
            free_v=any(x > 0.0 for x in mine.noise),
            others=others.tolist(),
        )
        return Parameterization(parameters.theta, parameters.blocks, nodes)

    def prepare(
        self, problem: Problem, stage: StageSettings, unknowns: Parameterization
    ) -> Comparison:
        assert isinstance(unknowns.states, ShootingNodes)
        return unknowns.states.shooting

    def states_of(
        self, problem: Problem, unknowns: Parameterization, observed: str
    ) -> Indices | None:
        assert isinstance(unknowns.states, ShootingNodes)
        windows, others = unknowns.states.counts
        if observed == "v":
            return np.arange(windows)
        return windows + np.arange(others) if others else None

    @property
    def compares(self) -> str:
        return f"v, simulated in windows of {self.window:g} ms"
