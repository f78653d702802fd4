"""What every mode of a stage offers, and the registry of their names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, ClassVar, TypeVar
from typing import Protocol as Interface

from ...backends.loss import Loss
from ...errors import InputError, unknown
from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray, Indices
from ...recordings import Recording
from ..comparison import Comparison
from ..losses import Losses
from ..parameterization import Parameterization
from ..problem import Problem
from ..states import InitialStates


class StageSettings(Interface):
    """What a mode needs to know of the stage; see `Stage`."""

    @property
    def optimizer(self) -> str: ...
    @property
    def loss(self) -> Loss | Losses | None: ...
    @property
    def horizon(self) -> float | None: ...
    @property
    def every(self) -> int: ...
    @property
    def sampling(self) -> str: ...
    @property
    def leave_out(self) -> tuple[int, int] | None: ...
    @property
    def options(self) -> Mapping[str, Any]: ...


class Mode(ABC):
    """What a stage compares with what was measured. A subclass is a frozen dataclass.

    Its fields are its own settings, and arguments of `Stage` where the mode is given by name.
    Subclasses outside this package are given to `Stage` as values, and by name after `register`.
    """

    name: ClassVar[str]
    optimizers: ClassVar[tuple[str, ...] | None] = None  # those that it can be used with
    starts_at_measured_v: ClassVar[bool] = False  # so that it is of no use in voltage clamp

    def check(
        self,
        where: str,
        stage: StageSettings,
        neuron: Neuron,
        recordings: Sequence[Recording],
        loss: Loss,
    ) -> None:
        """Raise `InputError` unless a stage of this mode can be run; `where` names it.

        `loss` is that of v where any of the `recordings` is of v.
        """
        if self.starts_at_measured_v and all(r.observed != "v" for r in recordings):
            raise InputError(
                f"{where}: {self.name} training starts from the v measured; in voltage "
                'clamp v is commanded: use mode="clamped"'
            )

    def parameterize(
        self,
        problem: Problem,
        stage: StageSettings,
        parameters: Parameterization,
        y0: FloatArray | None,
    ) -> Parameterization:
        """The unknowns of a stage: `parameters`, and by default the initial states `y0`."""
        if y0 is None:
            return parameters
        gates = problem.neuron.right_hand_side is None and problem.neuron.calcium is None
        return Parameterization(parameters.theta, parameters.blocks, InitialStates(y0, gates))

    @abstractmethod
    def prepare(
        self, problem: Problem, stage: StageSettings, unknowns: Parameterization
    ) -> Comparison:
        """What is compared in a stage of this mode: `LeastSquares` for Levenberg-Marquardt.

        The recordings of the problem are of one clamp. In a fit of both it is asked for each, with
        recordings that may all be held out, and those of voltage clamp by `in_voltage_clamp`.
        """
        ...

    def in_voltage_clamp(self) -> Mode:
        """The mode of recordings of voltage clamp that are fitted with those of current clamp."""
        return of_name("simulation", {}) if self.starts_at_measured_v else self

    def states_of(
        self, problem: Problem, unknowns: Parameterization, observed: str
    ) -> Indices | None:
        """Places of the states of one observable among all that are fitted; None if none are."""
        return None if unknowns.states is None else problem.places(observed)

    @property
    def compares(self) -> str:
        """What is compared of a recording of v, for the log."""
        return f"v ({self.name})"

    def __str__(self) -> str:
        return self.name


_MODES: dict[str, type[Mode]] = {}


M = TypeVar("M", bound=type[Mode])


def register(mode: M) -> M:
    """Make a mode known by its name; to be used as a decorator of its class."""
    _MODES[mode.name] = mode
    return mode


def names() -> tuple[str, ...]:
    """The names of the modes that are known."""
    return tuple(_MODES)


def of_name(name: str, given: Mapping[str, Any]) -> Mode:
    """The mode called `name`, with those of the settings `given` that are not None."""
    if name not in _MODES:
        raise unknown("mode of a Stage", name, names())
    mode, known, units = _MODES[name], {}, {}
    for f in fields(_MODES[name]):  # type: ignore[arg-type]
        known[f.name], units[f.name] = f.default is MISSING, f.metadata.get("unit")
    for setting, value in given.items():
        if value is not None and setting not in known:
            only = f"only {', '.join(known)}" if known else "no setting"
            raise InputError(f'Stage: {setting} = {value} with mode = "{name}", which has {only}')
    for setting, needed in known.items():
        if needed and given.get(setting) is None:
            what = f" ({units[setting]})" if units.get(setting) else ""
            raise InputError(f'Stage: mode = "{name}" needs {setting}={what}')
    return mode(**{k: x for k, x in given.items() if x is not None})
