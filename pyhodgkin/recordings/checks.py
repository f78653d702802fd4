"""What is wrong with a recording, in one clear message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, RecordingError
from ..numerics.arrays import LARGEST, unshared
from ..protocols import Protocol
from ..units import CURRENT, current_unit

if TYPE_CHECKING:
    from ..solution.solution import Solution
    from .recording import Recording


def error(name: str, text: str) -> RecordingError:
    """A `RecordingError` that names the recording."""
    return RecordingError(f'recording "{name}": {text}' if name else text)


def checked(recording: Recording) -> dict[str, Any]:
    """The fields of `recording` as they should be kept, or a `RecordingError`."""
    name, protocol = recording.name, recording.protocol
    if not isinstance(protocol, Protocol):
        kind = type(protocol).__name__
        raise error(name, f"protocol must be a CurrentClamp or VoltageClamp, got {kind}")
    t = _time(name, recording.t, protocol)
    unit = _unit(name, recording.current_unit, protocol)
    wanted, other = ("v", "current") if protocol.kind == "current" else ("current", "v")
    if getattr(recording, other) is not None:
        raise error(
            name,
            f"{other} was given under {protocol.kind} clamp, where it is the command: "
            f"put it in the protocol and give {wanted}",
        )
    if getattr(recording, wanted) is None:
        raise error(name, f"{wanted} is missing: it is what {protocol.kind} clamp observes")
    _temperature(name, recording.temperature)
    data = _vector(name, wanted, getattr(recording, wanted), len(t))
    mask = _mask(name, recording.mask, len(t))
    return {"t": t, "current_unit": unit, wanted: data, "mask": mask}


def _temperature(name: str, given: Any) -> None:
    try:
        fits = given is None or -273.15 <= float(given) < np.inf
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise error(name, f"temperature must be finite (deg C), got {given!r}")


def unit_of_solution(solution: Solution, given: str | None) -> str:
    """The unit of the currents of `solution`; `given` where it does not state one."""
    stated = solution.current_unit
    if given and stated and current_unit(given) != stated:
        raise RecordingError(
            f"current_unit is {given} but the currents of the solution are in {stated}: leave it "
            "out, or convert the neuron first (whole_cell, per_area)"
        )
    return given or stated or ""


def _vector(name: str, field: str, values: ArrayLike, length: int | None = None) -> NDArray:
    try:
        array = unshared(values)
    except (TypeError, ValueError):
        raise error(name, f"{field} must be a vector of numbers") from None
    if array.ndim != 1:
        raise error(name, f"{field} must have one dimension, got shape {array.shape}")
    if length is not None and len(array) != length:
        raise error(name, f"{field} has {len(array)} samples and t has {length}: need as many")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise error(
            name,
            f"{field} is NaN or infinite at {bad.size} of {len(array)} samples, first at "
            f"index {bad[0]}: remove these samples or cut a window without them",
        )
    worst = int(np.argmax(np.abs(array))) if array.size else 0
    if array.size and abs(array[worst]) > LARGEST:
        raise error(
            name,
            f"{field} = {array[worst]:g} at index {worst} is no measured number: remove such "
            "samples, or cut a window without them",
        )
    return array


def _time(name: str, times: ArrayLike, protocol: Protocol) -> NDArray:
    t = _vector(name, "t", times)
    if len(t) < 2:
        raise error(name, f"t has {len(t)} samples: a recording needs at least two")
    back = np.flatnonzero(np.diff(t) <= 0)
    if back.size:
        i = int(back[0])
        word = "repeats" if t[i + 1] == t[i] else "goes back"
        raise error(name, f"t must increase (ms): t[{i + 1}] = {t[i + 1]:g} {word} after {t[i]:g}")
    if t[0] < 0:
        raise error(name, f"t begins at {t[0]:g} ms: the protocol starts at 0, so shift it")
    if t[-1] > protocol.t_end * (1 + 1e-9) + 1e-6:
        raise error(
            name,
            f"t ends at {t[-1]:g} ms but the protocol at {protocol.t_end:g} ms: "
            "raise t_end, or state t in ms",
        )
    return t


def _unit(name: str, given: str | None, protocol: Protocol) -> str:
    if not given:
        if protocol.kind == "voltage":
            raise error(name, f"current_unit is missing: give one of {', '.join(CURRENT)}")
        return protocol.unit
    try:
        unit = current_unit(given)
    except InputError as wrong:
        raise error(name, str(wrong)) from None
    if protocol.kind == "current" and unit != protocol.unit:
        raise error(
            name,
            f"current_unit is {unit} but the protocol injects {protocol.unit}: "
            f'give CurrentClamp(…, unit="{unit}")',
        )
    return unit


def _mask(name: str, given: ArrayLike | None, length: int) -> NDArray[np.bool_]:
    if given is None:
        return np.ones(length, dtype=bool)
    mask = np.array(given)
    if mask.dtype != bool or mask.shape != (length,):
        raise error(
            name, f"mask must be bool of shape ({length},), got {mask.dtype} of shape {mask.shape}"
        )
    if not mask.any():
        raise error(name, "mask is False everywhere: no sample would be used")
    return mask
