"""Neurodata Without Borders files, through PyNWB."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BackendUnavailableError, RecordingError
from ..recordings import RecordingSet
from .assemble import Sweep, Trace, recording
from .options import COMMON, Options

TAKES = COMMON
INSTEAD = {
    **dict.fromkeys(
        ("time", "dt", "rate", "time_unit"), "the file states the times of its samples"
    ),
    **dict.fromkeys(("voltage", "current", "sweep"), "the file states which series are paired"),
    **dict.fromkeys(("channel", "command"), "channels belong to ABF files"),
}

_CLAMPS = {"CurrentClampSeries": "current", "VoltageClampSeries": "voltage"}


@dataclass(frozen=True)
class _Pair:
    """A response, the stimulus that evoked it (if the file says which), and where they lie."""

    response: Any
    response_part: slice
    stimulus: Any
    stimulus_part: slice


def read_nwb(path: Path, options: Options) -> RecordingSet:
    """Every current- and voltage-clamp series of a file, with its stimulus."""
    try:
        import pynwb
    except ImportError as error:
        raise BackendUnavailableError(
            'NWB files need PyNWB: pip install "pyhodgkin[readers]"'
        ) from error
    try:
        opener: Any = pynwb.NWBHDF5IO
        with opener(str(path), "r", load_namespaces=True) as io:
            sweeps = _sweeps(path, io.read(), options)
    except RecordingError:
        raise
    except Exception as error:  # a damaged file shows itself in many ways
        raise RecordingError(f"{path} cannot be read as NWB, or is cut short: {error}") from None
    if not sweeps:
        wanted = f"{options.clamp}-clamp" if options.clamp else "current- or voltage-clamp"
        raise RecordingError(f"{path} holds no {wanted} series")
    chosen = options.chosen([sweep.name for sweep in sweeps], path)
    return RecordingSet(
        recording(sweeps[i], options, options.protocol_of(k, len(chosen)))
        for k, i in enumerate(chosen)
    )


def _sweeps(path: Path, file: Any, options: Options) -> list[Sweep]:
    sweeps = []
    for pair in _pairs(file):
        clamp = _CLAMPS[type(pair.response).__name__]
        if options.clamp not in (None, clamp):
            continue
        t = _times(pair.response)[pair.response_part]
        observed = _trace(pair.response, pair.response_part, None)
        command = None
        if pair.stimulus is not None:
            command = _trace(
                pair.stimulus, pair.stimulus_part, _times(pair.stimulus)[pair.stimulus_part]
            )
        sweeps.append(
            Sweep(
                t=t,
                voltage=observed if clamp == "current" else command,
                current=command if clamp == "current" else observed,
                clamp=clamp,
                name=pair.response.name,
                source=str(path),
                t_start=float(t[0]) if len(t) else 0.0,
            )
        )
    return sweeps


def _pairs(file: Any) -> list[_Pair]:
    """Responses with their stimuli: from the table of recordings, else by sweep number."""
    table = file.intracellular_recordings
    if table is not None and len(table):
        return _pairs_of_table(table)
    responses = [s for s in file.acquisition.values() if type(s).__name__ in _CLAMPS]
    stimuli = list(file.stimulus.values())
    pairs = []
    for response in responses:
        same = [s for s in stimuli if _sweep_number(s) == _sweep_number(response) is not None]
        if not same and len(responses) == len(stimuli) == 1:
            same = stimuli
        stimulus = same[0] if len(same) == 1 else None
        pairs.append(_Pair(response, slice(None), stimulus, slice(None)))
    return pairs


def _pairs_of_table(table: Any) -> list[_Pair]:
    pairs = []
    for i in range(len(table)):
        response = table.category_tables["responses"]["response"][i]
        stimulus = table.category_tables["stimuli"]["stimulus"][i]
        series = response.timeseries
        if type(series).__name__ not in _CLAMPS:
            continue
        given = stimulus.timeseries is not None and stimulus.timeseries is not series
        pairs.append(
            _Pair(
                series,
                _part(response),
                stimulus.timeseries if given else None,
                _part(stimulus) if given else slice(None),
            )
        )
    return pairs


def _part(reference: Any) -> slice:
    start, count = int(reference.idx_start), int(reference.count)
    return slice(None) if start < 0 or count < 0 else slice(start, start + count)


def _sweep_number(series: Any) -> int | None:
    number = getattr(series, "sweep_number", None)
    return None if number is None else int(number)


def _times(series: Any) -> NDArray[np.float64]:
    """Times of a series in ms."""
    if series.timestamps is not None:
        return np.asarray(series.timestamps[:], dtype=np.float64) * 1000.0
    start = float(series.starting_time or 0.0)
    return 1000.0 * (start + np.arange(len(series.data)) / float(series.rate))


def _trace(series: Any, part: slice, t: NDArray[np.float64] | None) -> Trace:
    values = np.asarray(series.data[part], dtype=np.float64) * float(series.conversion)
    offset = float(getattr(series, "offset", 0.0) or 0.0)
    return Trace(values + offset, str(series.unit), series.name, t)
