"""Names of units and their factors; a unit is stated by the user or the file, never guessed."""

from __future__ import annotations

from .errors import InputError, nearest

TIME = {"ms": 1.0, "s": 1e3, "us": 1e-3, "min": 6e4}  # in ms
VOLTAGE = {"mV": 1.0, "V": 1e3, "uV": 1e-3}  # in mV

# Currents that a `Recording` holds as they are: per area, or of a whole cell.
PER_CM2 = "uA/cm2"
WHOLE_CELL = ("nA", "pA")
CURRENT = (PER_CM2, *WHOLE_CELL)
# Conductance (times mV) and capacitance (times mV/ms) that go with each of them.
CONVERSIONS = {PER_CM2: ("mS/cm2", "uF/cm2"), "nA": ("uS", "nF"), "pA": ("nS", "pF")}
AMPERE = {"A": 1e9, "mA": 1e6, "uA": 1e3, "nA": 1.0, "pA": 1e-3, "fA": 1e-6}  # in nA
PER_AREA = {"A/cm2": 1e6, "mA/cm2": 1e3, "uA/cm2": 1.0, "nA/cm2": 1e-3, "A/m2": 100.0}  # in µA/cm²

_SPELLINGS = {
    **{"msec": "ms", "millisecond": "ms", "milliseconds": "ms"},
    **{"sec": "s", "second": "s", "seconds": "s", "minutes": "min"},
    **{"millivolt": "mV", "millivolts": "mV", "volt": "V", "volts": "V"},
    **{"ampere": "A", "amperes": "A", "amp": "A", "amps": "A"},
    **{"picoampere": "pA", "picoamperes": "pA", "nanoampere": "nA", "nanoamperes": "nA"},
}


def spelled(unit: str) -> str:
    """The plain spelling of a unit: ``"µA/cm²"`` and ``"uA/cm^2"`` are ``"uA/cm2"``."""
    plain = unit.strip().replace("µ", "u").replace("μ", "u").replace("²", "2").replace("^", "")
    return _SPELLINGS.get(plain.lower(), plain)


def factor(unit: str, known: dict[str, float], argument: str) -> float:
    """What to multiply numbers in `unit` with; an error names the `argument` and its choices."""
    plain = spelled(str(unit))
    if plain not in known:
        raise InputError(f'{argument} "{unit}" is not a unit it can have; {nearest(plain, known)}')
    return known[plain]


def current_unit(unit: str) -> str:
    """`unit` spelled plainly, when it is one that a recording can hold."""
    plain = spelled(str(unit))
    if plain not in CURRENT:
        raise InputError(
            f'current_unit "{unit}" is not one a recording can have; {nearest(plain, CURRENT)}'
        )
    return plain


def written(unit: str | None) -> str:
    """A unit as a reader sees it: ``"uA/cm2"`` is ``"µA/cm²"``; nothing for None.

    Examples
    --------
    >>> written("mS/cm2"), written("uS"), written("pA"), written(None)
    ('mS/cm²', 'µS', 'pA', '')
    """
    if not unit:
        return ""
    return ("µ" + unit[1:] if unit.startswith("u") else unit).replace("cm2", "cm²")


def conductance_of(unit: str | None) -> str:
    """The conductance that goes with a unit of current, as a reader sees it; "" for None."""
    return written(CONVERSIONS[unit][0]) if unit else ""


def capacitance_of(unit: str | None) -> str:
    """The capacitance that goes with a unit of current, as a reader sees it; "" for None."""
    return written(CONVERSIONS[unit][1]) if unit else ""


def ratio(unit: str, to: str, area: float | None) -> tuple[float, float]:
    """What to multiply a number with, and then divide it by, from `unit` to `to`.

    Both are of `CURRENT`; the same holds for the conductances and capacitances that go with
    them. Two numbers, since 0.3·1000/100 is exact where 0.3·10 need not be.

    Parameters
    ----------
    area : float or None
        µm², needed between a density and the current of a whole cell.

    Examples
    --------
    >>> ratio("uA/cm2", "pA", 1000.0)  # 1000 µm² are 1e-5 cm²
    (1000.0, 100.0)
    >>> ratio("nA", "pA", None)
    (1000.0, 1.0)
    """
    if unit == to:
        return 1.0, 1.0
    if unit in WHOLE_CELL and to in WHOLE_CELL:
        return (1e3, 1.0) if to == "pA" else (1.0, 1e3)
    if area is None:
        raise InputError(f"{written(unit)} to {written(to)}: give the cell's area= (µm²)")
    if to == PER_CM2:
        return (1e2 if unit == "pA" else 1e5), area
    return area, (1e2 if to == "pA" else 1e5)


def current_factor(
    unit: str, to: str | None, argument: str = "current_unit", area: float | None = None
) -> tuple[float, str]:
    """Factor from a stated unit to one of `CURRENT`, and which one that is.

    Without `to`, pA, nA and µA/cm² stay, other amperes become nA, other densities µA/cm²; with
    the `area` of the cell (µm²), amperes become µA/cm².
    """
    plain = spelled(str(unit))
    table = next((t for t in (AMPERE, PER_AREA) if plain in t), None)
    if table is None:
        raise InputError(
            f'{argument} "{unit}" is not a unit of current; {nearest(plain, [*AMPERE, *PER_AREA])}'
        )
    stays = plain if plain in CURRENT else ("nA" if table is AMPERE else PER_CM2)
    target = (stays if area is None else PER_CM2) if to is None else current_unit(to)
    if target in table and area is not None:
        size = "of a whole cell" if table is AMPERE else "per area"
        raise InputError(
            f"{argument} {plain} and {target} are both {size}: the area of the cell changes "
            "nothing, leave area= (or capacitance=) out"
        )
    if target in table:
        return (1.0 if plain == target else table[plain] / table[target]), target
    if area is None:
        raise InputError(
            f"{argument} {plain} does not convert to {target}: one is of a whole "
            "cell, the other per area; give area= (µm²), to divide by the cell's area"
        )
    common = "nA" if table is AMPERE else PER_CM2
    times, over = ratio(common, target, area)
    return table[plain] * times / over, target


def permeability_of(unit: str | None) -> str:
    """The permeability that goes with a unit of current, as a reader sees it; "" for None.

    Examples
    --------
    >>> permeability_of("uA/cm2"), permeability_of("pA")
    ('cm/s', 'nL/s')
    """
    return {PER_CM2: "cm/s", "nA": "µL/s", "pA": "nL/s"}[unit] if unit else ""
