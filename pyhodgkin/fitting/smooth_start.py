"""Curves of a fit made smooth where recordings do not determine them: a start of a search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..neuron.kinetics import NeuralKinetics
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray
from ..numerics.elementary import logistic
from .curve_priors import Described, energy_rows
from .function_space import SPACING
from .initialize.gate_regression import set_gate
from .learned_curves import CurveModel, CurveSource

STRENGTH, LENGTH = 0.3, 20.0  # s and L, mV, of the prior
STEPS = 60  # of the regression of a network


def smooth_start(source: CurveSource, model: CurveModel) -> Neuron:
    """The neuron with networks of gates drawn anew and set to smooth curves.

    These pass through the curves of the fit where the recordings determine them, and follow a
    strong prior elsewhere: Boltzmann functions, log tau towards its mean. Directions of the
    posterior cannot take back what a network bends between voltages at which there are data.
    """
    neuron = source.neuron
    for curves, (name, holder, _, part) in zip(model.curves, model.parts, strict=True):
        if not isinstance(holder, NeuralKinetics):
            continue
        known = model.known
        loose, alone = known.loose[part, part], known.reference[part, part]
        odds, log_tau = (
            _smooth(model.v, curves, k, _precision(curves.rows[k], loose, alone)) for k in (0, 1)
        )
        x, tau = logistic(odds), np.exp(np.clip(log_tau, -30.0, 30.0))
        network = set_gate(holder, model.v, x, tau, 0, STEPS, exact=False)
        gate = name.partition(".")[2]
        neuron = neuron.replace_gate(gate, replace(holder, network=network))
    return neuron


def _precision(rows: FloatArray, loose: FloatArray, alone: FloatArray) -> FloatArray:
    """What the recordings add to the precision of a curve at each voltage (n,)."""
    after, before = (np.einsum("nq,qp,np->n", rows, c, rows) for c in (loose, alone))
    return np.maximum(1.0 / np.maximum(after, 1e-12) - 1.0 / np.maximum(before, 1e-12), 0.0)


def _smooth(v: FloatArray, curves: Described, k: int, precision: FloatArray) -> FloatArray:
    rows = energy_rows(v, LENGTH, curves.free[k]) / STRENGTH
    weights = precision * (v[1] - v[0]) / SPACING  # of voltages within one step of the directions
    system = np.diag(weights + 1e-9) + rows.T @ rows
    return np.linalg.solve(system, (weights + 1e-9) * curves.values[k])
