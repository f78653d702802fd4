"""What is known of parameters from recordings, as a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..numerics.arrays import FloatArray, Indices
from ..numerics.cached import cached_property
from ..storage.records import texts

CORRELATED = 0.99
NUMERICAL = 1e-13  # of the largest eigenvalue: below, differences cannot tell it from zero
TAKES_PART = 0.03  # component of a direction that is zero, above which a parameter is lost in it


@dataclass(frozen=True, eq=False, repr=False)
class Identifiability:
    """What recordings tell of p parameters, near the values that they have.

    Everything is of phi, the parameters without units in which `fit` works: the logarithm of a
    conductance or capacitance, a potential in units of 10 mV, other numbers as they are.
    `values`, `slopes` and `standard_errors` alone are in the unit of each parameter.

    Parameters
    ----------
    names, units : tuple of str (p,)
    values : array (p,)
    slopes : array (p,)
        Of the parameters by phi.
    information : array (p, p)
        The Gauss-Newton matrix Jᵀ J/noise², which is Fisher's information of white noise.
    samples : int
        How many there are.
    noise : tuple of float
        Standard deviation of the noise of each recording that was assumed, in its unit.
    tolerance : float
        A direction in phi is determined when its standard error is below.
    at_bounds : tuple of str
        Parameters that are at a limit: they are held there, and have no standard error (NaN).

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> clamp = ph.CurrentClamp.step(1.0, start=2.0, stop=10.0, t_end=15.0)
    >>> trace = ph.Recording.from_solution(ph.simulate(cell, clamp, saveat=0.1))
    >>> found = ph.identifiability(cell, trace, trainable="conductances", noise=0.5)
    >>> found.names
    ('k.g', 'na.g', 'l.g')
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: FloatArray
    slopes: FloatArray
    information: FloatArray
    samples: int
    noise: tuple[float, ...]
    tolerance: float = 0.5
    at_bounds: tuple[str, ...] = ()

    @cached_property
    def _free(self) -> Indices:
        """Places of the parameters that are not at a limit."""
        free = [i for i, name in enumerate(self.names) if name not in self.at_bounds]
        return np.array(free, dtype=np.intp)

    @property
    def sensitivities(self) -> FloatArray:
        """Root mean square change of what is observed, in units of noise, by phi (p,)."""
        return np.sqrt(np.diagonal(self.information) / self.samples)

    @cached_property
    def _spectrum(self) -> tuple[FloatArray, FloatArray]:
        free = self._free
        eigenvalues, vectors = np.linalg.eigh(self.information[np.ix_(free, free)])
        return np.maximum(eigenvalues[::-1], 0.0), vectors[:, ::-1]

    @property
    def eigenvalues(self) -> FloatArray:
        """Of the information, the largest first: (p,), less what is at a limit."""
        return self._spectrum[0]

    @property
    def eigenvectors(self) -> FloatArray:
        """Of the information, a column for each (p, p)."""
        return self._spectrum[1]

    @cached_property
    def covariance(self) -> FloatArray:
        """Of phi (p, p), the inverse; infinite variances where a direction is not seen at all."""
        covariance = np.full((len(self.names),) * 2, np.nan)
        covariance[np.ix_(self._free, self._free)] = _inverse(*self._spectrum)
        return covariance

    @property
    def standard_errors(self) -> FloatArray:
        """Cramér-Rao bound (p,), in the unit of each parameter."""
        return np.abs(self.slopes) * np.sqrt(np.diagonal(self.covariance))

    @property
    def correlations(self) -> FloatArray:
        """(p, p), of the estimates; NaN where a parameter is not determined at all."""
        sd = np.sqrt(np.diagonal(self.covariance))
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.covariance / np.outer(sd, sd)

    def correlated(self, above: float = CORRELATED) -> list[tuple[str, str, float]]:
        """Pairs of parameters whose estimates go together more closely than `above`."""
        c, n = self.correlations, len(self.names)
        pairs = [(i, j) for i in range(n) for j in range(i) if abs(c[i, j]) > above]
        pairs.sort(key=lambda ij: -abs(c[ij]))
        return [(self.names[j], self.names[i], float(c[i, j])) for i, j in pairs]

    @property
    def condition(self) -> float:
        """Largest eigenvalue over the smallest."""
        low = float(self.eigenvalues[-1]) if len(self.eigenvalues) else 0.0
        return float(self.eigenvalues[0]) / low if low > 0 else np.inf

    @property
    def undetermined(self) -> tuple[str, ...]:
        """Parameters whose standard error in phi exceeds `tolerance`."""
        sd = np.sqrt(np.diagonal(self.covariance))
        return tuple(self.names[i] for i in self._free if not sd[i] <= self.tolerance)

    @property
    def loose(self) -> list[tuple[float, dict[str, float]]]:
        """Combinations that the recordings do not determine, the worst first.

        Each is the standard error along a direction of phi, and its components of at least a
        tenth of the largest.
        """
        out = []
        for i in reversed(range(len(self.eigenvalues))):
            sd = self._along(i)
            if sd <= self.tolerance:
                break
            vector = self.eigenvectors[:, i]
            vector = vector * np.sign(vector[np.argmax(np.abs(vector))])
            order = [j for j in np.argsort(-np.abs(vector)) if abs(vector[j]) >= 0.1 * vector.max()]
            names = [self.names[i] for i in self._free]
            out.append((sd, {names[j]: float(vector[j]) for j in order}))
        return out

    def _along(self, i: int) -> float:
        x = float(self.eigenvalues[i])
        return np.inf if _zero(self.eigenvalues)[i] else 1.0 / np.sqrt(x)

    def rows(self) -> list[dict[str, Any]]:
        """One dict for each parameter."""
        sd = np.sqrt(np.diagonal(self.covariance))
        return [
            {
                "parameter": name,
                "value": float(self.values[i]),
                "standard_error": None if held else float(self.standard_errors[i]),
                "unit": self.units[i],
                "sensitivity": float(self.sensitivities[i]),
                "determined": bool(sd[i] <= self.tolerance),
                "at_bound": held,
            }
            for i, name in enumerate(self.names)
            for held in [name in self.at_bounds]
        ]

    def table(self) -> str:
        """The rows as text."""
        width = max(len("parameter"), *(len(n) for n in self.names))
        heads = f"{'parameter':<{width}} {'value':>11} {'std. error':>11} {'sensitivity':>12}  unit"
        lines = [heads]
        for row in self.rows():
            error = row["standard_error"]
            numbers = f"{row['value']:>11.5g} " + (
                f"{error:>11.3g}" if error is not None else "-".rjust(11)
            )
            mark = "" if row["determined"] else "  not determined"
            mark = "  at its bound" if row["at_bound"] else mark
            name = f"{row['parameter']:<{width}}"
            lines.append(f"{name} {numbers} {row['sensitivity']:>12.4g}  {row['unit']}{mark}")
        return "\n".join(lines)

    def summary(self) -> str:
        """One line: what is not determined, and what goes together."""
        total, bad = len(self.names), self.undetermined
        held = f"; {_listing(self.at_bounds)} at a bound" if self.at_bounds else ""
        parts = [
            f"the recordings determine {len(self._free) - len(bad)} of {total} parameters"
            + (f", not {_listing(bad)}" if bad else "")
            + held
        ]
        pairs = [f"{a} with {b} ({c:+.4f})" for a, b, c in self.correlated()]
        if pairs:
            parts.append(f"correlated above {CORRELATED}: {_listing(pairs)}")
        return "; ".join(parts)

    def __str__(self) -> str:
        lines = [self.table(), self.summary()]
        for sd, parts in self.loose[:5]:
            terms = " ".join(f"{x:+.2f} {name}" for name, x in list(parts.items())[:8])
            lines.append(f"not determined (standard error {sd:.3g}): {terms}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Identifiability({self.summary()})"

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, safe for JSON."""
        arrays = {n: getattr(self, n).tolist() for n in ("values", "slopes", "information")}
        plain = {n: getattr(self, n) for n in ("samples", "tolerance")}
        lists = {n: list(getattr(self, n)) for n in ("names", "units", "noise", "at_bounds")}
        return {**lists, **arrays, **plain, "summary": self.summary()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Identifiability:
        """The inverse of `to_dict`."""
        lists: dict[str, Any] = {n: texts(data[n]) for n in ("names", "units")}
        lists["noise"] = tuple(map(float, data["noise"]))
        arrays: dict[str, Any] = {
            n: np.array(data[n], dtype=float) for n in ("values", "slopes", "information")
        }
        plain: dict[str, Any] = {n: data[n] for n in ("samples", "tolerance")}
        return cls(**lists, **arrays, **plain, at_bounds=texts(data.get("at_bounds", ())))


def _inverse(eigenvalues: FloatArray, vectors: FloatArray) -> FloatArray:
    """The covariance; infinite variances where a zero eigenvalue takes part."""
    zero = _zero(eigenvalues)
    weights = np.where(zero, 0.0, 1.0 / np.where(zero, 1.0, eigenvalues))
    covariance = (vectors * weights) @ vectors.T
    lost = np.flatnonzero((vectors[:, zero] ** 2).sum(axis=1) > TAKES_PART**2)
    covariance[lost, lost] = np.inf
    return covariance


def _zero(eigenvalues: FloatArray) -> NDArray[np.bool_]:
    largest = float(np.max(eigenvalues, initial=0.0))
    return eigenvalues <= NUMERICAL * max(largest, np.finfo(float).tiny)


def _listing(items: Sequence[str], most: int = 6) -> str:
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more
