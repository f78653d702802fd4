"""What the starts of a fit agree on: the spread of learned curves and of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices

if TYPE_CHECKING:
    from .fit_result import FitResult, Prediction


QUANTILES = (0.05, 0.95)
POINTS = 200  # of a curve, over the voltages seen


@dataclass(frozen=True, eq=False)
class Band:
    """Values (M, N) of M members, with weights (M,) that sum to one.

    A member whose value is not finite does not count there.

    Examples
    --------
    >>> band = Band(np.array([[1.0, 2.0], [3.0, np.nan]]), np.array([0.5, 0.5]))
    >>> band.mean, band.sd
    (array([2., 2.]), array([1., 0.]))
    """

    values: FloatArray
    weights: FloatArray

    def _shares(self) -> FloatArray:
        shares = np.where(np.isfinite(self.values), self.weights[:, None], 0.0)
        total = shares.sum(axis=0)
        with np.errstate(invalid="ignore"):
            return shares / np.where(total > 0, total, np.nan)

    @property
    def mean(self) -> FloatArray:
        """(N,)"""
        return np.sum(self._shares() * np.nan_to_num(self.values), axis=0)

    @property
    def sd(self) -> FloatArray:
        """Standard deviation (N,) of the members; zero of one."""
        away = np.nan_to_num(self.values) - self.mean
        return np.sqrt(np.sum(self._shares() * away**2, axis=0))

    def quantile(self, q: float) -> FloatArray:
        """The value (N,) below which members of the weight `q` lie, linear between them."""
        if not 0.0 <= q <= 1.0:
            raise InputError(f"quantile: q = {q} must lie between 0 and 1")
        order = np.argsort(self.values, axis=0)  # NaN, without weight, last
        values = np.take_along_axis(self.values, order, axis=0)
        shares = np.take_along_axis(self._shares(), order, axis=0)
        middle = np.cumsum(shares, axis=0) - 0.5 * shares
        out = np.full(values.shape[1], np.nan)
        for i in range(values.shape[1]):
            own = shares[:, i] > 0
            if own.any():
                out[i] = np.interp(q, middle[own, i], values[own, i])
        return out


@dataclass(frozen=True, eq=False, repr=False)
class Ensemble:
    """The starts of a fit as members of equal or given weight.

    Parameters
    ----------
    neurons : tuple of Neuron (M,)
    members : array of int (M,)
        Which starts of the fit they are, the best first.
    weights : array (M,)
        They sum to one.
    scores : array (M,)
    predictions : tuple of Prediction
        With `predicted` (M, T).
    voltage_range : (float, float)
        Of the training recordings, mV.
    """

    neurons: tuple[Neuron, ...]
    members: Indices
    weights: FloatArray
    scores: FloatArray
    predictions: tuple[Prediction, ...]
    voltage_range: tuple[float, float]

    def __len__(self) -> int:
        return len(self.neurons)

    @property
    def gates(self) -> tuple[str, ...]:
        """Gates that are networks of the voltage."""
        gates = self.neurons[0].gates
        learned = [g for g in gates if g.kinetics.kind == "neural"]
        return tuple(g.name for g in learned if g.kinetics.is_linear)

    def voltages(self) -> FloatArray:
        """Where curves are given by default: the range seen in training (200,), mV."""
        return np.linspace(*self.voltage_range, POINTS)

    def curve(self, gate: str, v: ArrayLike | None = None) -> dict[str, Band]:
        """``x_inf`` and ``tau`` (ms) of a gate at `v` (N,) mV, at the neuron's temperature."""
        at = self.voltages() if v is None else np.atleast_1d(np.asarray(v, dtype=np.float64))
        found = [(n.gate(gate), n.temperature) for n in self.neurons]
        x = np.stack([g.kinetics.x_inf(at) for g, _ in found])
        tau = np.stack([g.kinetics.tau(at) / g.rate_factor(warm) for g, warm in found])
        return {"x_inf": Band(x, self.weights), "tau": Band(tau, self.weights)}

    def prediction(self, recording: int | str) -> Band:
        """What the members say (T,) of a recording, by its place or name."""
        if isinstance(recording, str):
            names = [p.name for p in self.predictions]
            if recording not in names:
                raise unknown("recording", recording, names)
            recording = names.index(recording)
        return Band(self.predictions[recording].predicted, self.weights)

    def parameter(self, name: str) -> Band:
        """A parameter as one value of each member, (1,)."""
        layout = self.neurons[0].layout
        place = layout[name].slice
        return Band(np.stack([n.theta[place] for n in self.neurons]), self.weights)

    def rows(self) -> list[dict[str, Any]]:
        """One dict for each learned curve, number that differs, and recording.

        `spread` is the largest standard deviation of a curve over the voltages seen (of a time
        constant as a part of its mean), and of a prediction its root mean square.
        """
        out: list[dict[str, Any]] = []
        for gate in self.gates:
            for name, band in self.curve(gate).items():
                size = band.sd / band.mean if name == "tau" else band.sd
                unit = "of its mean" if name == "tau" else ""
                out.append({"what": f"{gate}: {name}", "spread": _largest(size), "unit": unit})
        for entry in self.neurons[0].layout:
            if entry.group != "networks" and entry.shape == ():
                sd = float(self.parameter(entry.name).sd[0])
                if sd > 0:
                    out.append({"what": entry.name, "spread": sd, "unit": entry.unit})
        for i, p in enumerate(self.predictions):
            sd = float(np.sqrt(np.nanmean(self.prediction(i).sd ** 2)))
            role = "held out" if p.heldout else "training"
            what = f"{p.name or f'recording {i}'} ({role})"
            out.append({"what": what, "spread": sd, "unit": p.unit})
        return out

    def table(self) -> str:
        """The rows as text."""
        rows = self.rows()
        width = max([len("spread of"), *(len(row["what"]) for row in rows)])
        lines = [f"{'spread of':<{width}} {'sd':>10}"]
        lines += [f"{r['what']:<{width}} {r['spread']:>10.4g} {r['unit']}".rstrip() for r in rows]
        return "\n".join(lines)

    def __str__(self) -> str:
        return f"{len(self)} members\n{self.table()}"

    def __repr__(self) -> str:
        return f"Ensemble({len(self)} members of {self.neurons[0].name})"

    def plot(self, **options: Any) -> Any:
        """Learned curves with bands; see `pyhodgkin.plot.ensemble`."""
        from .. import plot

        return plot.ensemble(self, **options)

    def plot_predictions(self, **options: Any) -> Any:
        """Predictions with bands; see `pyhodgkin.plot.ensemble_predictions`."""
        from .. import plot

        return plot.ensemble_predictions(self, **options)


def ensemble_of(
    result: FitResult, within: float | None = None, weights: Sequence[float] | None = None
) -> Ensemble:
    """The starts of `result` that have a finite loss.

    `within` keeps only those whose loss is at most so many times the best one's; `weights` is
    one for each start of the fit (default equal).
    """
    if within is not None and not within >= 1.0:
        raise InputError(f"within = {within}: give a factor of at least 1, or None for all starts")
    known = np.isfinite(result.scores)
    if not known.any():
        raise InputError(f"ensemble: {result.message}")
    if within is not None:
        known &= result.scores <= within * float(np.min(result.scores[known]))
    order = np.argsort(result.scores, kind="stable")
    members = np.array([k for k in order if known[k]], dtype=np.intp)
    shares = np.ones(len(result.scores)) if weights is None else np.asarray(weights, dtype=float)
    if shares.shape != result.scores.shape or not np.all(shares >= 0):
        raise InputError(f"weights = {weights}: give one for each of {len(result.scores)} starts")
    shares = shares[members]
    if not 0.0 < shares.sum() < np.inf:
        raise InputError(f"weights = {weights}: no start that counts has any")
    neurons = result.neurons
    return Ensemble(
        tuple(neurons[k] for k in members),
        members,
        shares / shares.sum(),
        result.scores[members],
        tuple(replace(p, predicted=p.predicted[members]) for p in result.predictions),
        result.voltage_range,
    )


def _largest(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else float("nan")
