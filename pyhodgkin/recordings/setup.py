"""What a recording says of the electrode and the amplifier."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from ..errors import PlausibilityWarning
from ..protocols import VoltageClamp
from .checks import error

if TYPE_CHECKING:
    from .recording import Recording

# Units, and the words of a summary, of the numbers in `Setup`.
_NUMBERS = {
    "junction_potential": ("mV", "junction potential {} mV subtracted"),
    "bias_current": ("pA", "bias current {} pA in the command"),
    "bridge_balance": ("MΩ", "bridge balance {} MΩ"),
    "bridge_error": ("MΩ", "bridge error of {} MΩ taken out"),
    "drift_current": ("", "current {} of its drift in the command"),
    "electrode_capacitance": ("pF", "electrode capacitance of {} pF taken out"),
    "series_resistance": ("MΩ", "series resistance {} MΩ"),
    "series_resistance_compensation": ("%", "series resistance compensated by {} %"),
    "capacitance_compensation": ("pF", "pipette capacitance compensated {} pF"),
    "whole_cell_capacitance": ("pF", "whole-cell capacitance compensated {} pF"),
}

# Sizes of a junction potential outside which the unit is in doubt, mV.
_LIKELY = (0.1, 60.0)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Setup:
    """The part of a `Recording` that concerns the electrode and the amplifier.

    What is not known is None. Only `junction_potential`, `bias_current` and `bridge_error` bear on
    the numbers of the recording, which already include them; nothing here changes a simulation.

    Parameters
    ----------
    electrode : str
        Name of the electrode.
    junction_potential : float, optional
        Liquid junction potential that has been subtracted from the potentials of the recording
        (see `with_junction_potential`), mV.
    bias_current : float, optional
        Holding current of a current-clamp recording that is part of its command, pA.
    bridge_balance : float, optional
        Series resistance that the bridge balanced, MΩ.
    bridge_error : float, optional
        Series resistance whose voltage has been taken out of v (see `without_electrode`), MΩ.
    drift_current : float, optional
        Constant current that stands for the drift of the rest and is part of the command (see
        `without_drift`), in the unit of the current.
    electrode_capacitance : float, optional
        Capacitance of the electrode that was taken for that, pF.
    series_resistance : float, optional
        Series resistance of the whole-cell configuration, MΩ.
    series_resistance_compensation : float, optional
        Part of it that was corrected for, percent.
    capacitance_compensation : float, optional
        Capacitance of the pipette that was compensated, pF.
    whole_cell_capacitance : float, optional
        Capacitance of the cell that was compensated in voltage clamp, pF.
    """

    electrode: str = ""
    junction_potential: float | None = None
    bias_current: float | None = None
    bridge_balance: float | None = None
    bridge_error: float | None = None
    drift_current: float | None = None
    electrode_capacitance: float | None = None
    series_resistance: float | None = None
    series_resistance_compensation: float | None = None
    capacitance_compensation: float | None = None
    whole_cell_capacitance: float | None = None

    @property
    def setup(self) -> dict[str, Any]:
        """What is known of electrode and amplifier, by name."""
        values = {f.name: getattr(self, f.name) for f in fields(Setup)}
        return {name: value for name, value in values.items() if value not in (None, "")}

    def with_junction_potential(self, potential: float) -> Recording:
        """The same recording with its potentials corrected for a liquid junction potential.

        The potential of the membrane is v = v_recorded - `potential`: subtracted from v in
        current clamp and from the command in voltage clamp, whatever its waveform.

        Parameters
        ----------
        potential : float
            Potential of the bath relative to the pipette, mV, the sign convention of Neher
            (1992); about +15 for potassium gluconate in the pipette, which makes v more
            negative.

        Raises
        ------
        RecordingError
            When one has been subtracted already, or `potential` is not finite.

        References
        ----------
        Neher 1992, Methods Enzymol 207:123. :doi:`10.1016/0076-6879(92)07008-C`

        Examples
        --------
        >>> from pyhodgkin import CurrentClamp, Recording
        >>> recorded = Recording([0, 1, 2], CurrentClamp(0, 2), v=[-56, -56, -56])
        >>> recorded.with_junction_potential(14.0).v
        array([-70., -70., -70.])
        """
        given: Any = self
        if self.junction_potential is not None:
            raise error(
                given.name,
                f"a junction potential of {self.junction_potential:g} mV has been subtracted "
                "already: it is not subtracted twice",
            )
        shifted: Recording = replace(given, junction_potential=potential)  # checks the number
        low, high = _LIKELY
        if potential and not low <= abs(potential) <= high:
            warnings.warn(
                f"a junction potential of {potential:g} mV is unlikely (most are between 1 and "
                "20): it is given in mV",
                PlausibilityWarning,
                stacklevel=2,
            )
        if shifted.observed == "v":
            return replace(shifted, v=shifted.data - float(potential))
        command = shifted.protocol.waveform + -float(potential)
        return replace(shifted, protocol=VoltageClamp(command, shifted.protocol.t_end))

    def _setup_text(self) -> str:
        """The same in words."""
        known = self.setup
        words = [f"electrode {known['electrode']}"] if "electrode" in known else []
        words += [_NUMBERS[k][1].format(f"{x:g}") for k, x in known.items() if k in _NUMBERS]
        return ", ".join(words)


def checked(recording: Recording) -> dict[str, float]:
    """The numbers of the setup as floats, or a `RecordingError`."""
    found = {}
    for name, (unit, _) in _NUMBERS.items():
        value = getattr(recording, name)
        if value is None:
            continue
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise error(recording.name, f"{name} = {value!r} must be a finite number ({unit})")
        found[name] = number
    return found
