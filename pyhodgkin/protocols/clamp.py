"""What is done to a cell: a current injected, or a voltage imposed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, unknown
from ..units import current_unit
from . import checks, plausible
from .base import Constant, Piecewise, Waveform, as_waveform
from .sampled import OrnsteinUhlenbeck, Sampled
from .segments import Segments
from .sines import Chirp, Sine, SumOfSines
from .steps import PulseTrain, Ramp, Step, Steps

P = TypeVar("P", bound="Protocol")


@dataclass(frozen=True)
class Protocol:
    """A waveform from t = 0 to `t_end` (ms); base of `CurrentClamp` and `VoltageClamp`.

    A protocol is called with times in ms and gives the command.
    """

    kind: ClassVar[str]

    waveform: Waveform
    t_end: float
    unit: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "waveform", as_waveform(self.waveform))
        object.__setattr__(self, "t_end", checks.positive("t_end", self.t_end, "ms"))

    @cached_property
    def segments(self) -> Segments:
        """The pieces of the command on [0, t_end]; the first starts at 0 exactly."""
        return self.waveform.segments().between(0.0, self.t_end).simplified()

    @property
    def breakpoints(self) -> NDArray[np.float64]:
        """Times in (0, t_end], ms, where the formula of the command changes."""
        return self.segments.breakpoints

    def __call__(self, t: ArrayLike) -> NDArray[np.float64]:
        """The command at the times `t` in ms; at a jump the later value."""
        return self.segments.value(t)

    def between(self: P, t0: float, t1: float) -> P:
        """The part from `t0` to `t1` (ms), with time counted from `t0`."""
        checks.ordered("t0", t0, "t1", t1)
        pieces = self.segments.between(t0, t1).shifted(-t0)
        return type(self)(Piecewise(pieces), t1 - t0, self.unit)

    def to_dict(self) -> dict:
        """Plain numbers and lists, safe for JSON."""
        waveform = self.waveform.to_dict()
        return {"kind": self.kind, "t_end": self.t_end, "unit": self.unit, "waveform": waveform}

    @staticmethod
    def from_dict(data: dict) -> Protocol:
        """The inverse of `to_dict`, for both kinds of clamp.

        Examples
        --------
        >>> protocol = CurrentClamp.step(7.0, start=10.0, stop=60.0, t_end=100.0)
        >>> Protocol.from_dict(protocol.to_dict()) == protocol
        True
        """
        kinds = {cls.kind: cls for cls in (CurrentClamp, VoltageClamp)}
        kind = str(data.get("kind"))
        if kind not in kinds:
            raise unknown("kind of protocol", kind, kinds)
        waveform = Waveform.from_dict(data["waveform"])
        return kinds[kind](waveform, data["t_end"], data["unit"])

    # -- constructors that both clamps share --------------------------------------------

    @classmethod
    def constant(cls: type[P], value: float, t_end: float) -> P:
        """The same command throughout."""
        return cls(Constant(value), t_end)

    @classmethod
    def steps(cls: type[P], times: ArrayLike, values: ArrayLike, t_end: float) -> P:
        """Levels `values` that begin at `times` (ms)."""
        return cls(Steps(times, values), t_end)

    @classmethod
    def sampled(
        cls: type[P],
        t: ArrayLike,
        values: ArrayLike,
        mode: str = "linear",
        t_end: float | None = None,
    ) -> P:
        """A command given by samples (see `Sampled`); ends with the last one by default."""
        waveform = Sampled(t, values, mode)
        return cls(waveform, float(np.asarray(waveform.t)[-1]) if t_end is None else t_end)


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


def as_protocol(protocol: object) -> Protocol:
    """`protocol` itself when it is one, else an error that says what to give."""
    if isinstance(protocol, Protocol):
        return protocol
    raise InputError(
        f"protocol must be a CurrentClamp or a VoltageClamp, got {type(protocol).__name__}: "
        "wrap a waveform as CurrentClamp(waveform, t_end) or VoltageClamp(waveform, t_end)"
    )
