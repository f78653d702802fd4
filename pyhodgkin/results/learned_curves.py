"""Learned curves with credible bands, and the voltages at which recordings determine them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray
from ..numerics.elementary import logistic
from ..storage.records import texts

LEVEL = 0.9  # of a band
X_TOLERANCE, LOG_TOLERANCE = 0.1, 0.4  # half widths of the band of what is determined
CURRENT_TOLERANCE = 0.15  # of the range of the current
INFORMED = 0.5  # of the standard deviation of a weak prior, which the recordings leave at most
NARROW = 2.0  # mV: support that is narrower is none


class Band(NamedTuple):
    """A credible band of one curve: voltages (n,) in mV, the curve and its limits (n,)."""

    v: FloatArray
    value: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class LearnedCurve:
    """One curve and how well the recordings determine it.

    Parameters
    ----------
    name : str
        ``"channel.gate.x_inf"``, ``"channel.gate.tau"`` or ``"channel.i"``.
    kind : {"x_inf", "tau", "current"}
    unit : str
    v : array (n,)
        mV.
    centre : array (n,)
        The log odds of x_inf, the logarithm of tau (ms), or the current.
    sd : array (n,)
        Standard deviation of the posterior of `centre`.
    left : array (n,)
        What the recordings leave of the standard deviation of a prior that says next to nothing:
        1 where they are silent.

    Examples
    --------
    >>> v = np.array([-80.0, -40.0, 0.0])
    >>> sd = np.array([0.1, 0.1, 3.0])
    >>> curve = LearnedCurve("k.n.tau", "tau", "ms", v, np.zeros(3), sd, np.array([0.1, 0.1, 1.0]))
    >>> curve.determined
    array([ True,  True, False])
    >>> curve.support
    ((-80.0, -20.0),)
    """

    name: str
    kind: str
    unit: str
    v: FloatArray
    centre: FloatArray
    sd: FloatArray
    left: FloatArray

    def band(self, level: float = LEVEL) -> Band:
        """The credible band that holds the curve at a voltage with probability `level`."""
        if not 0.0 < level < 1.0:
            raise InputError(f"level = {level}: give a probability between 0 and 1")
        low, high = self._limits(self.sd, level)
        return Band(self.v, self._curve(self.centre), low, high)

    @property
    def determined(self) -> NDArray[np.bool_]:
        """Whether the recordings determine the curve, at each voltage (n,)."""
        low, high = self._limits(self.sd, LEVEL)
        if self.kind == "tau":
            narrow = np.log(high / np.maximum(low, 1e-300)) <= 2.0 * LOG_TOLERANCE
        elif self.kind == "x_inf":
            narrow = high - low <= 2.0 * X_TOLERANCE
        else:
            size = max(float(np.ptp(self.centre)), 1e-300)
            narrow = high - low <= 2.0 * CURRENT_TOLERANCE * size
        return narrow & (self.left <= INFORMED)

    @property
    def support(self) -> tuple[tuple[float, float], ...]:
        """Ranges of voltage, mV, at which the recordings determine the curve."""
        yes = np.concatenate([[False], self.determined, [False]])
        edges = np.flatnonzero(yes[1:] != yes[:-1]).reshape(-1, 2)
        middle = 0.5 * (self.v[1:] + self.v[:-1])
        ends = np.concatenate([self.v[:1], middle, self.v[-1:]])
        found = [(float(ends[a]), float(ends[b])) for a, b in edges]
        return tuple(x for x in found if x[1] - x[0] > NARROW)

    def _limits(self, sd: FloatArray, level: float) -> tuple[FloatArray, FloatArray]:
        z = NormalDist().inv_cdf(0.5 + 0.5 * level)
        low, high = self._curve(self.centre - z * sd), self._curve(self.centre + z * sd)
        if self.kind != "x_inf":
            return low, high
        # Data are linear in x, not in its log odds: near 0 and 1 they cannot tell how near.
        x = self._curve(self.centre)
        by = z * sd * x * (1.0 - x)
        return np.minimum(low, np.maximum(x - by, 0.0)), np.maximum(high, np.minimum(x + by, 1.0))

    def _curve(self, y: FloatArray) -> FloatArray:
        if self.kind == "x_inf":
            return logistic(y)
        return np.exp(np.clip(y, -300.0, 300.0)) if self.kind == "tau" else y


@dataclass(frozen=True, eq=False)
class LearnedCurves:
    """Every curve that was learned, with bands.

    Parameters
    ----------
    curves : tuple of LearnedCurve
    voltages : (float, float)
        Lowest and highest voltage of the recordings, mV.
    inflation : tuple of float
        For each recording, how many samples count as one, because residuals go together: where it
        is far above one the model is wrong by more than noise, and bands are wider for it.
    prior : str
        The prior of the bands, in words.
    """

    curves: tuple[LearnedCurve, ...]
    voltages: tuple[float, float]
    inflation: tuple[float, ...] = ()
    prior: str = ""

    def __iter__(self) -> Iterator[LearnedCurve]:
        return iter(self.curves)

    def __len__(self) -> int:
        return len(self.curves)

    def __getitem__(self, name: str) -> LearnedCurve:
        """The curve called `name`; the channel may be left out."""
        for curve in self.curves:
            if name in (curve.name, curve.name.partition(".")[2]):
                return curve
        raise unknown("learned curve", name, [c.name for c in self.curves])

    @property
    def support(self) -> dict[str, tuple[tuple[float, float], ...]]:
        """Of each curve the ranges of voltage, mV, at which the recordings determine it."""
        return {c.name: c.support for c in self.curves}

    def lines(self) -> list[str]:
        """Where each curve is determined, in words."""
        width = max((len(c.name) for c in self.curves), default=0)
        return [f"{c.name:<{width}}  {_words(c.support)}" for c in self.curves]

    def rows(self) -> list[dict[str, str]]:
        """For each curve its name, unit and where it is determined, as columns of a table."""
        return [
            {"curve": c.name, "unit": c.unit, "determined at": _words(c.support)}
            for c in self.curves
        ]

    def summary(self) -> str:
        """One line on what is not determined within the range of the recordings; empty if nothing.

        Voltages that are passed in the recordings count, not those outside.
        """
        low, high = self.voltages
        parts = []
        for c in self.curves:
            inside = (c.v >= low) & (c.v <= high)
            gaps = _ranges(c.v[inside], ~c.determined[inside])
            if inside.any() and not c.determined[inside].any():
                parts.append(f"{c.name} not at all")
            elif gaps:
                text = ", ".join(f"{a:.0f} to {b:.0f} mV" for a, b in gaps)
                parts.append(f"{c.name} not at {text}")
        return f"the recordings determine {'; '.join(parts)}" if parts else ""

    def __str__(self) -> str:
        return "\n".join(["determined by the recordings at", *self.lines()])

    def __repr__(self) -> str:
        return f"LearnedCurves({', '.join(c.name for c in self.curves)})"

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, safe for JSON."""
        arrays = ("v", "centre", "sd", "left")
        rows = [
            {"name": c.name, "kind": c.kind, "unit": c.unit}
            | {a: getattr(c, a).tolist() for a in arrays}
            for c in self.curves
        ]
        return {"curves": rows, "voltages": list(self.voltages),
                "inflation": list(self.inflation), "prior": self.prior}  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LearnedCurves:
        """The inverse of `to_dict`."""
        curves = []
        for row in data["curves"]:
            name, kind, unit = texts((row["name"], row["kind"], row["unit"]))
            arrays = (np.array(row[a], float) for a in ("v", "centre", "sd", "left"))
            curves.append(LearnedCurve(name, kind, unit, *arrays))
        low, high = data["voltages"]
        return cls(tuple(curves), (low, high), tuple(data["inflation"]), data["prior"])


def _ranges(v: FloatArray, where: NDArray[np.bool_]) -> list[tuple[float, float]]:
    yes = np.concatenate([[False], where, [False]])
    edges = np.flatnonzero(yes[1:] != yes[:-1]).reshape(-1, 2)
    return [(float(v[a]), float(v[b - 1])) for a, b in edges if v[b - 1] - v[a] > NARROW]


def _words(support: Sequence[tuple[float, float]]) -> str:
    if not support:
        return "no voltage"
    return " and ".join(f"{a:.0f} to {b:.0f} mV" for a, b in support)
