"""Features of a voltage trace through eFEL, which is an extra."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np

from ..errors import BackendUnavailableError, InputError, unknown
from ..numerics.arrays import FloatArray
from ..recordings import Recording

DEFAULT = (
    "voltage_base",
    "time_to_first_spike",
    "mean_frequency",
    "AP_amplitude",
    "AP_duration_half_width",
    "AHP_depth",
)


def names_of(features: str | Sequence[str]) -> tuple[str, ...]:
    """The features asked for, each known to eFEL; ``"default"`` stands for a handful.

    Raises
    ------
    BackendUnavailableError
        If any is asked for and eFEL is not installed.
    UnknownNameError
        If eFEL has no feature of that name.
    """
    names = (features,) if isinstance(features, str) else tuple(features)
    if not names:
        return ()
    known = _efel().get_feature_names()
    names = tuple(n for name in names for n in (DEFAULT if name == "default" else (name,)))
    for name in names:
        if not isinstance(name, str):
            raise InputError(f"features: {name!r} is no name of a feature")
        if name not in known:
            raise unknown("feature of eFEL", name, known)
    return tuple(dict.fromkeys(names))


def stimulus_span(recording: Recording) -> tuple[float, float]:
    """From the first to the last break of the command, or all of it without two breaks, ms."""
    edges = recording.protocol.segments.breakpoints
    edges = edges[(edges >= recording.t[0]) & (edges <= recording.t[-1])]
    if len(edges) < 2:
        return float(recording.t[0]), float(recording.t[-1])
    return float(edges[0]), float(edges[-1])


def values(
    recording: Recording, traces: Sequence[FloatArray], names: Sequence[str], threshold: float
) -> list[dict[str, float]]:
    """Each feature of each trace (T,) at the times of the recording.

    The mean over spikes where a feature has a value for each; NaN where eFEL finds none, and
    for a trace that is not finite.
    """
    start, end = stimulus_span(recording)
    good = [i for i, trace in enumerate(traces) if np.isfinite(trace).all()]
    found: list[dict[str, float]] = [dict.fromkeys(names, math.nan) for _ in traces]
    asked = [
        {"T": recording.t, "V": np.asarray(traces[i]), "stim_start": [start], "stim_end": [end]}
        for i in good
    ]
    with _settings(threshold) as efel:
        answers = efel.get_feature_values(asked, list(names), raise_warnings=False)
    for i, answer in zip(good, answers, strict=True):
        found[i] = {name: _mean(answer[name]) for name in names}
    return found


def _mean(value: Any) -> float:
    if value is None or np.size(value) == 0:
        return math.nan
    return float(np.mean(value))


@contextmanager
def _settings(threshold: float):
    """eFEL, whose settings are global, with our threshold; the user's come back."""
    efel = _efel()
    before = copy(efel.get_settings())
    efel.set_setting("Threshold", float(threshold))
    try:
        yield efel
    finally:
        for name, value in vars(before).items():
            efel.set_setting(name, value)


def _efel() -> Any:
    try:
        import efel  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise BackendUnavailableError(
            "features need eFEL, which is not installed: pip install pyhodgkin[features]"
        ) from error
    return efel
