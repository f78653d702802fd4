"""Which stimulus of an NWB file evoked which response."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..units import AMPERE, VOLTAGE, spelled

WHOLE = slice(None)
Span = tuple[float, float]


@dataclass(frozen=True)
class Pair:
    """A response and its stimulus, with the part of each that belongs to the recording.

    Without a stimulus, `problem` says why.
    """

    name: str
    clamp: str
    response: Any
    response_part: slice = field(default_factory=lambda: WHOLE)
    stimulus: Any = None
    stimulus_part: slice = field(default_factory=lambda: WHOLE)
    electrode: Any = None
    problem: str = ""


def clamp_of(series: Any) -> str | None:
    """``"current"`` or ``"voltage"`` for a response of patch clamp, else None."""
    from pynwb import icephys

    kinds = {"current": icephys.CurrentClampSeries, "voltage": icephys.VoltageClampSeries}
    return next((name for name, kind in kinds.items() if isinstance(series, kind)), None)


def is_zero_current(series: Any) -> bool:
    """Whether a series states that no current was injected (I = 0 mode)."""
    from pynwb import icephys

    return isinstance(series, icephys.IZeroClampSeries)


def pairs(file: Any) -> list[Pair]:
    """All responses: those of the table of intracellular recordings, then the others by time.

    The table pairs them where there is one; else a stimulus of the same electrode and the same
    time belongs to a response. A sweep number only distinguishes stimuli of one electrode.
    """
    found = _of_table(file.intracellular_recordings)
    known = {id(pair.response) for pair in found}
    numbers = _sweep_numbers(file)
    others = [
        s for s in file.acquisition.values() if clamp_of(s) is not None and id(s) not in known
    ]
    stimuli = list(file.stimulus.values())
    spans = {id(s): start_and_end(s) for s in (*others, *stimuli)}
    # A file lists its series by name, where 10 comes before 2.
    others.sort(key=lambda s: (np.nan_to_num(spans[id(s)][0], nan=np.inf), numbers.get(id(s), -1)))
    several = len({_name_of(getattr(r, "electrode", None)) for r in others}) > 1
    found += _unshared(
        [_by_electrode_and_time(r, stimuli, numbers, spans, several) for r in others], spans
    )
    repeated = Counter(pair.name for pair in found)
    return [
        replace(pair, name=f"{pair.name}[{pair.response_part.start}:{pair.response_part.stop}]")
        if repeated[pair.name] > 1 and pair.response_part != WHOLE
        else pair
        for pair in found
    ]


def start_and_end(series: Any) -> Span:
    """Time of the first sample and of the end of the last one, s; NaN where none is stated."""
    stamps, count = series.timestamps, len(series.data)
    if stamps is not None and len(stamps):
        last = float(stamps[-1])
        return float(stamps[0]), last + (last - float(stamps[-2]) if len(stamps) > 1 else 0.0)
    if stamps is not None or not series.rate:
        return np.nan, np.nan
    start = float(series.starting_time or 0.0)
    return start, start + count / float(series.rate)


# -- by the table -----------------------------------------------------------------------------


def _of_table(table: Any) -> list[Pair]:
    if table is None:
        return []
    found = []
    for i in range(len(table)):
        response = table.category_tables["responses"]["response"][i]
        clamp = None if _is_empty(response) else clamp_of(response.timeseries)
        if clamp is None:
            continue
        series = response.timeseries
        pair = Pair(
            series.name, clamp, series, _part(response), electrode=_electrode(table, i, series)
        )
        stimuli = table.category_tables["stimuli"]
        stimulus = stimuli["stimulus"][i]
        if not _is_empty(stimulus) and stimulus.timeseries is not series:
            pair = replace(pair, stimulus=stimulus.timeseries, stimulus_part=_part(stimulus))
        else:
            pair = replace(pair, problem=_without_stimulus(stimuli, i))
        found.append(_right_clamp(pair))
    return found


def _is_empty(reference: Any) -> bool:
    if reference is None or reference.timeseries is None:
        return True
    return int(reference.idx_start) < 0 and int(reference.count) < 0


def _part(reference: Any) -> slice:
    start, count = int(reference.idx_start), int(reference.count)
    return (
        WHOLE
        if (start, count) == (0, len(reference.timeseries.data))
        else slice(start, start + count)
    )


def _electrode(table: Any, i: int, series: Any) -> Any:
    own = getattr(series, "electrode", None)
    if own is not None or "electrodes" not in table.category_tables:
        return own
    return table.category_tables["electrodes"]["electrode"][i]


def _without_stimulus(stimuli: Any, i: int) -> str:
    if "stimulus_template" in stimuli.colnames:
        template = stimuli["stimulus_template"][i]
        if not _is_empty(template):
            return (
                f'the table of recordings gives it no stimulus but the template "'
                f'{template.timeseries.name}", without the scale at which it was applied'
            )
    return "the table of recordings gives it no stimulus"


def _right_clamp(pair: Pair) -> Pair:
    """Without the stimulus when that is of the other clamp."""
    if pair.stimulus is None or _commands(pair.stimulus, pair.clamp):
        return pair
    text = f'its stimulus "{pair.stimulus.name}" is in {pair.stimulus.unit}'
    return replace(pair, stimulus=None, problem=f"{text}, which is not what {pair.clamp} clamp "
                   "commands")  # fmt: skip


def _commands(stimulus: Any, clamp: str) -> bool:
    """Whether a series can be the command of a clamp, by its type, or else by its unit."""
    from pynwb import icephys

    kinds = {
        "current": icephys.CurrentClampStimulusSeries,
        "voltage": icephys.VoltageClampStimulusSeries,
    }
    stated = next((name for name, kind in kinds.items() if isinstance(stimulus, kind)), None)
    units = AMPERE if clamp == "current" else VOLTAGE
    return stated == clamp if stated else spelled(str(stimulus.unit)) in units


# -- by electrode and time --------------------------------------------------------------------


def _by_electrode_and_time(
    response: Any,
    stimuli: list[Any],
    numbers: dict[int, int],
    spans: dict[int, Span],
    several: bool,
) -> Pair:
    """The pair of a response; `several` says whether the file has more than one electrode."""
    clamp = str(clamp_of(response))
    pair = Pair(response.name, clamp, response, electrode=getattr(response, "electrode", None))
    if is_zero_current(response):
        return pair
    near = [s for s in stimuli if _commands(s, clamp)]
    near = [s for s in near if _same_electrode(s, pair.electrode, several)]
    if not near:
        return replace(pair, problem="no stimulus of its electrode is in the file")
    number = numbers.get(id(response))
    if number is not None:
        same = [s for s in near if numbers.get(id(s)) == number]
        near = same or [s for s in near if numbers.get(id(s)) is None]
    begins, ends = spans[id(response)]
    slack = 0.5 * (ends - begins) / max(len(response.data), 1)  # half a sample
    together = [s for s in near if abs(spans[id(s)][0] - begins) <= slack]
    together = together or [s for s in near if _overlap(spans[id(s)], (begins, ends))]
    if len(together) == 1:
        return replace(pair, stimulus=together[0])
    if not together:
        text = f"no stimulus of its electrode{_and_number(number)} overlaps its time"
        return replace(pair, problem=f"{text}, {begins:g} to {ends:g} s")
    names = ", ".join(s.name for s in together)
    return replace(pair, problem=f"several stimuli have its electrode and time: {names}")


def _and_number(number: int | None) -> str:
    return "" if number is None else f" and sweep number {number}"


def _same_electrode(stimulus: Any, electrode: Any, several: bool) -> bool:
    """Whether a stimulus is of an electrode; one that names none, when there are not several."""
    own = getattr(stimulus, "electrode", None)
    if own is None or electrode is None:
        return not several
    return _name_of(own) == _name_of(electrode)


def _name_of(electrode: Any) -> str | None:
    return None if electrode is None else str(electrode.name)


def _unshared(found: list[Pair], spans: dict[int, Span]) -> list[Pair]:
    """Without a stimulus that several responses of the same time would share."""
    sharing: dict[int, list[Pair]] = {}
    for pair in found:
        sharing.setdefault(id(pair.stimulus), []).append(pair)
    out = []
    for pair in found:
        own = spans[id(pair.response)]
        rivals = [
            p.name
            for p in (sharing[id(pair.stimulus)] if pair.stimulus is not None else ())
            if p is not pair and _overlap(spans[id(p.response)], own)
        ]
        if rivals:
            named = getattr(pair.stimulus, "name", "")
            text = f'stimulus "{named}" fits {", ".join(rivals)} as well'
            pair = replace(pair, stimulus=None, problem=text)
        out.append(pair)
    return out


def _overlap(a: Span, b: Span) -> bool:
    return a[0] < b[1] and a[1] > b[0]


def _sweep_numbers(file: Any) -> dict[int, int]:
    """Sweep numbers of series, by identity: their own, or those of the SweepTable."""
    series = [*file.acquisition.values(), *file.stimulus.values()]
    found = {id(s): int(s.sweep_number) for s in series if _has_number(s)}
    table: Any = file.sweep_table
    if table is not None:
        for i, number in enumerate(table["sweep_number"].data[:]):
            for s in table["series"][i]:
                found.setdefault(id(s), int(number))
    return found


def _has_number(series: Any) -> bool:
    return getattr(series, "sweep_number", None) is not None
