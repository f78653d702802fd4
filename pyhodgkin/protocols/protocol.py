"""A protocol: a waveform that is applied for a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray
from ..numerics.cached import cached_property
from . import checks
from .base import Constant, Piecewise, Waveform, as_waveform
from .sampled import Sampled
from .segments import Segments
from .steps import Steps

P = TypeVar("P", bound="Protocol")


@dataclass(frozen=True)
class Protocol:
    """A waveform from t = 0 to `t_end` (ms); base of `CurrentClamp` and `VoltageClamp`.

    A protocol is called with times in ms and gives the command.
    """

    kind: ClassVar[str]
    _kinds: ClassVar[dict[str, type[Protocol]]] = {}

    waveform: Waveform
    t_end: float
    unit: str = ""

    def __init_subclass__(cls) -> None:
        Protocol._kinds.setdefault(cls.kind, cls)

    def __post_init__(self) -> None:
        object.__setattr__(self, "waveform", as_waveform(self.waveform))
        object.__setattr__(self, "t_end", checks.positive("t_end", self.t_end, "ms"))

    @cached_property
    def segments(self) -> Segments:
        """The pieces of the command on [0, t_end]; the first starts at 0 exactly."""
        return self.waveform.segments().between(0.0, self.t_end).simplified()

    @property
    def breakpoints(self) -> FloatArray:
        """Times in (0, t_end], ms, where the formula of the command changes."""
        return self.segments.breakpoints

    def __call__(self, t: ArrayLike) -> FloatArray:
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

        Raises
        ------
        InputError
            If it is not what `to_dict` gives.

        Examples
        --------
        >>> from pyhodgkin.protocols import CurrentClamp
        >>> protocol = CurrentClamp.step(7.0, start=10.0, stop=60.0, t_end=100.0)
        >>> Protocol.from_dict(protocol.to_dict()) == protocol
        True
        """
        checks.fields("protocol", data, "kind")
        kinds, kind = Protocol._kinds, str(data["kind"])
        if kind not in kinds:
            raise unknown("kind of protocol", kind, kinds)
        checks.fields("protocol", data, "waveform", "t_end", "unit")
        try:
            return kinds[kind](Waveform.from_dict(data["waveform"]), data["t_end"], data["unit"])
        except RecursionError:
            raise InputError("protocol: its waveforms are nested too deeply") from None

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


def as_protocol(protocol: object) -> Protocol:
    """`protocol` itself when it is one, else an error that says what to give."""
    if isinstance(protocol, Protocol):
        return protocol
    raise InputError(
        f"protocol must be a CurrentClamp or a VoltageClamp, got {type(protocol).__name__}: "
        "wrap a waveform as CurrentClamp(waveform, t_end) or VoltageClamp(waveform, t_end)"
    )
