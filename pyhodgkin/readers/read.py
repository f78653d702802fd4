"""The one function that reads any file of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from ..errors import RecordingError
from ..protocols import Protocol
from ..recordings import RecordingSet
from .options import Options, Sweeps
from .registry import reader_of


def read(
    path: str | PathLike[str],
    *,
    clamp: str | None = None,
    protocol: Protocol | Sequence[Protocol] | None = None,
    time: str | int | None = None,
    voltage: str | int | Sequence[str | int] | None = None,
    current: str | int | Sequence[str | int] | None = None,
    sweep: str | int | None = None,
    dt: float | str | None = None,
    rate: float | str | None = None,
    time_unit: str | None = None,
    voltage_unit: str | None = None,
    current_unit: str | None = None,
    voltage_scale: float | str = 1.0,
    current_scale: float | str = 1.0,
    convert_current: str | None = None,
    area: float | None = None,
    capacitance: float | None = None,
    c_m: float | None = None,
    command_mode: str = "command",
    channel: int | str | None = None,
    command: int | str | None = None,
    temperature: float | None = None,
    name: str | None = None,
    sweeps: Sweeps = None,
    exclude: Sweeps = None,
    electrode: str | None = None,
    junction_potential: float | None = None,
    decimal: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> RecordingSet:
    """Read the sweeps of a file: csv (also tsv, txt, dat, asc), atf, npz, abf or nwb.

    Units are stated by the file (in a name such as ``"t (ms)"``, ``"v [mV]"``, ``"I_nA"``, or
    by the format itself) or by the caller, never guessed. Time is counted from the first
    sample of each sweep. An argument that a format cannot honour is refused.

    Parameters
    ----------
    path : path
        The file; its ending says the format (`pyhodgkin.readers.register` adds one). ABF and NWB
        need ``pip install "pyhodgkin[readers]"``.
    clamp : {"current", "voltage"}
        Current clamp (v is observed) or voltage clamp (the current is). ABF and NWB state it.
    protocol : CurrentClamp, VoltageClamp or a sequence, optional
        The protocol, for all sweeps or one for each, where its formula is known or the file
        does not hold the command.
    time, voltage, current, sweep : str or int, optional
        Names (or column numbers) of the data in text files and npz; by default the usual ones
        (t or time, v, vm or voltage, i, im or current, sweep), else the only ones with a unit
        of voltage or current. In npz each row of a two-dimensional array is a sweep. In
        text files a sweep column numbers them, or each has its column: those called
        ``"Trace #1 (mV)"``, ``"Trace #2 (mV)"``, …, or those given as a pattern
        (``voltage="v* (mV)"``), as a recorded signal (``"IN 0"``) or as a list.
    dt : float or str, optional
        Spacing of the samples in ms, or the name of that number in the file.
    rate : float or str, optional
        Samples per second (Hz), or the name of that number in the file.
    time_unit, voltage_unit, current_unit : str, optional
        Units of the data where the file does not state them: ms, s, …; mV, V, …; pA, nA, A, …,
        uA/cm2, … Those of an ABF or NWB header are overridden by them (with a warning): an
        amplifier that does not report its settings leaves a wrong unit there.
    voltage_scale, current_scale : float or str, optional
        What to multiply the stored numbers with, in any format; for csv and npz also the name
        of that number in the file.
    convert_current : {"uA/cm2", "nA", "pA"}, optional
        Unit of the currents in the result. By default those three stay, other amperes become
        nA and other densities µA/cm².
    area : float, optional
        Membrane area of the cell, µm²: its currents, in amperes in the file, become µA/cm² (or
        those of a density the unit of `convert_current`).
    capacitance, c_m : float, optional
        In the place of `area`: the capacitance of the cell, pF, and of an area of its membrane,
        µF/cm² (often taken as 1).
    command_mode : {"command", "linear", "held"}
        What the command does between its samples, see `pyhodgkin.protocols.Sampled`.
    channel : int or str, optional
        Recorded channel of an ABF file, by number or name; the first by default, or the first
        that fits `clamp`.
    command : int or str, optional
        Recorded channel of an ABF file that holds the command as it was applied, by number or
        name; or the name of the output (DAC) whose waveform in the header was applied. By
        default the waveform of the output in the unit of the command. It is compared with the
        channels recorded in that unit, and refused where one clearly shows another.
    temperature : float, optional
        Degrees Celsius.
    name : str, optional
        Name of the recording, when one sweep is read.
    sweeps, exclude : int, str, slice, range, or a sequence of these, optional
        Sweeps to read, and sweeps to leave out, by their position in the file (from 0; negative
        ones from the end) or by their name. A sweep that is not read need not be readable.
        `protocol` counts those that are read.
    electrode : str, optional
        Of an NWB file with several electrodes, the one whose sweeps are read (and counted).
    junction_potential : float, optional
        Liquid junction potential, mV: the bath relative to the pipette, about +15 for potassium
        gluconate (Neher 1992, doi 10.1016/0076-6879(92)07008-C). It is subtracted from measured
        potentials and from the command of voltage clamp, be it the file's or `protocol`:
        v = v_recorded - junction_potential.
    decimal : {"point", "comma"}, optional
        Decimal mark of a text file, where its numbers do not show it.
    delimiter : {"tab", "semicolon", "comma", "space"}, optional
        What stands between the columns of a text file; by default what its rows show.
    encoding : str, optional
        Encoding of a text file, by Python's name; by default what its bytes show.

    Returns
    -------
    RecordingSet

    Raises
    ------
    RecordingError
        When the file is missing, unreadable or cut short, something is not stated, or an
        argument is not one of the file's format.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> file = tempfile.NamedTemporaryFile(suffix=".npz")
    >>> np.savez(file.name, V_mV=np.full(100, -80.0), I_nA=np.zeros(100))
    >>> read(file.name, clamp="voltage", dt=0.1, name="cell 1")
    RecordingSet(1):
      Recording("cell 1", voltage clamp, current in nA, 100 samples, 0 to 9.9 ms)
    """
    given = {key: value for key, value in locals().items() if key != "path"}
    options, file = Options(**given), Path(path)
    reader = reader_of(file)
    if not file.is_file():
        raise RecordingError(
            f"{file} does not exist" if not file.exists() else f"{file} is no file"
        )
    try:
        found = reader(file, options)
    except OSError as error:
        raise RecordingError(f"{file} cannot be read: {error.strerror or error}") from None
    if name is not None and len(found) > 1:
        raise RecordingError(
            f"{file}: {len(found)} sweeps are read, and name= is for one: give sweeps="
        )
    return found
