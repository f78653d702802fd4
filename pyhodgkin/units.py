"""Names of units and their factors; a unit is stated by the user or the file, never guessed."""

from __future__ import annotations

from .errors import InputError, nearest

TIME = {"ms": 1.0, "s": 1e3, "us": 1e-3, "min": 6e4}  # in ms
VOLTAGE = {"mV": 1.0, "V": 1e3, "uV": 1e-3}  # in mV

# Currents that a `Recording` holds as they are: per area, or of a whole cell.
CURRENT = ("uA/cm2", "nA", "pA")
CONDUCTANCE = {"uA/cm2": "mS/cm2", "nA": "uS", "pA": "nS"}  # times mV gives the current
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


def current_factor(unit: str, to: str | None, argument: str = "current_unit") -> tuple[float, str]:
    """Factor from a stated unit to one of `CURRENT`, and which one that is.

    Without `to`, pA, nA and µA/cm² stay, other amperes become nA, other densities µA/cm².
    """
    plain = spelled(str(unit))
    table = next((t for t in (AMPERE, PER_AREA) if plain in t), None)
    if table is None:
        raise InputError(
            f'{argument} "{unit}" is not a unit of current; {nearest(plain, [*AMPERE, *PER_AREA])}'
        )
    stays = plain if plain in CURRENT else ("nA" if table is AMPERE else "uA/cm2")
    target = stays if to is None else current_unit(to)
    if target not in table:
        raise InputError(
            f"{argument} {plain} does not convert to {target}: one is of a whole "
            "cell, the other per area; divide by the cell's area first"
        )
    return (1.0 if plain == target else table[plain] / table[target]), target
