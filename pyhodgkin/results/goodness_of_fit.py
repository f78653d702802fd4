"""Whether a fit explains its recordings: the residual of each against its noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..numerics.arrays import FloatArray
from ..numerics.spikes import upward_crossings
from ..recordings import Recording
from ..recordings.denoise import level
from ..storage.json_files import finite_or_none
from ..storage.records import record, texts

ABOVE = 3.0  # times the noise: a residual that is more than noise
SMALL = 0.01  # of the standard deviation of the data: a residual that may be any number of times
POOR = 0.3  # of the same: what is left over is a good part of what was measured
AS_CONSTANT = 0.9  # of the same: no better than a constant
NOISE_FREE = 1e-5  # of the same: less noise than this is none
FLAT = 1.5  # times the noise: data that move by no more
DEAD_TIME = 1.0  # ms after a spike, in which noise may cross 0 mV again
_MOVES = 5.0  # mV: over less a gate is hardly driven


@dataclass(frozen=True)
class Residual:
    """The residual of one recording, over the samples in use.

    Parameters
    ----------
    name, unit : str
    heldout : bool
    rms : float
        Root mean square of predicted - measured.
    noise : float
        Standard deviation of the noise, as stated or estimated.
    spread : float
        Standard deviation of what was measured: the residual of a constant.
    resolution : float
        Step of the values, where they are rounded; else 0.
    stated : bool
        Whether `noise` was.
    spikes, predicted_spikes : int
        Rises through 0 mV, where v was measured.
    """

    name: str
    unit: str
    heldout: bool
    rms: float
    noise: float
    spread: float
    resolution: float = 0.0
    stated: bool = False
    spikes: int = 0
    predicted_spikes: int = 0

    @property
    def silent(self) -> bool:
        """Whether the cell spiked and the model does not."""
        return self.spikes > 0 and self.predicted_spikes == 0

    @property
    def ratio(self) -> float:
        """How many times the noise the residual is."""
        return self.rms / self.noise if self.noise > 0 else (np.inf if self.rms > 0 else 1.0)

    @property
    def flat(self) -> bool:
        """Whether what was measured is nothing but noise."""
        return self.spread <= FLAT * self.noise or self.spread == 0.0

    @property
    def above_noise(self) -> bool:
        """Whether the residual is more than noise, and not small."""
        large = not self.rms <= max(SMALL * self.spread, ABOVE * self.noise)
        return large and not self.flat

    @property
    def poor(self) -> bool:
        """Whether the residual is a good part of what was measured."""
        return self.above_noise and not self.rms <= POOR * self.spread

    @property
    def constant(self) -> bool:
        """Whether a constant would be about as good."""
        return self.above_noise and not self.rms < AS_CONSTANT * self.spread

    def __str__(self) -> str:
        how = "stated" if self.stated else "estimated"
        if self.resolution > 0.0 and not self.stated:
            how += f", values in steps of {self.resolution:.3g} {self.unit}"
        text = f"{self.name}: residual {self.rms:.3g} {self.unit} rms, "
        if self.noise < NOISE_FREE * self.spread and not self.stated:
            text += f"of {self.spread:.3g} {self.unit}; hardly any noise"
        else:
            text += f"{_times(self.ratio)} the noise ({self.noise:.2g} {self.unit}, {how})"
        if self.flat:
            text += "; flat: nothing but noise was measured"
        elif self.constant:
            text += f"; a constant has {self.spread:.3g} {self.unit}"
        if self.spikes or self.predicted_spikes:
            text += f"; spikes: {self.predicted_spikes} predicted, {self.spikes} measured"
        return text


@dataclass(frozen=True)
class GoodnessOfFit:
    """Whether a fit explains its recordings, and what to do where it does not.

    Parameters
    ----------
    residuals : tuple of Residual
        Of the best start, training and held out.
    advice : tuple of str
        What could be changed, where a residual is more than noise.
    notes : tuple of str
        What else speaks against the fit.

    Examples
    --------
    >>> good = GoodnessOfFit((Residual("a", "mV", False, 6.0, 0.2, 25.0),), ("free k.g as well",))
    >>> print(good.summary())
    residual 30 times the noise in a: free k.g as well
    >>> good.explains
    True
    """

    residuals: tuple[Residual, ...] = ()
    advice: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def explains(self) -> bool:
        """Whether something was learned: no training recording is poorly predicted."""
        train = [r for r in self.residuals if not r.heldout]
        flat = bool(train) and all(r.flat for r in train)
        return not (flat or self.notes or any(r.poor or r.silent for r in train))

    @property
    def verdict(self) -> str:
        """In a few words what the training recordings say of the fit.

        "nothing to learn from" (flat), "silent" (a cell that spiked is predicted without any
        spike), "no better than a constant", "poor", or "explains".
        """
        train = [r for r in self.residuals if not r.heldout]
        if train and all(r.flat for r in train):
            return "nothing to learn from"
        spiking = [r for r in train if r.spikes > 0]
        if spiking and all(r.silent for r in spiking):
            return "silent"
        # The squared error says little of spikes that come at other times: their number does.
        wrong = sum(abs(r.predicted_spikes - r.spikes) for r in train)
        countless = wrong >= sum(r.spikes for r in train)
        if countless and all(r.constant or r.flat for r in train):
            return "no better than a constant"
        return "explains" if self.explains else "poor"

    def warning(self) -> str:
        """What a user has to be told of a fit that means nothing; empty for others."""
        verdict = self.verdict
        if verdict == "silent":
            count = sum(r.spikes for r in self.residuals if not r.heldout)
            text = f"the fit ended silent: no spike is predicted where {count} were measured"
        elif verdict == "no better than a constant":
            text = "the fit predicts its training recordings no better than a constant would"
        else:
            return ""
        return f"{text}; result.goodness says more, and its parameters mean nothing"

    def summary(self) -> str:
        """One line on what is wrong; empty where nothing is."""
        train = [r for r in self.residuals if not r.heldout]
        held = [r for r in self.residuals if r.heldout]
        parts = list(self.notes)
        flat = [r for r in train if r.flat]
        if flat:
            parts.append(f"nothing to learn from in {_names(flat)}: flat, nothing but noise")
        silent = [r for r in train if r.silent]
        if silent:
            count = sum(r.spikes for r in silent)
            parts.append(f"no spike in {_names(silent)} ({count} measured)")
        above = [r for r in train if r.above_noise]
        if above:
            text = f"residual {_times(max(r.ratio for r in above))} the noise in {_names(above)}"
            same = [r for r in above if r.constant]
            text += f", no better than a constant in {_names(same)}" if same else ""
            parts.append(text + (f": {' or '.join(self.advice)}" if self.advice else ""))
        elif any(r.above_noise for r in held):
            worse = [r for r in held if r.above_noise]
            text = f"residual {_times(max(r.ratio for r in worse))} the noise in {_names(worse)}"
            parts.append(f"{text}, held out, and not in training")
        return "; ".join(parts)

    def lines(self) -> list[str]:
        """The residual of each recording against its noise."""
        return [("held out " if r.heldout else "") + str(r) for r in self.residuals]

    def to_dict(self) -> dict[str, Any]:
        """Safe for JSON."""
        rows = finite_or_none([asdict(residual) for residual in self.residuals])
        return {"residuals": rows, "advice": list(self.advice), "notes": list(self.notes),
                "explains": self.explains, "verdict": self.verdict,
                "summary": self.summary()}  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GoodnessOfFit:
        """The inverse of `to_dict`."""
        rows: list[dict[str, Any]] = [
            {k: np.nan if x is None else x for k, x in row.items()} for row in data["residuals"]
        ]
        residuals = tuple(record(Residual, row) for row in rows)
        return cls(residuals, texts(data["advice"]), texts(data["notes"]))


def residual_of(
    recording: Recording, predicted: FloatArray, stated: float | None, heldout: bool = False
) -> Residual:
    """The residual of what was predicted (T,), and the noise that it is judged by."""
    keep = recording.mask
    data, off = recording.data[keep], (predicted - recording.data)[keep]
    step = resolution(recording.data)
    noise = max(level(recording), step / np.sqrt(12.0)) if stated is None else float(stated)
    rms = float(np.sqrt(np.mean(off**2)))
    name = recording.name or "the recording"
    spread = float(np.std(data))
    pair = (recording.data, predicted) if recording.observed == "v" else ()
    seen = [np.where(keep, v, np.nan) for v in pair]
    counts = [len(upward_crossings(recording.t, v, dead_time=DEAD_TIME)) for v in seen]
    return Residual(
        name, recording.unit, heldout, rms, float(noise), spread, step, stated is not None, *counts
    )


def resolution(data: FloatArray) -> float:
    """The step of values that were rounded, 0 where they were not.

    Examples
    --------
    >>> t = np.linspace(0.0, 6.0, 1000)
    >>> round(resolution(np.round(np.sin(t) / 0.1) * 0.1), 9), resolution(np.sin(t))
    (0.1, 0.0)
    """
    values = np.unique(data)
    # Values that are equal but for rounding of the numbers are one.
    gaps = np.diff(values)
    gaps = gaps[gaps > 1e-9 * np.max(np.abs(values))]
    if not len(gaps):
        return 0.0
    step = float(np.min(gaps))
    parts = gaps / step
    whole = np.abs(parts - np.round(parts)) <= 0.01
    once = np.abs(parts - 1.0) <= 0.01
    return step if whole.mean() > 0.95 and once.mean() > 0.05 else 0.0


def driven(recordings: Sequence[Recording], noise: Sequence[float]) -> str:
    """What is told where the potential hardly moves; empty where it does."""
    traces = [r.data if r.observed == "v" else r.command for r in recordings]
    sizes = noise if len(noise) else np.zeros(len(recordings))
    low = min(float(v.min()) for v in traces)
    high = max(float(v.max()) for v in traces)
    # The extremes of noise are about four standard deviations from its mean.
    moved = high - low - 8.0 * float(np.max(sizes, initial=0.0))
    if moved >= _MOVES:
        return ""
    return (
        f"the potential moves by {max(moved, 0.0):.2g} mV only, so that gates are hardly driven "
        "and their curves are learned at one voltage"
    )


def _names(rows: Sequence[Residual]) -> str:
    shown = ", ".join(r.name for r in rows[:3])
    return shown + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")


def _times(ratio: float) -> str:
    if not np.isfinite(ratio):
        return "many times"
    return f"{ratio:.0f} times" if ratio >= 9.5 else f"{ratio:.2g} times"
