"""Currents of a neuron: conductance-based channels, and an unknown current as a network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..errors import InputError
from .curves import finite
from .gates import Gate, check_name
from .networks import Network


@dataclass(frozen=True)
class Channel:
    """An ionic current g·(Π x^p)·(v - e); without gates it is a leak.

    Parameters
    ----------
    name : str
        Name of the current, for instance ``"na"``.
    g : float
        Maximal conductance, not negative: mS/cm², or µS or nS of a whole cell, as the
        `current_unit` of the neuron says.
    e : float
        Reversal potential, mV.
    gates : tuple of Gate

    Examples
    --------
    >>> Channel("leak", g=0.3, e=-54.3).label
    'leak'
    """

    name: str
    g: float
    e: float
    gates: tuple[Gate, ...] = ()

    def __post_init__(self) -> None:
        check_name("channel", self.name)
        object.__setattr__(self, "gates", tuple(self.gates))
        object.__setattr__(self, "g", finite(f'channel "{self.name}": g', self.g))
        object.__setattr__(self, "e", finite(f'channel "{self.name}": e', self.e))
        if self.g < 0:
            raise InputError(
                f'channel "{self.name}": g = {self.g:g} mS/cm² (or µS or nS, of a whole cell); '
                "a conductance is zero or positive"
            )

    @property
    def label(self) -> str:
        """The open probability as text, for instance ``m³h``; the name when there is no gate."""
        return label_of(self)

    def with_gates(self, gates: tuple[Gate, ...]) -> Channel:
        """The same channel with other gates."""
        return replace(self, gates=gates)


def label_of(channel: Any) -> str:
    """The product of the gates of a channel as text, or its name."""
    powers = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    parts = [(x.name, "" if x.power == 1 else str(x.power)) for x in channel.gates]
    return "".join(name + power.translate(powers) for name, power in parts) or channel.name


@dataclass(frozen=True)
class NeuralCurrent:
    """An unknown ionic current i = scale·N((v - v_shift)/v_scale, x…), outward positive.

    Parameters
    ----------
    name : str
    network : Network
        Inputs: the scaled voltage and one per gate; 1 output.
    gates : tuple of Gate
        Gates of its own; the powers are not used.
    scale : float
        The current for an output of one: µA/cm², nA or pA, as the neuron says. It should be
        about as large as the current that is looked for.
    v_shift, v_scale : float
        mV.

    Examples
    --------
    >>> NeuralCurrent("m_current", Network.create((1, 8, 1))).network.layers
    (1, 8, 1)
    """

    name: str
    network: Network
    gates: tuple[Gate, ...] = ()
    scale: float = 1.0
    v_shift: float = -40.0
    v_scale: float = 50.0

    def __post_init__(self) -> None:
        check_name("channel", self.name)
        object.__setattr__(self, "gates", tuple(self.gates))
        wanted = (1 + len(self.gates), 1)
        found = (self.network.layers[0], self.network.layers[-1])
        if found != wanted:
            raise InputError(
                f'NeuralCurrent "{self.name}": network has {found[0]} inputs and {found[1]} '
                f"outputs; it needs {wanted[0]} (voltage and {len(self.gates)} gates) and 1"
            )
        if not (self.scale > 0 and self.v_scale > 0):
            raise InputError(f'NeuralCurrent "{self.name}": scale and v_scale must be positive')

    @property
    def label(self) -> str:
        return self.name

    def with_gates(self, gates: tuple[Gate, ...]) -> NeuralCurrent:
        """The same current with other gates."""
        return replace(self, gates=gates)


@dataclass(frozen=True)
class NeuralRightHandSide:
    """The whole right-hand side as a network: a black-box neural differential equation.

    With z = (y - shift)/scale the equation is dz/dt = N(z, i_stim/stimulus_scale)/time_scale.

    Parameters
    ----------
    network : Network
        Inputs: one per state, and the stimulus unless `stimulus_scale` is None; one output per
        state.
    states : tuple of str
        Names, ``"v"`` first.
    shift, scale : tuple of float
        Centre and size of each state.
    time_scale : float
        ms.
    stimulus_scale : float, optional
        Size of the stimulus, in µA/cm², nA or pA, as the neuron says; None for a network that
        does not see the stimulus. The default suits µA/cm²; in pA it is often some hundreds.

    Examples
    --------
    >>> box = NeuralRightHandSide(Network.create((5, 16, 4)), ("v", "n", "m", "h"),
    ...     shift=(-40, 0.5, 0.5, 0.5), scale=(50, 0.5, 0.5, 0.5))
    >>> box.sees_stimulus
    True
    >>> NeuralRightHandSide(Network.create((4, 16, 4)), stimulus_scale=None).sees_stimulus
    False
    """

    network: Network
    states: tuple[str, ...] = ("v", "n", "m", "h")
    shift: tuple[float, ...] = (-40.0, 0.5, 0.5, 0.5)
    scale: tuple[float, ...] = (50.0, 0.5, 0.5, 0.5)
    time_scale: float = 1.0
    stimulus_scale: float | None = 10.0

    def __post_init__(self) -> None:
        for name in ("states", "shift", "scale"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        n = len(self.states)
        if n == 0 or self.states[0] != "v" or len(set(self.states)) != n:
            raise InputError(f'NeuralRightHandSide: states = {self.states}; "v" first, no repeats')
        if len(self.shift) != n or len(self.scale) != n or min(self.scale) <= 0:
            raise InputError(f"NeuralRightHandSide: give {n} values of shift and of scale (> 0)")
        if self.time_scale <= 0 or (self.stimulus_scale is not None and self.stimulus_scale <= 0):
            raise InputError("NeuralRightHandSide: time_scale (ms), stimulus_scale must be > 0")
        wanted = (n + self.sees_stimulus, n)
        found = (self.network.layers[0], self.network.layers[-1])
        if found != wanted:
            inputs = f"{n} states and the stimulus" if self.sees_stimulus else f"{n} states"
            blind = self.sees_stimulus and found == (n, n)
            raise InputError(
                f"NeuralRightHandSide: network has {found[0]} inputs and {found[1]} outputs; "
                f"it needs {wanted[0]} and {wanted[1]}: {inputs}"
                + ("; for a network that ignores it give stimulus_scale=None" if blind else "")
            )

    @property
    def sees_stimulus(self) -> bool:
        return self.stimulus_scale is not None
