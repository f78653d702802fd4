"""What every waveform can do, and the waveforms made of other ones."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray
from ..numerics.cached import cached_property
from . import checks
from .segments import Segments, superpose

# The value before the first event needs a piece of its own; it holds before its start as well,
# so how much earlier it starts does not matter.
EARLIER = 1.0


@dataclass(frozen=True, eq=False)
class Waveform:
    """Base of all waveforms: a signal over time, in the unit of the protocol that uses it.

    A waveform is called with times in ms, added to others (``a + b``, ``a + 5.0``), and
    compiled to `Segments`. Times and durations are in ms, frequencies in Hz, phases in rad.

    A waveform of one's own is a subclass, a frozen dataclass (``eq=False``) of numbers, text and
    arrays, with a method `compile`. It is known by the name of its class from then on: documents
    of protocols hold it and are read back where the class has been defined.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True, eq=False)
    ... class Triangle(Waveform):
    ...     height: float
    ...     width: float
    ...     def compile(self):
    ...         up = 2.0 * self.height / self.width
    ...         starts = [0.0, self.width / 2, self.width]
    ...         return Segments(starts, [0.0, self.height, 0.0], [up, -up, 0.0])
    >>> Triangle(4.0, 10.0)([2.5, 5.0, 7.5, 20.0])
    array([2., 4., 2., 0.])
    >>> Waveform.from_dict(Triangle(4.0, 10.0).to_dict())
    Triangle(height=4.0, width=10.0)
    """

    _kinds: ClassVar[dict[str, type[Waveform]]] = {}

    def __init_subclass__(cls) -> None:
        known = Waveform._kinds.get(cls.__name__)
        if known is not None and known.__module__ != cls.__module__:
            raise InputError(
                f"there is a waveform {cls.__name__} in {known.__module__}: give yours another name"
            )
        Waveform._kinds[cls.__name__] = cls

    def compile(self) -> Segments:
        """The waveform as `Segments`."""
        raise NotImplementedError(f"{type(self).__name__} needs a method compile()")

    @cached_property
    def _segments(self) -> Segments:
        return self.compile()

    def segments(self) -> Segments:
        """The normal form, compiled once."""
        return self._segments

    def __call__(self, t: ArrayLike) -> FloatArray:
        """Values at the times `t` in ms; at a jump the later value."""
        return self.segments().value(t)

    def __add__(self, other: Waveform | float) -> Waveform:
        return Sum(_terms(self) + _terms(as_waveform(other)))

    def __radd__(self, other: float) -> Waveform:
        return self if isinstance(other, int) and other == 0 else as_waveform(other) + self

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.to_dict() == self.to_dict()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return self._checksum

    @cached_property
    def _checksum(self) -> int:
        # Not `hash`, which is another for the same text in the process that unpickles it.
        return zlib.crc32(str(self.to_dict()).encode())

    def to_dict(self) -> dict:
        """Plain numbers and lists under the constructor's names, safe for JSON."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {"kind": type(self).__name__, **{name: _plain(v) for name, v in values.items()}}

    @staticmethod
    def from_dict(data: dict) -> Waveform:
        """The inverse of `to_dict`, for every kind of waveform.

        Examples
        --------
        >>> from pyhodgkin.protocols import Step
        >>> Waveform.from_dict(Step(10.0, 20.0, 5.0).to_dict())
        Step(start=10.0, stop=20.0, amplitude=5.0, baseline=0.0)
        """
        checks.fields("waveform", data, "kind")
        kind = str(data["kind"])
        if kind not in Waveform._kinds:
            raise unknown("waveform", kind, Waveform._kinds)
        cls = Waveform._kinds[kind]
        try:
            return cls._from_values({k: v for k, v in data.items() if k != "kind"})
        except (InputError, RecursionError):
            raise
        except (TypeError, KeyError, ValueError, AttributeError, OverflowError) as error:
            text = f"{error or type(error).__name__}"
            raise InputError(f"not a valid {cls.__name__} document: {text}") from None

    @classmethod
    def _from_values(cls, values: dict) -> Waveform:
        return cls(**values)


@dataclass(frozen=True, eq=False)
class Constant(Waveform):
    """The same `value` at all times.

    Examples
    --------
    >>> Constant(3.0)([0.0, 100.0])
    array([3., 3.])
    """

    value: float

    def __post_init__(self) -> None:
        self._set(value=checks.finite("value", self.value))

    def compile(self) -> Segments:
        return Segments([0.0], [self.value])


@dataclass(frozen=True, eq=False)
class Sum(Waveform):
    """Waveforms superposed; written ``a + b``.

    Examples
    --------
    >>> from pyhodgkin.protocols import Sine, Step
    >>> (Step(10, 20, 5.0) + Sine(1.0, frequency=10.0))([15.0, 25.0]).round(3)
    array([5.809, 1.   ])
    """

    terms: tuple[Waveform, ...]

    def __post_init__(self) -> None:
        if not self.terms:
            raise InputError("terms is empty: a sum has at least one waveform")

    def compile(self) -> Segments:
        return superpose([term.segments() for term in self.terms])

    def to_dict(self) -> dict:
        return {"kind": "Sum", "terms": [term.to_dict() for term in self.terms]}

    @classmethod
    def _from_values(cls, values: dict) -> Waveform:
        return cls(tuple(Waveform.from_dict(term) for term in values["terms"]))


@dataclass(frozen=True, eq=False)
class Piecewise(Waveform):
    """A waveform given by its `Segments`, for signals that no other waveform covers.

    Examples
    --------
    >>> float(Piecewise(Segments([0.0, 5.0], [1.0, 2.0], [0.0, -0.5]))(7.0))
    1.0
    """

    pieces: Segments

    def compile(self) -> Segments:
        return self.pieces

    def to_dict(self) -> dict:
        return {"kind": "Piecewise", "pieces": self.pieces.to_dict()}

    @classmethod
    def _from_values(cls, values: dict) -> Waveform:
        return cls(Segments.from_dict(values["pieces"]))


def as_waveform(value: Waveform | float) -> Waveform:
    """A waveform as it is, a number as a `Constant`; anything else is an error."""
    if isinstance(value, Waveform):
        return value
    if isinstance(value, (int, float, np.number)):
        return Constant(float(value))
    raise InputError(
        f"waveform must be a Waveform or a number, got {type(value).__name__}: "
        "for arrays use Sampled(t, values)"
    )


def _terms(waveform: Waveform) -> tuple[Waveform, ...]:
    return waveform.terms if isinstance(waveform, Sum) else (waveform,)


def numbers(waveform: Waveform, *names: str) -> dict[str, float]:
    return {name: checks.finite(name, getattr(waveform, name)) for name in names}


def window(start: float, stop: float | None) -> dict[str, float | None]:
    start = checks.finite("start", start, "ms")
    if stop is None or stop == np.inf:
        return {"start": start, "stop": None}
    stop = checks.finite("stop", stop, "ms")
    checks.ordered("start", start, "stop", stop)
    return {"start": start, "stop": stop}


def in_window(waveform, inside: Segments) -> Segments:
    """`inside` from start to stop, and the waveform's baseline outside."""
    zeros = np.zeros((1, inside.n_sines))
    times = [waveform.start - EARLIER, waveform.start, waveform.stop][
        : 2 + (waveform.stop is not None)
    ]
    ends = len(times) - 2
    base = np.array([waveform.baseline])
    sines = [
        np.concatenate([zeros, getattr(inside, name), *[zeros] * ends])
        for name in ("amplitude", "omega", "chirp", "phase")
    ]
    offset = np.concatenate([base, inside.offset, *[base] * ends])
    return Segments(np.array(times), offset, np.zeros(len(times)), *sines)


def _plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray) else value
