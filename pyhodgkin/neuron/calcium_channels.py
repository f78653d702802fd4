"""Calcium currents whose driving force depends on the calcium concentration."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..numerics.elementary import linoid
from .calcium import FARADAY, VALENCE, thermal_voltage
from .calcium_curves import LEAST
from .channels import label_of
from .curves import finite
from .gates import Gate, check_name


@dataclass(frozen=True)
class NernstChannel:
    """A calcium current g·(Π x^p)·(v - e), e = RT/(2F)·ln(ca_out/ca).

    The neuron needs a `CalciumPool`, whose concentration is `ca`, and a temperature.

    Parameters
    ----------
    name : str
    g : float
        Maximal conductance: mS/cm², µS or nS.
    ca_out : float
        Concentration outside, mM.
    gates : tuple of Gate

    Examples
    --------
    >>> NernstChannel("cat", g=0.4, ca_out=2.0).label
    'cat'
    """

    name: str
    g: float
    ca_out: float = 2.0
    gates: tuple[Gate, ...] = ()

    def __post_init__(self) -> None:
        _check(self, "g", "mS/cm² (or µS or nS, of a whole cell)")

    @property
    def label(self) -> str:
        return label_of(self)

    def with_gates(self, gates: tuple[Gate, ...]) -> NernstChannel:
        """The same channel with other gates."""
        return replace(self, gates=gates)


@dataclass(frozen=True)
class GHKChannel:
    """A calcium current by the equation of Goldman, Hodgkin and Katz.

    i = p·2F·(ca·L(x) - ca_out·L(-x))·(Π x^p) with x = 2F v/(RT) and L(x) = x/(1 - exp(-x)), which
    is smooth at v = 0. The neuron needs a `CalciumPool` and a temperature.

    Parameters
    ----------
    name : str
    p : float
        Maximal permeability: cm/s per area (µA/cm²); of a whole cell µL/s (nA) or nL/s (pA).
    ca_out : float
        Concentration outside, mM.
    gates : tuple of Gate

    Examples
    --------
    >>> GHKChannel("cal", p=1e-4, ca_out=2.0).p
    0.0001
    """

    name: str
    p: float
    ca_out: float = 2.0
    gates: tuple[Gate, ...] = ()

    def __post_init__(self) -> None:
        _check(self, "p", "cm/s (or µL/s or nL/s, of a whole cell)")

    @property
    def label(self) -> str:
        return label_of(self)

    def with_gates(self, gates: tuple[Gate, ...]) -> GHKChannel:
        """The same channel with other gates."""
        return replace(self, gates=gates)


CalciumChannel = NernstChannel | GHKChannel


def _check(channel: CalciumChannel, size: str, unit: str) -> None:
    check_name("channel", channel.name)
    object.__setattr__(channel, "gates", tuple(channel.gates))
    for name in (size, "ca_out"):
        value = finite(f'channel "{channel.name}": {name}', getattr(channel, name))
        object.__setattr__(channel, name, value)
    if getattr(channel, size) < 0.0:
        raise InputError(
            f'channel "{channel.name}": {size} = {getattr(channel, size):g} {unit}; it must be '
            "zero or positive"
        )
    if channel.ca_out <= 0.0:
        raise InputError(
            f'channel "{channel.name}": ca_out = {channel.ca_out:g} mM must be positive'
        )


def drive(channel: CalciumChannel, temperature: float, v: ArrayLike, ca: ArrayLike) -> FloatArray:
    """The current of a channel whose gates are all open, at `v` (mV) and `ca` (mM).

    Examples
    --------
    >>> channel = NernstChannel("cat", g=1.0, ca_out=2.0)
    >>> round(-float(drive(channel, 36.0, 0.0, 2.4e-4)), 3)  # the reversal potential, mV
    120.255
    """
    v = np.asarray(v, dtype=np.float64)
    inside = np.asarray(ca, dtype=np.float64)
    scale = thermal_voltage(temperature)
    if isinstance(channel, GHKChannel):
        leaving, coming = linoid(v / scale)[0], linoid(-v / scale)[0]
        whole = VALENCE * FARADAY * (inside * leaving - channel.ca_out * coming)
        return channel.p * whole
    e = scale * (np.log(channel.ca_out) - np.log(np.maximum(inside, LEAST)))
    return channel.g * (v - e)
