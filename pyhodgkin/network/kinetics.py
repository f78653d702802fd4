"""How a synaptic conductance follows a spike: exponential, double exponential or alpha function.

A spike that arrives over a synapse of weight w changes the conductance g of its target by w times a
time course whose peak is 1, and the synaptic current is g (v - e), outward positive, as that of a
channel. Weights add up: the synapses of one kind on a cell share one conductance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..numerics.arrays import FloatArray


@dataclass(frozen=True)
class SynapseKinetics:
    """Base of the three forms: exponentials of `time_constants` (ms), times `factors`, in sum."""

    kind: ClassVar[str]

    e: float

    def __post_init__(self) -> None:
        for field in fields(self):
            _keep(self, field.name)

    @property
    def time_constants(self) -> tuple[float, ...]:
        """Of the components of the conductance, ms."""
        raise NotImplementedError

    @property
    def factors(self) -> tuple[float, ...]:
        """Conductance per component."""
        raise NotImplementedError

    def __call__(self, t: ArrayLike) -> FloatArray:
        """The conductance `t` ms after one spike over a synapse of weight 1; 0 before it."""
        t = np.asarray(t, dtype=np.float64)
        return np.where(t >= 0.0, self._after(np.maximum(t, 0.0)), 0.0)

    def _after(self, t: FloatArray) -> FloatArray:
        pairs = zip(self.factors, self.time_constants, strict=True)
        return np.sum([factor * np.exp(-t / tau) for factor, tau in pairs], axis=0)


@dataclass(frozen=True)
class ExponentialSynapse(SynapseKinetics):
    """A conductance that jumps at a spike and decays: w exp(-t/tau).

    The ``ExpSyn`` of NEURON; in Brian2 ``dg/dt = -g/tau`` and ``on_pre="g += w"``.

    Parameters
    ----------
    e : float
        Reversal potential, mV.
    tau : float
        Time constant of the decay, ms.

    Examples
    --------
    >>> float(ExponentialSynapse(e=0.0, tau=5.0)(0.0))
    1.0
    """

    kind: ClassVar[str] = "exponential"

    tau: float

    @property
    def time_constants(self) -> tuple[float, ...]:
        return (self.tau,)

    @property
    def factors(self) -> tuple[float, ...]:
        return (1.0,)


@dataclass(frozen=True)
class DoubleExponentialSynapse(SynapseKinetics):
    """A difference of exponentials with the weight as its peak: w f (exp(-t/decay) - exp(-t/rise)).

    The ``Exp2Syn`` of NEURON, normalised as there.

    Parameters
    ----------
    e : float
        Reversal potential, mV.
    tau_rise, tau_decay : float
        Time constants, ms; the rise is the shorter one.

    Examples
    --------
    >>> synapse = DoubleExponentialSynapse(e=0.0, tau_rise=0.5, tau_decay=5.0)
    >>> round(float(synapse(synapse.time_of_peak)), 12)
    1.0
    """

    kind: ClassVar[str] = "double_exponential"

    tau_rise: float
    tau_decay: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tau_rise > 0.999 * self.tau_decay:
            raise InputError(
                f"{type(self).__name__}: tau_rise = {self.tau_rise:g} ms must be shorter than "
                f"tau_decay = {self.tau_decay:g} ms; where they are equal take AlphaSynapse"
            )

    @property
    def time_of_peak(self) -> float:
        """When the conductance is largest, ms after the spike."""
        a, b = self.tau_rise, self.tau_decay
        return a * b / (b - a) * math.log(b / a)

    @property
    def time_constants(self) -> tuple[float, ...]:
        return (self.tau_rise, self.tau_decay)

    @property
    def factors(self) -> tuple[float, ...]:
        t = self.time_of_peak
        factor = 1.0 / (math.exp(-t / self.tau_decay) - math.exp(-t / self.tau_rise))
        return (-factor, factor)


@dataclass(frozen=True)
class AlphaSynapse(SynapseKinetics):
    """An alpha function whose peak, at t = tau, is the weight: w (t/tau) exp(1 - t/tau).

    The ``AlphaSynapse`` of NEURON, for any number of spikes.

    Parameters
    ----------
    e : float
        Reversal potential, mV.
    tau : float
        Time from the arrival of a spike to the peak, ms.

    Examples
    --------
    >>> float(AlphaSynapse(e=-80.0, tau=2.0)(2.0))
    1.0
    """

    kind: ClassVar[str] = "alpha"

    tau: float

    @property
    def time_constants(self) -> tuple[float, ...]:
        return (self.tau, self.tau)

    @property
    def factors(self) -> tuple[float, ...]:
        return (0.0, math.e)

    def _after(self, t: FloatArray) -> FloatArray:
        return t / self.tau * np.exp(1.0 - t / self.tau)


SYNAPSES: dict[str, type[SynapseKinetics]] = {
    kind.kind: kind for kind in (ExponentialSynapse, DoubleExponentialSynapse, AlphaSynapse)
}


def _keep(synapse: SynapseKinetics, name: str) -> None:
    """Keep a field as a float, or raise."""
    unit, who = "mV" if name == "e" else "ms", f"{type(synapse).__name__}: {name}"
    value = getattr(synapse, name)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise InputError(f"{who} = {value!r}: give a number, in {unit}") from None
    positive = name != "e"
    if not math.isfinite(number) or (positive and number <= 0.0):
        wanted = "positive" if positive else "finite"
        raise InputError(f"{who} = {number:g} {unit} must be {wanted}")
    object.__setattr__(synapse, name, number)
