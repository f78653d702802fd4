"""A recording: a protocol, and what was measured under it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import RecordingError
from ..numerics.arrays import FloatArray
from ..numerics.spikes import upward_crossings
from ..protocols import Protocol
from ..solution.currents import total_current
from . import checks, plausible, setup
from .setup import Setup
from .view import html_of

if TYPE_CHECKING:
    from ..solution.solution import Solution
    from .sets import RecordingSet


# Spacing of samples that differs by less than this part of itself counts as even.
_EVEN = 1e-6
# A jump of the command is one that exceeds this part of its whole range.
_JUMP = 0.02


@dataclass(frozen=True, eq=False, repr=False)
class Recording(Setup):
    """What was measured under one protocol.

    Time is counted from the start of the protocol: a simulation of the recording starts at
    t = 0 even when the first sample comes later.

    Parameters
    ----------
    t : array, shape (T,)
        Times of the samples, ms, increasing and not negative; evenly spaced or not.
    protocol : CurrentClamp or VoltageClamp
        What was done to the cell.
    v : array, shape (T,)
        Membrane potential, mV: what is observed in current clamp.
    current : array, shape (T,)
        Current, outward positive: what is observed in voltage clamp.
    mask : array of bool, shape (T,), optional
        True where a sample is used.
    name : str
        To find it by in a `RecordingSet`.
    current_unit : {"uA/cm2", "nA", "pA"}
        Unit of every current in this recording, the injected one too; it decides those of the
        neuron: mS/cm² and µF/cm², µS and nF, or nS and pF. Must be given with `current`;
        in current clamp it is that of the protocol.
    temperature : float, optional
        Degrees Celsius.
    source : str
        Where it came from, for instance a file.
    t_offset : float
        Time in the original record at which t = 0 here, ms.
    cell : str
        Name of the cell, for a fit with numbers of each cell's own.

    Raises
    ------
    RecordingError
        For missing, non-finite or unequally long data, time that does not increase, a unit
        that is missing or unknown, a mask that keeps nothing.

    Notes
    -----
    What is known of electrode and amplifier is given by keyword too: `electrode`,
    `junction_potential` (mV, already subtracted), `bias_current` (pA, already in the command),
    `bridge_balance`, `series_resistance` (MΩ), `series_resistance_compensation` (%),
    `capacitance_compensation`, `whole_cell_capacitance` (pF).

    Examples
    --------
    >>> from pyhodgkin.protocols import VoltageClamp
    >>> t = np.arange(0, 100, 0.1)
    >>> protocol = VoltageClamp.step(20.0, start=10.0, stop=60.0, t_end=100.0)
    >>> recording = Recording(t, protocol, current=np.zeros(1000), current_unit="nA")
    >>> recording
    Recording(voltage clamp, current in nA, 1000 samples, 0 to 99.9 ms)
    >>> recording.masked_after_steps(5.0).n_used
    900
    """

    t: FloatArray
    protocol: Protocol
    v: FloatArray | None = None
    current: FloatArray | None = None
    mask: NDArray[np.bool_] = None  # type: ignore[assignment]
    name: str = ""
    current_unit: str = ""
    temperature: float | None = None
    source: str = ""
    t_offset: float = 0.0
    cell: str = ""

    def __post_init__(self) -> None:
        values: dict[str, Any] = {**checks.checked(self), **setup.checked(self)}
        for name, value in values.items():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)
            object.__setattr__(self, name, value)
        plausible.check(self)

    def _error(self, text: str) -> RecordingError:
        return checks.error(self.name, text)

    # -- what it holds ------------------------------------------------------------------

    @property
    def observed(self) -> str:
        """``"v"`` or ``"current"``."""
        return "v" if self.protocol.kind == "current" else "current"

    @property
    def data(self) -> FloatArray:
        """What was measured, shape (T,), in `unit`."""
        return getattr(self, self.observed)

    @property
    def unit(self) -> str:
        """Unit of `data`: mV or the unit of the current."""
        return "mV" if self.observed == "v" else self.current_unit

    @property
    def command(self) -> FloatArray:
        """The command at the samples, shape (T,), in the unit of the protocol."""
        return self.protocol(self.t)

    @property
    def dt(self) -> float | None:
        """Spacing of the samples in ms when it is even, else None."""
        steps = np.diff(self.t)
        mean = float(self.t[-1] - self.t[0]) / len(steps)
        return mean if np.all(np.abs(steps - mean) <= _EVEN * mean) else None

    @property
    def n_used(self) -> int:
        """Number of samples that the mask keeps."""
        return int(self.mask.sum())

    def __len__(self) -> int:
        return len(self.t)

    def __repr__(self) -> str:
        name = f'"{self.name}", ' if self.name else ""
        masked = len(self) - self.n_used
        return (
            f"Recording({name}{self.protocol.kind} clamp, {self.observed} in {self.unit}, "
            f"{len(self)} samples, {self.t[0]:g} to {self.t[-1]:g} ms"
            + (f", {masked} masked" if masked else "")
            + (f", {self._setup_text()})" if self._setup_text() else ")")
        )

    _repr_html_ = html_of

    # -- parts of it --------------------------------------------------------------------

    def renamed(self, name: str) -> Recording:
        """The same recording under another name."""
        return replace(self, name=name)

    def window(self, t0: float, t1: float) -> Recording:
        """The samples from `t0` to `t1` (ms, both included), as a recording of its own.

        Its time and protocol start at 0, at its first sample; `t_offset` says where that was.
        """
        first = int(np.searchsorted(self.t, t0 - 1e-9, side="left"))
        last = int(np.searchsorted(self.t, t1 + 1e-9, side="right"))
        if last - first < 2:
            raise self._error(
                f"the window from {t0:g} to {t1:g} ms holds {max(last - first, 0)} samples, fewer "
                f"than two; the recording covers {self.t[0]:g} to {self.t[-1]:g} ms"
            )
        return self._slice(first, last)

    def windows(self, length: float) -> RecordingSet:
        """Consecutive windows of `length` ms; neighbours share the sample between them."""
        if not length > 0:
            raise self._error(f"length of the windows must be positive (ms), got {length}")
        edges = np.arange(self.t[0], self.t[-1] - 1e-9, length)
        first = np.searchsorted(self.t, edges - 1e-9, side="left")
        last = np.append(first[1:], len(self.t) - 1)
        if np.any(last - first < 1):
            raise self._error(f"windows of {length:g} ms are too short: some hold no sample")
        parts = [self._slice(a, b + 1) for a, b in zip(first, last, strict=True)]
        from .sets import RecordingSet

        return RecordingSet([p.renamed(f"{self.name}[{i}]") for i, p in enumerate(parts)])

    def _slice(self, first: int, last: int) -> Recording:
        start = float(self.t[first])
        # Evenly sampled windows of one length share one time axis, bit by bit.
        t = self.t[first:last] - start if self.dt is None else self.t[: last - first] - self.t[0]
        end = min(float(self.t[last - 1]), self.protocol.t_end)
        return replace(
            self,
            t=t,
            protocol=self.protocol.between(start, end),
            mask=self.mask[first:last],
            t_offset=self.t_offset + start,
            **{self.observed: self.data[first:last]},
        )

    def thinned(self, every: int) -> Recording:
        """Each `every`-th sample, the first included; the protocol stays."""
        if int(every) != every or every < 1:
            raise self._error(f"every must be a whole number, at least 1, got {every}")
        keep = slice(None, None, int(every))
        part = {self.observed: self.data[keep]}
        return replace(self, t=self.t[keep], mask=self.mask[keep], **part)

    def masked(self, keep: ArrayLike) -> Recording:
        """The same recording without the samples where `keep` (bool, (T,)) is False."""
        return replace(self, mask=self.mask & replace(self, mask=keep).mask)

    def masked_after_steps(self, ms: float, min_jump: float | None = None) -> Recording:
        """Without the samples up to `ms` after each jump of the command.

        In voltage clamp these hold the capacitive current. A jump is a break of the command,
        or a rise within one sample, of at least `min_jump` (unit of the command; by default
        2 % of its range).
        """
        keep = np.ones(len(self), dtype=bool)
        for jump in self._jump_times(min_jump):
            first, last = np.searchsorted(self.t, [jump - 1e-9, jump + ms - 1e-9], side="left")
            keep[first:last] = False
        return self.masked(keep)

    def _jump_times(self, min_jump: float | None) -> FloatArray:
        pieces = self.protocol.segments
        if min_jump is None:
            min_jump = max(_JUMP * float(np.ptp(self.command)), 1e-12)
        breaks = pieces.breakpoints[np.abs(pieces.jumps()) >= min_jump]
        lasts = np.diff(pieces.start)
        steep = np.abs(pieces.slope[:-1] * lasts) >= min_jump
        short = lasts <= 1.5 * float(np.median(np.diff(self.t)))
        return np.union1d(breaks, pieces.breakpoints[steep & short])

    # -- from and to elsewhere ----------------------------------------------------------

    @classmethod
    def from_solution(
        cls, solution: Solution, noise: float = 0.0, seed: int = 0, **fields_: Any
    ) -> Recording:
        """A synthetic recording: what a `Solution` (of one neuron) would have measured.

        `noise` is the standard deviation of white noise added, in mV or the current's unit.
        Currents are in the unit of the solution; `current_unit` is needed only where its neuron
        does not state one.
        """
        if solution.batched:
            raise RecordingError("from_solution takes one element of a batch: give solution[i]")
        protocol: Any = solution.protocol
        white = noise * np.random.default_rng(seed).standard_normal(len(solution.t))
        if protocol.kind == "current":
            return cls(solution.t, protocol, v=solution.v + white, **fields_)
        total = total_current(solution)
        fields_["current_unit"] = checks.unit_of_solution(solution, fields_.get("current_unit"))
        return cls(solution.t, protocol, current=total + white, **fields_)

    def spike_times(self, threshold: float = 0.0, dead_time: float = 1.0) -> FloatArray:
        """Times in ms at which the measured v rises through `threshold` (mV).

        A cubic through the four samples around each crossing; no second spike counts within
        `dead_time` ms, so that noise on a steep flank is no spike. Masked samples count too.

        Raises
        ------
        RecordingError
            Under voltage clamp, where v is the command.

        Examples
        --------
        >>> import pyhodgkin as ph
        >>> clamp = ph.CurrentClamp.step(10.0, start=2.0, stop=20.0, t_end=25.0)
        >>> s = ph.simulate(ph.library.get("squid_axon"), clamp, saveat=0.05)
        >>> ph.Recording.from_solution(s).spike_times().round(2).tolist()
        [3.89, 18.8]
        """
        if self.observed != "v":
            raise self._error("a voltage clamp has no spikes: v is the command")
        return upward_crossings(self.t, self.data, threshold, dead_time)

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write a csv file that `pyhodgkin.read` reads back without being told anything."""
        from .write import write_csv

        write_csv([self], path)
