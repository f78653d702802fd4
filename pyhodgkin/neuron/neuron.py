"""A neuron: a membrane capacitance and the currents through it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..numerics.arrays import FloatArray
from ..numerics.cached import cached_property
from .calcium import STATE, CalciumPool
from .changes import gate_replaced, parameters_changed, with_channels
from .channels import Channel, NeuralRightHandSide
from .checks import check_parts, named, numbers_of
from .currents import Current, states_of
from .exporting import Exportable
from .gates import Gate
from .initial import initial_state
from .kinetics import Kinetics
from .markov import MarkovChannel
from .size import per_area, whole_cell
from .view import html_of

if TYPE_CHECKING:
    from .parameters import Layout
    from .tables import Tables


@dataclass(frozen=True)
class Neuron(Exportable):
    """A single compartment: c_m dv/dt = i_stim - Σ i_channel.

    Parameters
    ----------
    name : str
    channels : tuple of Channel, NeuralCurrent, MarkovChannel, NernstChannel or GHKChannel
        Empty when `right_hand_side` is given.
    c_m : float
        Capacitance: specific, µF/cm², or of the whole cell, nF or pF; see `current_unit`.
    v_rest : float
        Potential from which a simulation starts unless told otherwise, mV; the gates start at
        their steady state there.
    temperature : float, optional
        Degrees Celsius, for the q10 of the gates.
    right_hand_side : NeuralRightHandSide, optional
        A network in place of everything else.
    initial : tuple of (str, float) pairs, optional
        Start of single gates, where the steady state will not do.
    doi, note : str
        Where the equations come from.
    current_unit : {"uA/cm2", "nA", "pA"}, optional
        Unit of the currents, which decides those of conductances and capacitance: per area
        mS/cm² and µF/cm²; of a whole cell µS and nF, or nS and pF. A protocol or recording in
        another unit is converted or refused. None states nothing: the neuron takes the unit of
        the protocol or recording that it meets.
    area : float, optional
        Membrane area, µm², for conversions between per area and whole cell.
    calcium : CalciumPool, optional
        The calcium concentration, the last state ``ca`` (mM).

    Examples
    --------
    >>> from pyhodgkin.neuron.rates import Exponential, Linoid
    >>> from pyhodgkin.neuron.kinetics import RateKinetics
    >>> n = Gate("n", RateKinetics(Linoid(0.01, -55, 10), Exponential(0.125, -65, -80)), power=4)
    >>> cell = Neuron("passive_k", (Channel("k", 36, -77, (n,)), Channel("l", 0.3, -54.3)))
    >>> cell.states
    ('v', 'n')
    """

    name: str
    channels: tuple[Current, ...] = ()
    c_m: float = 1.0
    v_rest: float = -65.0
    temperature: float | None = None
    right_hand_side: NeuralRightHandSide | None = None
    initial: tuple[tuple[str, float], ...] = ()
    doi: str = ""
    note: str = ""
    current_unit: str | None = None
    area: float | None = None
    calcium: CalciumPool | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", tuple(self.channels))
        object.__setattr__(self, "initial", tuple((k, float(x)) for k, x in self.initial))
        for name, value in numbers_of(self).items():
            object.__setattr__(self, name, value)
        check_parts(self)

    @cached_property
    def gates(self) -> tuple[Gate, ...]:
        """All gates in channel order, instantaneous ones included."""
        return tuple(gate for channel in self.channels for gate in channel.gates)

    @cached_property
    def states(self) -> tuple[str, ...]:
        """Names of the state variables: ``"v"``, those of the channels in order, then ``"ca"``."""
        if self.right_hand_side is not None:
            return self.right_hand_side.states
        own = [name for channel in self.channels for name in states_of(channel)]
        return ("v", *own, *([STATE] if self.calcium is not None else []))

    @cached_property
    def is_coupled(self) -> bool:
        """Whether states depend on others than v: a calcium pool, or a Markov scheme."""
        return self.calcium is not None or any(isinstance(c, MarkovChannel) for c in self.channels)

    def gate(self, name: str) -> Gate:
        """The gate called `name`."""
        return named("gate", name, self.gates)

    def channel(self, name: str) -> Current:
        """The channel called `name`."""
        return named("channel", name, self.channels)

    def replace_gate(self, name: str, kinetics: Kinetics) -> Neuron:
        """The same neuron with other kinetics for the gate `name`; power and q10 stay.

        Networks learn the kinetics at the temperature of the recording, so a network other
        than a residual one takes the gate's temperature factor away.
        """
        return gate_replaced(self, name, kinetics)

    def replace_channel(self, name: str, channel: Current) -> Neuron:
        """The same neuron with another current in the place of `name`."""
        self.channel(name)
        return with_channels(self, (channel if c.name == name else c for c in self.channels))

    def with_channel(self, channel: Current) -> Neuron:
        """The same neuron with one more current."""
        return with_channels(self, (*self.channels, channel))

    def without_channel(self, name: str) -> Neuron:
        """The same neuron without the current `name`."""
        self.channel(name)
        return with_channels(self, (c for c in self.channels if c.name != name))

    @property
    def is_linear_in_gates(self) -> bool:
        """Whether a known voltage drives every gate linearly: no free network moves any."""
        plain = self.right_hand_side is None and not self.is_coupled
        return plain and all(g.kinetics.is_linear for g in self.gates)

    def initial_state(self, v: float | None = None) -> FloatArray:
        """State (S,) at potential `v` (mV, default `v_rest`), the gates at their steady state."""
        return initial_state(self, v)

    def rest(self, current: float = 0.0) -> float:
        """The resting potential, mV: found from the channels, not the `v_rest` that is stated.

        The lowest potential from which a small push dies out and at which the steady-state current
        is `current` (unit of the neuron's currents); `pyhodgkin.neuron.rest.resting_points`: all.

        Raises
        ------
        InputError
            If there is none: the neuron fires by itself.

        Examples
        --------
        >>> from pyhodgkin.neuron import library
        >>> round(library.get("squid_axon").rest(), 3)
        -64.974
        """
        from .rest import rest

        return rest(self, current)

    @cached_property
    def layout(self) -> Layout:
        """Names, shapes and places of the parameters in the flat vector."""
        from .parameters import layout_of

        return layout_of(self)

    @cached_property
    def tables(self) -> Tables:
        """The equations as flat tables of numbers, without the values of the parameters."""
        from .lowering import lower

        return lower(self)

    @property
    def theta(self) -> FloatArray:
        """The flat parameter vector (P,), float64."""
        return self._theta.copy()

    @cached_property
    def _theta(self) -> FloatArray:
        from .parameters import flatten

        return flatten(self)

    @cached_property
    def is_valid(self) -> bool:
        """Whether all parameters are finite, conductances not negative, and c_m positive."""
        return bool(((self._theta >= self.layout.least) & (self._theta < np.inf)).all())

    @cached_property
    def in_other_units(self) -> dict[str, Neuron]:
        """Neurons made of this one by stating a unit, each made once; see `matching`."""
        return {}

    def with_theta(self, theta: ArrayLike) -> Neuron:
        """The same neuron with the parameters `theta` (P,)."""
        from .parameters import unflatten

        return unflatten(self, theta)

    def parameter(self, name: str) -> float | FloatArray:
        """The parameter called `name`: a number, or the array of a network.

        Examples
        --------
        >>> import pyhodgkin as ph
        >>> ph.library.get("squid_axon").parameter("na.g")
        120.0
        """
        entry = self.layout[name]
        values = self.theta[entry.slice].reshape(entry.shape)
        return float(values) if entry.shape == () else values

    def with_parameters(self, **values: float) -> Neuron:
        """The same neuron with some parameters changed; dots in names become ``__``.

        Where the capacitance and every conductance are given, `current_unit` and `area` are
        dropped: all numbers that they spoke of are new, and may be of a whole cell.

        Examples
        --------
        >>> import pyhodgkin as ph
        >>> ph.library.get("squid_axon").with_parameters(na__g=100.0).channel("na").g
        100.0
        """
        return parameters_changed(self, values)

    def whole_cell(
        self, *, area: float | None = None, capacitance: float | None = None, unit: str = "pA"
    ) -> Neuron:
        """The same neuron with the numbers of a whole cell, exactly; it behaves the same.

        Parameters
        ----------
        area : float, optional
            Membrane area, µm²; default `area` of the neuron.
        capacitance : float, optional
            Of the cell, pF, in the place of `area`: the area is capacitance/c_m.
        unit : {"pA", "nA"}
            Of the currents: pA with nS and pF, nA with µS and nF.

        Raises
        ------
        InputError
            When the size is not known, or contradicts what the neuron states.

        Examples
        --------
        >>> import pyhodgkin as ph
        >>> cell = ph.library.get("squid_axon").whole_cell(area=1000.0)  # 1e-5 cm²
        >>> cell.channel("na").g, cell.c_m, cell.layout["na.g"].unit
        (1200.0, 10.0, 'nS')
        """
        return whole_cell(self, area, capacitance, unit)

    def per_area(self, *, area: float | None = None) -> Neuron:
        """The same neuron per area (µA/cm², mS/cm², µF/cm²), exactly; `area` in µm².

        Examples
        --------
        >>> import pyhodgkin as ph
        >>> cell = ph.Neuron("cell", (ph.leak(3.0, -70.0),), c_m=10.0, current_unit="pA")
        >>> cell.per_area(area=1000.0).channel("l").g
        0.3
        """
        return per_area(self, area)

    def __str__(self) -> str:
        from .equations import equations

        return equations(self)

    def __repr__(self) -> str:
        from .equations import one_line

        return f"<Neuron {one_line(self)}>"

    _repr_html_ = html_of

    def __iter__(self) -> Iterator[Current]:
        return iter(self.channels)


def leak(g: float, e: float, name: str = "l") -> Channel:
    """A leak channel of conductance `g` (mS/cm², µS or nS) and reversal potential `e` (mV)."""
    return Channel(name, g, e)
