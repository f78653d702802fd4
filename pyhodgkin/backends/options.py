"""How to solve: `SolveOptions`, the same for every verb, both engines and the command line."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ..errors import InputError, UnknownNameError, nearest, unknown

DTYPES = ("float64", "float32")


@dataclass(frozen=True)
class SolveOptions:
    """How to solve; shared by both engines, and taken by every verb.

    A verb takes them one by one (``rtol=1e-5``), as a whole (``options=SolveOptions(…)``), or
    as a whole with some changed.

    Parameters
    ----------
    solver : str
        Name of the method, one that ``backends.get(…).solvers()`` lists; ``"auto"`` lets the
        engine choose.
    rtol, atol : float
        Tolerances of the adaptive methods. `atol` holds for a gate; for the voltage it is
        multiplied by `v_scale`.
    max_steps : int
        Accepted and rejected steps of one element of the batch before it is given up. For each
        second (1000 ms), and for each 100 breakpoints, that it has got through there are as many
        again: what is only long, or has many samples, is not given up.
    dt : float
        Step of the fixed-step methods, ms.
    dt_max : float, optional
        Longest step of the adaptive methods, ms.
    dtype : str
        ``"float64"`` or ``"float32"``.
    device : str
        Where to compute, for instance ``"cpu"`` or ``"cuda"``.
    v_scale : float
        mV; size of the voltage next to that of a gate in the error control.

    Raises
    ------
    InputError
        For a number that is out of range, or text in the place of one.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> clamp = ph.CurrentClamp.step(10.0, start=1.0, stop=9.0, t_end=10.0)
    >>> quick = SolveOptions(rtol=1e-4, atol=1e-6)
    >>> one, other = ph.simulate(cell, clamp, options=quick), ph.simulate(cell, clamp)
    >>> bool(one.stats["n_steps"] < other.stats["n_steps"])
    True
    """

    solver: str = "auto"
    rtol: float = 1e-6
    atol: float = 1e-8
    max_steps: int = 100_000
    dt: float = 0.01
    dt_max: float | None = None
    dtype: str = "float64"
    device: str = "cpu"
    v_scale: float = 10.0

    def __post_init__(self) -> None:
        for name in ("rtol", "atol", "max_steps", "dt", "v_scale", "dt_max"):
            value = getattr(self, name)
            if not _is_number(value) and not (name == "dt_max" and value is None):
                raise InputError(f"{name} = {value!r}: give a number")
        for name in ("solver", "dtype"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"{name} = {getattr(self, name)!r}: give its name as text")
        if not (0 < self.rtol < 1 and 0 < self.atol < 1):
            raise InputError(
                f"rtol = {self.rtol}, atol = {self.atol}: give numbers between 0 and 1"
            )
        if self.max_steps < 1 or int(self.max_steps) != self.max_steps:
            raise InputError(f"max_steps = {self.max_steps}: give a whole number, at least 1")
        if not self.dt > 0 or (self.dt_max is not None and not self.dt_max > 0):
            raise InputError(f"dt = {self.dt} ms, dt_max = {self.dt_max} ms: must be positive")
        if not self.v_scale > 0:
            raise InputError(f"v_scale = {self.v_scale} mV: must be positive")
        if self.dtype not in DTYPES:
            raise unknown("dtype", self.dtype, DTYPES)


NAMES = tuple(field.name for field in fields(SolveOptions))


def options_of(
    given: Mapping[str, Any], base: SolveOptions | None = None, *verbs: Callable[..., Any]
) -> SolveOptions:
    """The `SolveOptions` that a verb was `given`: one by one, as ``options=``, or both.

    Parameters
    ----------
    given : mapping of str to value
        The keyword arguments that the verb does not name itself.
    base : SolveOptions, optional
        What those start from that are not given; an ``options=`` takes its place.
    *verbs : callable
        Whose own arguments count as well in the search for what a misspelt name was to be.

    Raises
    ------
    UnknownNameError
        For a name that is no solve option, with the nearest one.
    InputError
        For a value that cannot be used.

    Examples
    --------
    >>> options_of({"options": SolveOptions(rtol=1e-4), "v_scale": 5.0}).v_scale
    5.0
    >>> options_of({"rtoll": 1e-4})
    Traceback (most recent call last):
        ...
    pyhodgkin.errors.UnknownNameError: unknown argument or solve option "rtoll"; did you mean...
    """
    check_names(given, *verbs)
    changes = dict(given)
    whole = changes.pop("options", None)
    if whole is not None and not isinstance(whole, SolveOptions):
        raise InputError(f"options is a {type(whole).__name__}; give SolveOptions(rtol=…, …)")
    chosen = whole or base or _USUAL
    return replace(chosen, **changes) if changes else chosen


def check_names(names: Iterable[str], *verbs: Callable[..., Any], also: bool = False) -> None:
    """Raise for a name that is no solve option, with the nearest one.

    With `also` the arguments of `verbs` are fine too; without it they are only suggested.
    """
    others = [p for verb in verbs for p in _arguments(verb)]
    for name in names:
        if name in NAMES or name == "options" or (also and name in others):
            continue
        hint = nearest(name, dict.fromkeys([*NAMES, "options", *others])).partition(" (")[0]
        hint = f"; {hint}" if hint.startswith("did") else ""
        raise UnknownNameError(
            f'unknown argument or solve option "{name}"{hint} (solve options: {", ".join(NAMES)})'
        )


def names_given(given: Mapping[str, Any]) -> set[str]:
    """The options that were chosen: those named, and those that differ from the default."""
    whole, default = given.get("options"), SolveOptions()
    chosen = {n for n in NAMES if whole is not None and getattr(whole, n) != getattr(default, n)}
    return chosen | (set(given) & set(NAMES))


@functools.cache
def _arguments(verb: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(verb).parameters.values()
    return [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]


def _is_number(value: Any) -> bool:
    """Whether it is a finite real number; those of numpy count, and truth values do not."""
    try:
        return not isinstance(value, (bool, str)) and math.isfinite(value)
    except (TypeError, ValueError):
        return False


_USUAL = SolveOptions()
