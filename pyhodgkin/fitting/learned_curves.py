"""Credible bands of learned curves, from Fisher's information and a prior of smoothness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..backends.base import Backend, SolveOptions
from ..neuron.channels import NeuralCurrent
from ..neuron.kinetics import NeuralKinetics
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..recordings import Recording
from ..results.learned_curves import LearnedCurve, LearnedCurves
from ..units import written
from .curve_information import CurveInformation, Predictor, information
from .curve_posterior import Posterior, posterior
from .curve_priors import Described, described
from .function_space import Added, can_widen, holder_of, knots_for, widened
from .initialize.gate_regression import log_curves
from .transforms import Transform

STEP = 2.5  # mV between the voltages of a band
LEAST, MOST = -120.0, 60.0  # mV, at least
BEYOND = 10.0  # mV beyond the recordings
AT_LIMIT = 0.02  # slope of log tau by the output over the range: less is at a limit


Part = tuple[str, NeuralKinetics | NeuralCurrent, Added, slice]


@dataclass(frozen=True)
class CurveModel:
    """What is known around a fit: voltages, curves, posterior, information, networks."""

    v: FloatArray
    curves: list[Described]
    known: Posterior
    found: CurveInformation
    parts: list[Part]


@dataclass
class CurveSource:
    """What bands are found from, when they are asked for.

    Parameters
    ----------
    backend : Backend
    neuron : Neuron
        With its parameters as learned.
    recordings : sequence of Recording
        As they are simulated.
    indices : array of int
        Places in theta of what was trained.
    noise : sequence of float or None
        What is known of each recording's noise, in its unit.
    options : SolveOptions
    voltages : (float, float)
    y0 : array (R, S), optional
    assumed : CurveInformation, optional
        Whose noise and autocorrelation to take; by default those of the residuals.
    held : (float, float), optional
        s and L of the prior; by default those with the largest evidence.
    monotone : bool
        Whether a move of the curves may not make x_inf less monotone.
    """

    backend: Backend
    neuron: Neuron
    recordings: Sequence[Recording]
    indices: Indices
    noise: Sequence[float | None]
    options: SolveOptions
    voltages: tuple[float, float]
    y0: FloatArray | None = None
    assumed: CurveInformation | None = None
    held: tuple[float, float] | None = None
    monotone: bool = False
    _found: list[LearnedCurves | None] = field(default_factory=list)
    _model: list[CurveModel | None] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The trained networks of the voltage, as ``"channel.gate"`` or ``"channel"``."""
        return learned_names(self.neuron, self.indices)

    def __call__(self) -> LearnedCurves | None:
        """The curves with bands, found once; None where a recording cannot be predicted."""
        if not self._found:
            self._found.append(self._compute())
        return self._found[0]

    def _compute(self) -> LearnedCurves | None:
        if not self.names:
            return LearnedCurves((), self.voltages)
        model = self.model()
        if model is None:
            return None
        out: list[LearnedCurve] = []
        unit = written(self.neuron.current_unit or "")
        for name, holder, a, part in model.parts:
            out += _bands(self.neuron, name, holder, model.v, a, model.known, part, unit)
        prior = _prior(model.known, model.curves)
        return LearnedCurves(tuple(out), self.voltages, model.found.inflation, prior)

    def model(self) -> CurveModel | None:
        """The quadratic model of loss and prior around the neuron, found once."""
        if not self._model:
            self._model.append(self._around())
        return self._model[0]

    def at(self, neuron: Neuron, **changes: Any) -> CurveSource:
        """The same for other parameters, with `changes` of other fields."""
        return replace(self, neuron=neuron, _found=[], _model=[], **changes)

    def _around(self) -> CurveModel | None:
        names, neuron = self.names, self.neuron
        low, high = min(LEAST, self.voltages[0] - BEYOND), max(MOST, self.voltages[1] + BEYOND)
        v = np.linspace(low, high, round((high - low) / STEP) + 1)
        wide, added = widened(neuron, names, knots_for(low, high), v)
        own = self.scalars()
        by_phi = Transform(neuron.layout, neuron.theta, own)
        slopes = by_phi.vjp(by_phi.to_phi(neuron.theta), np.ones(neuron.layout.size))
        every = neuron.layout.names
        moved = np.array([wide.layout.names.index(every[i]) for i in own], dtype=np.intp)
        places = np.concatenate([*(a.places for a in added), moved]).astype(np.intp)
        steps = np.concatenate([np.ones(len(places) - len(own)), slopes])
        predictor = self.predictor()
        told = (self.noise, self.assumed)
        found = information(predictor, wide, self.recordings, places, steps, *told)
        if found is None:
            return None
        holders = [holder_of(neuron, name) for name in names]
        curves = [
            described(name, holder, v, a.functions)
            for name, holder, a in zip(names, holders, added, strict=True)
        ]
        known = posterior(found, curves, v, len(own), self.held)
        ends = np.cumsum([0, *(len(a.places) for a in added)])
        parts = [
            (name, holder, a, slice(int(i), int(j)))
            for name, holder, a, i, j in zip(names, holders, added, ends, ends[1:], strict=False)
        ]
        return CurveModel(v, curves, known, found, parts)

    def predictor(self) -> Predictor:
        """Predictions for the recordings."""
        return Predictor(self.backend, self.recordings, self.options, self.y0)

    def scalars(self) -> Indices:
        """Places of trained numbers that are not of networks or of published rates."""
        layout = self.neuron.layout
        networks = layout.select("networks")
        every = layout.names
        own = [
            int(i)
            for i in self.indices
            if i not in set(networks.tolist()) and ".prior." not in every[i]
        ]
        return np.array(own, dtype=np.intp)


def learned_names(neuron: Neuron, indices: Indices) -> list[str]:
    """Gates and currents that are trained networks of the voltage alone."""
    trained, out = set(np.asarray(indices).tolist()), []

    def holds(prefix: str) -> bool:
        return neuron.layout[f"{prefix}.network.weight0"].start in trained

    for channel in neuron.channels:
        if isinstance(channel, NeuralCurrent) and can_widen(channel) and holds(channel.name):
            out.append(channel.name)
        for gate in channel.gates:
            kinetics = gate.kinetics
            name = f"{channel.name}.{gate.name}"
            if isinstance(kinetics, NeuralKinetics) and can_widen(kinetics) and holds(name):
                out.append(name)
    return out


def _bands(
    neuron: Neuron,
    name: str,
    holder: NeuralKinetics | NeuralCurrent,
    v: FloatArray,
    added: Added,
    known: Posterior,
    part: slice,
    unit: str,
) -> list[LearnedCurve]:
    outputs = holder.network(((v - holder.v_shift) / holder.v_scale)[:, None])
    covariances = (
        known.covariance[part, part],
        known.loose[part, part],
        known.reference[part, part],
    )
    if isinstance(holder, NeuralCurrent):
        rows = holder.scale * added.functions[:, 0]
        sd, data, prior = (_sd(rows, c) for c in covariances)
        centre = holder.scale * outputs[:, 0]
        return [LearnedCurve(f"{name}.i", "current", unit, v, centre, sd, data / prior)]
    odds, log_tau, slopes = log_curves(holder, v, outputs)
    rows = np.einsum("nkj,njq->knq", slopes, added.functions)
    gate = neuron.gate(name.partition(".")[2])
    log_tau = log_tau - np.log(gate.rate_factor(neuron.temperature))
    out = []
    for k, (kind, of, centre) in enumerate((("x_inf", "1", odds), ("tau", "ms", log_tau))):
        sd, data, prior = (_sd(rows[k], c) for c in covariances)
        left = data / prior
        if kind == "tau" and holder.form == "steady_state" and holder.tau_max is not None:
            # At a limit of its range tau cannot move, and nothing is known of it.
            width = np.log(holder.tau_max / holder.tau_min)
            stuck = slopes[:, 1, 1] < AT_LIMIT * width
            sd, left = np.where(stuck, width, sd), np.where(stuck, 1.0, left)
        out.append(LearnedCurve(f"{name}.{kind}", kind, of, v, centre, sd, left))
    return out


def _sd(rows: FloatArray, covariance: FloatArray) -> FloatArray:
    return np.sqrt(np.maximum(np.einsum("nq,qp,np->n", rows, covariance, rows), 0.0))


def _prior(known: Posterior, curves: Sequence[Described]) -> str:
    parts = [f"{name} {known.deviations[name]:.2g}" for c in curves for name in c.names]
    return f"Gaussian processes of correlation length {known.length:g} mV, sd {', '.join(parts)}"
