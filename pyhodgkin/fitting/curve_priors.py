"""Gaussian priors of the curves of gates and currents, as rows whose squares are summed.

A curve y(v) that is a Gaussian process with standard deviation s and correlation length L has the
energy ½ ∫ (y² + L⁴ y''²) dv / (2√2 L s²), from its spectrum s² 2√2 L/(1 + (kL)⁴). What the prior
leaves free is projected out: the level of log tau, the midpoint and slope of a Boltzmann function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..neuron.channels import NeuralCurrent
from ..neuron.kinetics import NeuralKinetics
from ..numerics.arrays import FloatArray
from .initialize.gate_regression import log_curves

DEVIATIONS = tuple(float(x) for x in np.geomspace(0.02, 8.0, 14))  # candidates of s
LENGTHS = (10.0, 20.0, 40.0)  # candidates of L, mV
MOVES = 0.08  # least slope of log tau by an output, of its range: 0.25 in the middle


@dataclass(frozen=True)
class Described:
    """The curves of one gate or current that have a prior, linear in added directions.

    Attributes
    ----------
    names : tuple of str (k,)
    values : array (k, n)
        At the voltages: the outputs of a ``"residual"`` network; the log odds of x_inf and
        log tau of other forms; a current over its scale.
    rows : array (k, n, q)
        Their derivatives along the added directions.
    free : tuple of array (n, m) or None, (k,)
        Columns that the prior leaves free.
    functions : array (n, out, q)
        Changes of the outputs of the network along the directions.
    """

    names: tuple[str, ...]
    values: FloatArray
    rows: FloatArray
    free: tuple[FloatArray | None, ...]
    functions: FloatArray


def described(
    name: str, holder: NeuralKinetics | NeuralCurrent, v: FloatArray, functions: FloatArray
) -> Described:
    """The curves of `holder` and their derivatives along `functions` (n, out, q) of its outputs."""
    outputs = holder.network(((v - holder.v_shift) / holder.v_scale)[:, None])
    line = np.stack([np.ones_like(v), (v - v.mean()) / np.ptp(v)], axis=-1)
    if isinstance(holder, NeuralCurrent):
        return Described(
            (f"{name}.i",), outputs.T, functions.transpose(1, 0, 2), (line,), functions
        )
    if holder.form == "residual":
        names = (f"{name}.alpha", f"{name}.beta")
        return Described(names, outputs.T, functions.transpose(1, 0, 2), (None, None), functions)
    odds, log_tau, slopes = log_curves(holder, v, outputs)
    if holder.form == "steady_state" and holder.tau_max is not None:
        # At a limit of its range tau does not move; the prior is to draw it away from there.
        width = np.log(holder.tau_max / holder.tau_min)
        slopes[:, 1, 1] = np.maximum(slopes[:, 1, 1], MOVES * width)
    rows = np.einsum("nkj,njq->knq", slopes, functions)
    names = (f"{name}.x_inf", f"{name}.tau")
    return Described(names, np.stack([odds, log_tau]), rows, (line, line[:, :1]), functions)


def energy_rows(v: FloatArray, length: float, free: FloatArray | None) -> FloatArray:
    """Rows (m, n) with |rows y|² twice the energy of y (n,) for s = 1.

    Examples
    --------
    >>> v = np.linspace(-100.0, 100.0, 201)
    >>> rows = energy_rows(v, 20.0, np.ones((201, 1)))
    >>> bool(np.sum((rows @ np.full(201, 3.0)) ** 2) < 1e-20)
    True
    """
    n, h = len(v), v[1] - v[0]
    size = np.sqrt(h / (2.0 * np.sqrt(2.0) * length))
    bend = np.zeros((n - 2, n))
    for i in range(n - 2):
        bend[i, i : i + 3] = [1.0, -2.0, 1.0]
    level = np.eye(n)
    if free is not None:
        basis = np.linalg.qr(free)[0]
        level = level - basis @ basis.T
    return size * np.concatenate([level, bend * (length / h) ** 2])
