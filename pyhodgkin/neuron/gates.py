"""A gate: a name, its kinetics, its power in the conductance, its temperature factor."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError
from .curves import finite
from .kinetics import Kinetics


@dataclass(frozen=True)
class Gate:
    """A gating variable x in [0, 1].

    Parameters
    ----------
    name : str
        Name of the state variable; unique in its neuron.
    kinetics : Kinetics
        How the gate moves.
    power : int
        Power of x in the conductance.
    q10 : float
        Factor of the rates for each 10 degrees Celsius above `t_ref`.
    t_ref : float, optional
        Temperature at which the kinetics were measured, degrees Celsius.

    Examples
    --------
    >>> from pyhodgkin.neuron.kinetics import SteadyStateKinetics
    >>> from pyhodgkin.neuron.rates import Sigmoid
    >>> gate = Gate("w", SteadyStateKinetics(Sigmoid(1, -35, 10), 5.0), q10=3.0, t_ref=6.3)
    >>> round(gate.rate_factor(16.3), 6)
    3.0
    """

    name: str
    kinetics: Kinetics
    power: int = 1
    q10: float = 1.0
    t_ref: float | None = None

    def __post_init__(self) -> None:
        check_name("gate", self.name)
        power = finite(f'gate "{self.name}": power', self.power)
        if power != int(power) or power < 1:
            raise InputError(f'gate "{self.name}": power = {self.power}; give 1, 2, 3, …')
        object.__setattr__(self, "power", int(power))
        object.__setattr__(self, "q10", finite(f'gate "{self.name}": q10', self.q10))
        if self.q10 <= 0:
            raise InputError(f'gate "{self.name}": q10 = {self.q10} must be positive')
        if not isinstance(self.kinetics, Kinetics):
            raise InputError(
                f'gate "{self.name}": kinetics is of type {type(self.kinetics).__name__}; give '
                "RateKinetics, SteadyStateKinetics, InstantaneousKinetics or NeuralKinetics"
            )

    @property
    def has_state(self) -> bool:
        """Whether the gate is a state variable (an instantaneous one is not)."""
        return self.kinetics.kind != "instantaneous"

    def rate_factor(self, temperature: float | None) -> float:
        """q10^((temperature - t_ref)/10): factor of the rates at `temperature` (deg C)."""
        if temperature is None or self.t_ref is None:
            return 1.0
        return float(self.q10 ** ((temperature - self.t_ref) / 10.0))


def check_name(kind: str, name: str) -> None:
    """Names become parts of parameter names, which are joined by dots."""
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f'{kind} name "{name}": use letters, digits and underscores')
