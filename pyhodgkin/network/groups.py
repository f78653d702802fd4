"""A group: cells of one neuron, with parameters, stimuli and starts of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..neuron.coupled import coupling_of
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray
from ..protocols import CurrentClamp
from ..units import AMPERE, WHOLE_CELL, written
from . import checks


@dataclass(frozen=True, eq=False)
class NeuronGroup:
    """`n` cells of one neuron in a network.

    Parameters
    ----------
    neuron : Neuron
    n : int
    parameters : mapping of name to number or array (n,), optional
        Parameters that differ from those of the neuron, such as ``{"na.g": values}``.
    v0 : float or array (n,), optional
        Potential at t = 0, mV, with the gates at their steady state there; default `v_rest`.
    protocol : CurrentClamp or sequence of n of them, optional
        Injected current, for all cells or for each; none after its `t_end`.
    current : float or array (n,), optional
        A constant current besides, in the unit of the neuron (µA/cm² unless it says otherwise).
    threshold : float
        mV; a spike is an upward crossing.
    refractory : float
        ms after a spike in which another crossing is none; the equations go on. (Brian2 counts a
        spike where the voltage is still above the threshold at the end of this time.)

    Examples
    --------
    >>> import numpy as np, pyhodgkin as ph
    >>> axon = ph.library.get("squid_axon")
    >>> group = NeuronGroup(axon, 3, parameters={"na.g": np.array([110.0, 120.0, 130.0])})
    >>> group.theta.shape
    (3, 25)
    """

    neuron: Neuron
    n: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    v0: Any = None
    protocol: CurrentClamp | Sequence[CurrentClamp] | None = None
    current: Any = None
    threshold: float = 0.0
    refractory: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.neuron, Neuron):
            raise InputError(f"neuron is a {type(self.neuron).__name__}; give a Neuron")
        name = self.neuron.name
        if self.neuron.right_hand_side is not None:
            raise InputError(
                f'neuron "{name}" is a whole right-hand side, and synapses need its currents; '
                "give a neuron of channels, whose gates may be neural networks"
            )
        if self.neuron.is_coupled:
            raise InputError(
                f'neuron "{name}" has {coupling_of(self.neuron)}; the integrators of networks know '
                "gates that depend on v alone: simulate its cells one by one, or as a Population"
            )
        self._keep("n", checks.count(f'group of "{name}": n', self.n))
        self._keep("threshold", checks.number("threshold", self.threshold, "mV"))
        self._keep("refractory", checks.number("refractory", self.refractory, "ms", least=0.0))
        self._keep("parameters", self._parameters())
        if self.v0 is not None:
            self._keep("v0", checks.of_cells("v0", self.v0, self.n, "mV"))
        if self.current is not None:
            self._keep("current", checks.of_cells("current", self.current, self.n, self.unit))
        self._keep("protocol", self._protocols())

    def _keep(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @property
    def unit(self) -> str:
        """Of its currents, as a reader sees it."""
        return written(self.neuron.current_unit or "uA/cm2")

    def _parameters(self) -> dict[str, FloatArray]:
        kept = {}
        for name, value in dict(self.parameters).items():
            entry = self.neuron.layout[name]
            if entry.size != 1:
                raise InputError(f"parameters: {name} is an array of a network; all cells share it")
            kept[name] = checks.of_cells(f"parameters: {name}", value, self.n, entry.unit)
            least = float(self.neuron.layout.least[entry.start])
            if kept[name].min() < least:
                raise InputError(
                    f"parameters: {name} = {kept[name].min():g} {entry.unit}: must be "
                    f"{'positive' if entry.group == 'capacitance' else 'zero or positive'}"
                )
        return kept

    def _protocols(self) -> CurrentClamp | tuple[CurrentClamp, ...] | None:
        if self.protocol is None:
            return None
        given: Any = self.protocol
        one = isinstance(given, CurrentClamp)
        items: tuple[CurrentClamp, ...] = (given,) if one else tuple(given)
        for item in items:
            if not isinstance(item, CurrentClamp):
                raise InputError(f"protocol: {type(item).__name__} given; cells take CurrentClamp")
            self.scale_of(item)
        if not one and len(items) != self.n:
            raise InputError(f"protocol: {len(items)} given for {self.n} cells; give 1 or {self.n}")
        return items[0] if one else items

    def scale_of(self, protocol: CurrentClamp) -> float:
        """What to multiply the current of a protocol with."""
        own = self.neuron.current_unit
        if own is None or own == protocol.unit:
            return 1.0
        if own in WHOLE_CELL and protocol.unit in WHOLE_CELL:
            return AMPERE[protocol.unit] / AMPERE[own]
        raise InputError(
            f'protocol: a current in {written(protocol.unit)} for neuron "{self.neuron.name}" in '
            f"{written(own)}; weights are in the unit of the neuron, so convert one of them: "
            "neuron.whole_cell(area=…), or CurrentClamp(…, unit=…)"
        )

    @property
    def theta(self) -> FloatArray:
        """Parameters of the cells: (1, P) where all are equal, else (n, P)."""
        own = any(value.ndim for value in self.parameters.values())
        theta = np.repeat(self.neuron.theta[None], self.n if own else 1, axis=0)
        for name, value in self.parameters.items():
            theta[:, self.neuron.layout[name].start] = value
        return theta

    def starts(self) -> FloatArray:
        """Potentials of the cells at t = 0 (n,), mV."""
        v0 = self.neuron.v_rest if self.v0 is None else self.v0
        return np.broadcast_to(np.asarray(v0, dtype=np.float64), (self.n,))

    def with_(self, **changes: ArrayLike) -> NeuronGroup:
        """The same group with some fields changed."""
        from dataclasses import replace

        return replace(self, **changes)


@runtime_checkable
class Cells(Protocol):
    """Cells of one neuron with parameters of their own, such as a `Population`."""

    neuron: Neuron
    n: int

    def values(self) -> Mapping[str, FloatArray]:
        """The parameters that differ, by name, each (n,)."""
        ...


def as_group(name: str, given: Any) -> NeuronGroup:
    """A group from itself, from ``(neuron, n)`` or from a population."""
    if isinstance(given, NeuronGroup):
        return given
    if isinstance(given, tuple) and len(given) == 2:
        return NeuronGroup(*given)
    if isinstance(given, Cells):
        return NeuronGroup(given.neuron, given.n, given.values())
    raise InputError(
        f'groups: "{name}" is a {type(given).__name__}; give (neuron, n), a NeuronGroup or a '
        "Population"
    )
