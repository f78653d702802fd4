"""A stage of training: what is compared, which parameters move, how they are moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import InputError, unknown
from ..optimize import OPTIMIZERS
from .losses import Loss, Losses, loss_of
from .modes.base import Mode, of_name
from .penalties import CurvePenalty

RATES = ("constant", "cosine", "halving")
SAMPLINGS = ("all", "spiking")


@dataclass(frozen=True)
class Stage:
    """One stage; a schedule is a sequence of them, each starting at the best of the one before.

    Parameters
    ----------
    mode : {"simulation", "clamped", "observer", "multiple_shooting", "spikes"} or Mode
        What is compared: solve the neuron and compare what was observed (`Simulation`); or drive
        its gates with the measured (or commanded) voltage and compare the current (`Clamped`):
        no spikes to match, and fast; or solve it with a current that draws v to the one
        measured (`Observer`), which keeps spikes in their places; or solve it in windows, each
        from a state of its own that is trained too (`MultipleShooting`). The last two are of
        current clamp: recordings of voltage clamp that are fitted with them are compared by their
        current in the same stage. Or compare spike trains, and v where there is no spike
        (`SpikeTrains`), with the optimizer "cmaes". By name, with the settings of the mode as
        arguments `gain`, `window` and `continuity`, or as a value.
    optimizer : {"adamw", "lbfgs", "levenberg", "cmaes"}
        Levenberg-Marquardt goes furthest, from a start that is about right. Of networks it
        looks along the directions in their weights that change what they say; without any, each
        of its steps predicts twice for each unknown, so there it is for up to about 60. CMA-ES
        needs no gradient; a step is a generation of 20 points or more.
    steps : int
        Evaluations of the loss and its gradient, at most.
    lr : float
        Learning rate of AdamW; for L-BFGS the length of the very first step, for CMA-ES the
        standard deviation of the first generation. Parameters are
        seen without units: logarithms, potentials in 10 mV, network weights as they are.
    schedule : {"cosine", "constant", "halving"}
        How the rate of AdamW goes down: to a hundredth along a half cosine, not at all, or by
        half after each fifth of the steps.
    weight_decay : float
        Of AdamW, for network weights only.
    loss : Loss, or mapping of "v" and "current" to one each, optional
        Default: that of the call of `fit`.
    trainable : str or sequence of str, optional
        Patterns for `Layout.select`. Default: that of the call of `fit`.
    penalty : CurvePenalty, optional
        On the curves of the networks. Default: that of the call of `fit`.
    prior_weight : float
        Draws the trained parameters other than network weights to where the stage began, by
        this times the mean square of their change without units: networks can stand in for a
        conductance, and the data may not say which of them it is.
    memory : int
        Pairs of steps that L-BFGS keeps.
    gain, window, continuity : float, optional
        Settings of a mode that is given by name: see `Observer` and `MultipleShooting`.
    multistart : int
        Before the stage, train so many candidates of simple gates (two saturating exponential
        rates each) from random starts and set the networks of gates to the best; 0 for none. A
        `NeuralCurrent` is searched too, as a channel with such gates, a g and an e of its own.
    batch : int, optional
        So many recordings, or windows, in each step of AdamW, in turn; after a round their
        order is drawn anew. The whole loss is taken every tenth step.
    horizon : float, optional
        Use only the first so many ms of each recording; where recordings of both clamps are
        fitted together, of those of current clamp.
    every : int
        In the clamped mode use every so many-th sample, and the first ms after each change of the
        command whole.
    patience : int, optional
        Stop a start that has not improved for so many steps. With held-out recordings their loss
        counts; for Levenberg-Marquardt also a training loss that went down by a hundredth.
    min_improvement : float
        The relative decrease of the loss that counts as an improvement for `patience`.
    target : float, optional
        Stop a start whose loss is below.
    options : mapping, optional
        Overrides of the solve options, for instance ``{"rtol": 1e-4}``.
    sampling : {"all", "spiking"}
        Which samples are compared (`Clamped`, `Simulation`, `SpikeTrains`): all, or fewer where
        a cell with spikes is at rest, as means over up to 1 ms.
    undo : bool
        Take the stage back where the spike trains, simulated, and v between spikes agree with
        those measured less after it than before: see `SpikeTrains`.
    leave_out : (int, int), optional
        (first, every): these recordings are left out of a stage with `undo` that simulates, which
        is kept only if they too agree better after it: evidence for what is trained.

    Examples
    --------
    >>> Stage("clamped", "lbfgs", steps=200).label
    'clamped lbfgs'
    """

    mode: Any = "simulation"  # a Mode; its name becomes one
    optimizer: str = "adamw"
    steps: int = 300
    lr: float = 0.01
    schedule: str = "cosine"
    weight_decay: float = 0.0
    loss: Loss | Losses | None = None
    trainable: str | Sequence[str] | None = None
    penalty: CurvePenalty | None = None
    prior_weight: float = 0.0
    memory: int = 50
    gain: InitVar[float | None] = None
    window: InitVar[float | None] = None
    continuity: InitVar[float | None] = None
    multistart: int = 0
    batch: int | None = None
    horizon: float | None = None
    every: int = 1
    patience: int | None = None
    min_improvement: float = 1e-4
    target: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    sampling: str = "all"
    undo: bool = False
    leave_out: tuple[int, int] | None = None

    def __post_init__(
        self, gain: float | None, window: float | None, continuity: float | None
    ) -> None:
        given = {"gain": gain, "window": window, "continuity": continuity}
        object.__setattr__(self, "mode", _mode(self.mode, given))
        if isinstance(self.loss, Mapping):
            object.__setattr__(self, "loss", loss_of(self.loss))
        for what, known in (("optimizer", OPTIMIZERS), ("schedule", RATES)):
            if getattr(self, what) not in known:
                raise unknown(f"{what} of a Stage", str(getattr(self, what)), known)
        if int(self.steps) != self.steps or self.steps < 1:
            raise InputError(f"Stage: steps = {self.steps}; give 1 or more")
        if self.sampling not in SAMPLINGS:
            raise unknown("sampling of a Stage", str(self.sampling), SAMPLINGS)
        if not 0 < self.lr < np.inf:
            raise InputError(f"Stage: lr = {self.lr} must be positive")
        if not (0 <= self.weight_decay < np.inf and 0 <= self.prior_weight < np.inf):
            raise InputError(
                f"Stage: weight_decay = {self.weight_decay}, prior_weight = {self.prior_weight}; "
                "neither may be negative"
            )
        self._check_optimizer()
        if int(self.multistart) != self.multistart or self.multistart < 0:
            raise InputError(
                f"Stage: multistart = {self.multistart}; give a whole number, 0 for none"
            )
        if self.horizon is not None and not self.horizon > 0:
            raise InputError(f"Stage: horizon = {self.horizon} ms must be positive")
        if int(self.every) != self.every or self.every < 1:
            raise InputError(f"Stage: every = {self.every}; give a whole number, 1 for all samples")
        if not 0.0 <= self.min_improvement < 1.0:
            raise InputError(
                f"Stage: min_improvement = {self.min_improvement}; give a part of the loss, "
                "0 or more and below 1"
            )
        if (self.patience is not None and self.patience < 1) or self.memory < 1:
            raise InputError(
                f"Stage: patience = {self.patience}, memory = {self.memory}; give 1 or more"
            )

    def _check_optimizer(self) -> None:
        known = self.mode.optimizers
        if known is not None and self.optimizer not in known:
            raise InputError(
                f'Stage: optimizer = "{self.optimizer}" with mode = "{self.mode}"; take '
                + " or ".join(f'"{x}"' for x in known)
            )
        if self.batch is not None and (int(self.batch) != self.batch or self.batch < 1):
            raise InputError(f"Stage: batch = {self.batch}; give a whole number, 1 or more")
        if self.batch is not None and self.optimizer != "adamw":
            raise InputError(
                f"Stage: batch = {self.batch} changes the loss from step to step, which "
                f'"{self.optimizer}" cannot follow; take "adamw"'
            )

    @property
    def label(self) -> str:
        """Its name in the history: mode and optimizer."""
        return f"{self.mode} {self.optimizer}"

    def rate(self, step: int) -> float:
        """Learning rate at `step` of this stage."""
        done = step / max(self.steps, 1)
        if self.schedule == "constant":
            return self.lr
        if self.schedule == "halving":
            return self.lr * 0.5 ** int(5 * done)
        low = 0.01 * self.lr
        return low + 0.5 * (self.lr - low) * (1.0 + float(np.cos(np.pi * min(done, 1.0))))


def _mode(mode: Mode | str, given: Mapping[str, Any]) -> Mode:
    """The mode, by its name or as it is, with the settings that are given."""
    if isinstance(mode, str):
        return of_name(mode, given)
    if not isinstance(mode, Mode):
        raise InputError(f"Stage: mode is a {type(mode).__name__}; give a Mode, or its name")
    changes = {name: value for name, value in given.items() if value is not None}
    return replace(mode, **changes) if changes else mode  # type: ignore[type-var]
