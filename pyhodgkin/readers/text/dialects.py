"""Headings that programs write: Axon text files, LabChart, PatchMaster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ...errors import RecordingError
from ...units import TIME, spelled
from .lines import Line
from .rows import cells

_SWEEP = re.compile(r"(Sweep_[\d_]+)\s*,.*")


@dataclass
class Heading:
    """What a heading says besides the names: `signals` for each column, spacing in ms, sweeps."""

    lines: list[Line]
    names: list[str] | None = None  # where they are not the last line
    signals: list[str] = field(default_factory=list)
    interval: float | None = None
    program: str = ""
    sweep: str = ""


def refuse(lines: Sequence[Line], path: str) -> None:
    """Raise for text that is no table, with how to export one."""
    first = lines[0].text.strip().strip('"').upper()
    if first == "IGOR":
        raise RecordingError(
            f"{path} is Igor text (waves): save the waves as delimited text with their names"
        )
    if first in ("INFORMATION", "SUMMARY") or any(
        re.match(r'"CHANNEL"\s', line.text) for line in lines[:100]
    ):
        raise RecordingError(
            f"{path} holds one channel of Spike2 below the other: export it as a spreadsheet "
            "text file, with a column for each channel"
        )


def heading(lines: Sequence[Line], path: str) -> Heading:
    """The heading of a block, without the lines that hold neither names nor units."""
    first = lines[0].text.lstrip() if lines else ""
    if re.match(r"ATF\s+\d", first):
        return _axon(lines)
    keys = {line.text.split("=")[0].strip() for line in lines if "=" in line.text}
    if "ChannelTitle" in keys:
        return _labchart(lines, path)
    sweep = [m for m in (_SWEEP.fullmatch(line.text.strip()) for line in lines) if m]
    if sweep or first.startswith(("Series_", "Group_")):
        kept = [x for x in lines if not re.match(r"\s*(Sweep|Series|Group)_[\d_]+", x.text)]
        return Heading(kept, program="PatchMaster", sweep=sweep[-1][1] if sweep else "")
    return Heading(list(lines))


def _axon(lines: Sequence[Line]) -> Heading:
    """Axon text: version, two counts, that many lines in quotes, then the names."""
    kept, signals = [], []
    for line in lines[2:]:
        text = line.text.strip()
        if text.startswith('"Signals='):
            signals = cells(line.text, "\t")[1:]
        elif not re.match(r'"?[A-Za-z ]+=', text):
            kept.append(line)
    return Heading(kept[-1:], signals=["", *signals], program="Axon text")


def _labchart(lines: Sequence[Line], path: str) -> Heading:
    """LabChart: ``Interval=``, ``ChannelTitle=``, ``UnitName=`` and ``Range=``, tabs between."""
    facts = {}
    for line in lines:
        key, _, rest = line.text.partition("=")
        facts[key.strip()] = [cell.strip() for cell in rest.strip("\r\n").split("\t")[1:]]
    titles = facts["ChannelTitle"]
    ranges = [re.sub(r"^[-+\d.,\s]+", "", x) for x in facts.get("Range", [])]
    units = [x if x != "*" else "" for x in facts.get("UnitName", [])]
    units += [""] * (len(titles) - len(units))
    ranges += [""] * (len(titles) - len(ranges))
    named = [
        f"{title} ({unit or span})" if unit or span else title
        for title, unit, span in zip(titles, units, ranges, strict=False)
    ]
    interval = None
    if stated := next(iter(facts.get("Interval", [])), ""):
        number, _, unit = stated.replace(",", ".").partition(" ")
        try:
            interval = float(number) * TIME[spelled(unit)]
        except (ValueError, KeyError):
            raise RecordingError(f"{path}: Interval= {stated} is not a time") from None
    return Heading([], ["Time (s)", *named], interval=interval, program="LabChart")
