"""Names of columns and arrays: what each measures, in which unit, in which sweep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ..units import AMPERE, PER_AREA, TIME, VOLTAGE, spelled
from .options import split_unit

# Names, without their unit and in lower case, that need no telling.
USUAL = {
    "time": ("t", "time", "times", "elapsed time", "sweep time", "time axis"),
    "voltage": (
        *("v", "vm", "v_m", "v-mon", "vmon", "voltage", "potential", "em", "v_membrane"),
        *("membrane potential", "membrane voltage", "membrane_potential", "vmem"),
    ),
    "current": ("i", "im", "i_m", "i-mon", "imon", "current", "membrane current"),
    "sweep": ("sweep",),
}
_UNITS = {"time": frozenset(TIME), "voltage": frozenset(VOLTAGE)}
_UNITS["current"] = frozenset({*AMPERE, *PER_AREA})

# "Trace #3", "Sweep 12", "episode_2": one column a sweep.
_SWEEP = re.compile(r"(?i)(.*?)\b(trace|sweep|episode|segment)[\s_]*#?[\s_]*(\d+)\b[\s_:]*(.*)")
_LONGEST = 500
_AFTER = re.compile(r"(.+?)\s*(?:/|,|\s)\s*([^\s/,]+)")


@dataclass(frozen=True)
class Measured:
    """What a name says: its base, the unit that it states, the quantity of that unit, the sweep.

    `series` is the name without the number of the sweep; names of one series and one unit are
    the sweeps of one signal.
    """

    base: str
    unit: str | None
    quantity: str | None
    sweep: int | None
    series: str


@lru_cache(maxsize=65536)
def measured(name: str) -> Measured:
    """Read a name such as ``"Trace #2 (mV)"``, ``"I_nA"``, ``"Vm [mV]"``, ``"Time / s"``.

    Examples
    --------
    >>> measured("Trace #2 (mV)")
    Measured(base='Trace #2', unit='mV', quantity='voltage', sweep=2, series='Trace')
    >>> measured("Time / s").unit, measured("V_sine_mV").quantity, measured("v").unit
    ('s', 'voltage', None)
    """
    if len(name) > _LONGEST:  # no name, and patterns take long for it
        return Measured(name.strip(), None, None, None, name.strip())
    base, unit = name.strip(), None
    for quantity in _UNITS:
        base, unit = split_unit(name, quantity)
        if unit is not None:
            break
    after = _AFTER.fullmatch(name.strip()) if unit is None else None
    if after and spelled(after[2]) in KNOWN and ("/" in name or "," in name or len(after[2]) > 1):
        base, unit = after[1], after[2]
    kind = next((q for q, units in _UNITS.items() if unit and spelled(unit) in units), None)
    numbered = _SWEEP.fullmatch(base)
    if numbered is None:
        return Measured(base, unit, kind, None, base)
    around = [x for x in (numbered[1].strip(" _:"), numbered[4].strip(" _:")) if x]
    series = " ".join([*around[:1], numbered[2], *around[1:]])
    return Measured(" ".join(around) or base, unit, kind, int(numbered[3]), series)


KNOWN = frozenset().union(*_UNITS.values())
