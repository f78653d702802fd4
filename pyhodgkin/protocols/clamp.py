"""What is done to a cell: a current injected, or a voltage imposed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..units import current_unit
from . import plausible
from .base import Constant
from .protocol import Protocol
from .sampled import OrnsteinUhlenbeck, Sampled
from .sines import Chirp, Sine, SumOfSines
from .steps import PulseTrain, Ramp, Step, Steps


@dataclass(frozen=True)
class CurrentClamp(Protocol):
    """An injected current; a positive one depolarises.

    Parameters
    ----------
    waveform : Waveform or float
        The current over time.
    t_end : float
        Length of the protocol, ms.
    unit : {"uA/cm2", "nA", "pA"}
        Unit of the current. With nA, the conductances of the neuron are in µS and its
        capacitance in nF; with pA, nS and pF.

    Examples
    --------
    >>> protocol = CurrentClamp.step(7.0, start=10.0, stop=60.0, t_end=100.0)
    >>> protocol([0.0, 10.0, 60.0])
    array([0., 7., 0.])
    >>> noisy = CurrentClamp(Step(10, 60, 7.0) + Sine(1.0, frequency=40.0), t_end=100.0)
    >>> noisy.unit
    'uA/cm2'
    """

    kind: ClassVar[str] = "current"

    unit: str = "uA/cm2"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "unit", current_unit(self.unit))
        plausible.check(self)

    @classmethod
    def constant(cls, value: float, t_end: float, *, unit: str = "uA/cm2") -> CurrentClamp:
        """The same current from 0 to `t_end` (ms)."""
        return cls(Constant(value), t_end, unit)

    @classmethod
    def steps(
        cls, times: ArrayLike, values: ArrayLike, t_end: float, *, unit: str = "uA/cm2"
    ) -> CurrentClamp:
        """`values` from each of the `times` (ms) on; see `Steps`."""
        return cls(Steps(times, values), t_end, unit)

    @classmethod
    def sampled(
        cls,
        t: ArrayLike,
        values: ArrayLike,
        mode: str = "linear",
        t_end: float | None = None,
        *,
        unit: str = "uA/cm2",
    ) -> CurrentClamp:
        """Samples of a recorded current; see `Sampled`."""
        waveform = Sampled(t, values, mode)
        return cls(waveform, float(np.asarray(waveform.t)[-1]) if t_end is None else t_end, unit)

    @classmethod
    def step(
        cls,
        amplitude: float,
        start: float,
        stop: float | None,
        t_end: float,
        baseline: float = 0.0,
        *,
        unit: str = "uA/cm2",
    ) -> CurrentClamp:
        """`amplitude` on top of `baseline` from `start` to `stop` (ms)."""
        return cls(Step(start, stop, amplitude, baseline), t_end, unit)

    @classmethod
    def family(
        cls,
        amplitudes: Sequence[float],
        start: float,
        stop: float | None,
        t_end: float,
        *,
        unit: str = "uA/cm2",
    ) -> list[CurrentClamp]:
        """One step protocol for each of the `amplitudes`."""
        return [cls.step(a, start, stop, t_end, unit=unit) for a in amplitudes]

    @classmethod
    def ramp(
        cls,
        initial: float,
        final: float,
        start: float,
        stop: float,
        t_end: float,
        *,
        unit: str = "uA/cm2",
    ) -> CurrentClamp:
        """A line from `initial` to `final` between `start` and `stop` (ms), zero outside."""
        return cls(Ramp(start, stop, initial, final, baseline=0.0), t_end, unit)

    @classmethod
    def pulses(
        cls,
        amplitude: float,
        start: float,
        period: float,
        width: float,
        count: int,
        t_end: float,
        *,
        unit: str = "uA/cm2",
    ) -> CurrentClamp:
        """`count` pulses of `width` ms, one every `period` ms."""
        return cls(PulseTrain(start, period, width, amplitude, count), t_end, unit)

    @classmethod
    def sine(
        cls,
        amplitude: float,
        frequency: float,
        t_end: float,
        baseline: float = 0.0,
        *,
        unit: str = "uA/cm2",
    ) -> CurrentClamp:
        """``baseline + amplitude sin(2 pi frequency t)``, `frequency` in Hz."""
        return cls(Sine(amplitude, frequency, baseline=baseline), t_end, unit)

    @classmethod
    def chirp(
        cls, amplitude: float, f_start: float, f_stop: float, t_end: float, *, unit: str = "uA/cm2"
    ) -> CurrentClamp:
        """A sinusoid that goes from `f_start` to `f_stop` (Hz) over the whole protocol."""
        return cls(Chirp(amplitude, f_start, f_stop, 0.0, t_end), t_end, unit)

    @classmethod
    def noise(
        cls,
        mean: float,
        sd: float,
        tau: float,
        t_end: float,
        seed: int,
        dt: float = 0.1,
        *,
        unit: str = "uA/cm2",
    ) -> CurrentClamp:
        """Ornstein-Uhlenbeck noise with correlation time `tau` (ms)."""
        return cls(OrnsteinUhlenbeck(mean, sd, tau, dt, t_end, seed), t_end, unit)


@dataclass(frozen=True)
class VoltageClamp(Protocol):
    """An imposed membrane potential in mV.

    Parameters
    ----------
    waveform : Waveform or float
        The potential over time, mV.
    t_end : float
        Length of the protocol, ms.

    Examples
    --------
    >>> VoltageClamp.step(20.0, start=10.0, stop=60.0, t_end=100.0, holding=-80.0)([0.0, 10.0])
    array([-80.,  20.])
    """

    kind: ClassVar[str] = "voltage"

    unit: str = "mV"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.unit != "mV":
            raise InputError(f'a voltage clamp is in mV, got unit "{self.unit}": convert it first')
        plausible.check(self)

    @classmethod
    def step(
        cls, level: float, start: float, stop: float | None, t_end: float, holding: float = -80.0
    ) -> VoltageClamp:
        """A step *to* `level` (mV) from `start` to `stop` (ms), `holding` (mV) outside."""
        return cls(Step(start, stop, level - holding, holding), t_end)

    @classmethod
    def family(
        cls,
        levels: Sequence[float],
        start: float,
        stop: float | None,
        t_end: float,
        holding: float = -80.0,
    ) -> list[VoltageClamp]:
        """One step protocol for each of the `levels` (mV).

        Examples
        --------
        >>> len(VoltageClamp.family([-40, -20, 0], start=10, stop=60, t_end=100))
        3
        """
        return [cls.step(level, start, stop, t_end, holding) for level in levels]

    @classmethod
    def ramp(
        cls, initial: float, final: float, start: float, stop: float, t_end: float
    ) -> VoltageClamp:
        """`initial` (mV), a line to `final` between `start` and `stop` (ms), then `final`."""
        return cls(Ramp(start, stop, initial, final), t_end)

    @classmethod
    def sines(
        cls, amplitudes: ArrayLike, frequencies: ArrayLike, t_end: float, centre: float
    ) -> VoltageClamp:
        """Sinusoids of `frequencies` (Hz) about `centre` (mV)."""
        return cls(SumOfSines(amplitudes, frequencies, baseline=centre), t_end)
