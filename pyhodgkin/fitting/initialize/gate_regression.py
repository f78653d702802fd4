"""The network of a gate set to curves x_inf(v) and tau(v) by least squares."""

from __future__ import annotations

import numpy as np

from ...neuron.kinetics import NeuralKinetics
from ...neuron.networks import Network
from ...neuron.neural_forms import LAWS, NUMPY, Dual, Numbers
from ...numerics.arrays import FloatArray
from ...numerics.elementary import logistic
from . import regression
from .regression import Residuals

EDGE = 1e-3  # of x_inf and of tau between its bounds, for the first steps
LIMIT = 1e-300  # 1/ms, the least rate
X_WEIGHT = 5.0  # of x_inf, against tau over its largest value
LEAST_WEIGHT = 0.03  # of log tau where tau is small
FIRST = 0.25  # of the steps are made on the outputs themselves


def set_gate(
    kinetics: NeuralKinetics,
    v: FloatArray,
    x_inf: FloatArray,
    tau: FloatArray,
    seed: int,
    steps: int,
    exact: bool = True,
) -> Network:
    """A network, drawn from `seed`, with which `kinetics` has these curves at voltages `v`.

    Parameters
    ----------
    kinetics : NeuralKinetics
        Not ``"free"``.
    v, x_inf, tau : array (n,)
        mV, 1, ms.
    seed, steps : int
    exact : bool
        Whether the steps after the first ones compare the curves themselves; otherwise all
        compare the outputs of the network, which keeps its weights small.

    Examples
    --------
    >>> v = np.linspace(-100.0, 40.0, 71)
    >>> x, tau = 1.0 / (1.0 + np.exp(-(v + 40.0) / 8.0)), 1.0 + 4.0 * np.exp(-((v + 40) / 30) ** 2)
    >>> kinetics = NeuralKinetics("steady_state", Network.create((1, 12, 2)))
    >>> from dataclasses import replace
    >>> found = replace(kinetics, network=set_gate(kinetics, v, x, tau, 0, 60))
    >>> bool(np.max(np.abs(found.x_inf(v) - x)) < 1e-3)
    True
    """
    z = ((v - kinetics.v_shift) / kinetics.v_scale)[:, None]
    network, first = kinetics.network, round(FIRST * steps) if exact else steps
    if kinetics.form in LAWS:
        network, first = Network.create(network.layers, network.activation, seed), 0
    else:
        wanted, ones = outputs(kinetics, v, x_inf, tau), np.ones((len(v), 1))
        network = regression.start(network, z, wanted, seed, ones)
        by_output = np.broadcast_to(np.eye(2), (len(v), 2, 2))
        network = regression.refined(network, z, lambda n: (n - wanted, by_output), first)
    if exact:
        network = regression.refined(
            network, z, _curves(kinetics, v, x_inf, tau), max(steps - first, 0)
        )
    return network


def outputs(
    kinetics: NeuralKinetics, v: FloatArray, x_inf: FloatArray, tau: FloatArray
) -> FloatArray:
    """Outputs (n, 2) of the network for which the kinetics has these curves, kept finite."""
    if kinetics.form in ("rates", "residual"):
        rates = np.stack([np.maximum(x_inf, 1e-12), np.maximum(1.0 - x_inf, 1e-12)], axis=-1)
        logs = np.log(rates / tau[:, None]) - _prior(kinetics, v)
        return kinetics.bound * np.arctanh(np.clip(logs / kinetics.bound, -0.99, 0.99))
    x, least = np.clip(x_inf, EDGE, 1.0 - EDGE), kinetics.tau_min
    if kinetics.tau_max is None:
        second = np.log(np.maximum(tau - least, EDGE * np.maximum(tau, least)))
    else:
        s = np.log(np.maximum(tau, LIMIT) / least) / np.log(kinetics.tau_max / least)
        s = np.clip(s, 0.02, 0.98)
        second = np.log(s) - np.log1p(-s)
    return np.stack([np.log(x) - np.log1p(-x), second], axis=-1)


def _curves(
    kinetics: NeuralKinetics, v: FloatArray, x_inf: FloatArray, tau: FloatArray
) -> Residuals:
    """Residuals of x_inf and of log tau, the latter weighed by tau, by the outputs."""
    weight = LEAST_WEIGHT + tau / tau.max()
    wanted = np.log(np.maximum(tau, kinetics.tau_min or LIMIT))

    def off(n: FloatArray) -> tuple[FloatArray, FloatArray]:
        odds, log_tau, slopes = log_curves(kinetics, v, n)
        x = logistic(odds)
        by = slopes.copy()
        by[:, 0] *= (X_WEIGHT * x * (1.0 - x))[:, None]
        by[:, 1] *= weight[:, None]
        return np.stack([X_WEIGHT * (x - x_inf), weight * (log_tau - wanted)], axis=-1), by

    return off


def log_curves(
    kinetics: NeuralKinetics, v: FloatArray, n: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Log odds of x_inf, log tau (n,), and their slopes (n, 2, 2) by the outputs `n` (n, 2)."""
    if kinetics.form == "steady_state":
        slopes = np.zeros((len(n), 2, 2))
        slopes[:, 0, 0] = 1.0
        if kinetics.tau_max is None:
            rest = np.exp(np.minimum(n[:, 1], 100.0))
            slopes[:, 1, 1] = rest / (kinetics.tau_min + rest)
            return n[:, 0], np.log(kinetics.tau_min + rest), slopes
        width, s = np.log(kinetics.tau_max / kinetics.tau_min), logistic(n[:, 1])
        slopes[:, 1, 1] = width * s * (1.0 - s)
        return n[:, 0], np.log(kinetics.tau_min) + width * s, slopes
    logs, by = _log_rates(kinetics, v, n)
    x = logistic(logs[:, 0] - logs[:, 1])
    log_tau = -np.logaddexp(logs[:, 0], logs[:, 1])
    parts = np.stack([x, 1.0 - x], axis=-1)
    slopes = np.stack([by[:, 0] - by[:, 1], -np.einsum("ni,nij->nj", parts, by)], axis=1)
    return logs[:, 0] - logs[:, 1], log_tau, slopes


def _log_rates(
    kinetics: NeuralKinetics, v: FloatArray, n: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Logarithms (n, 2) of alpha and beta, and their slopes (n, 2, 2) by the outputs."""
    if kinetics.form not in LAWS:
        bent = np.tanh(n / kinetics.bound)
        by = (1.0 - bent**2)[:, :, None] * np.eye(2)
        return kinetics.bound * bent + _prior(kinetics, v), by
    tau_max = np.nan if kinetics.tau_max is None else kinetics.tau_max
    numbers = Numbers(kinetics.tau_min, tau_max, kinetics.bound)
    values, slopes = np.empty((len(n), 2)), np.empty((len(n), 2, 2))
    for j in range(2):
        first, second = (Dual(n[:, i], np.full(len(n), float(i == j))) for i in range(2))
        for i, rate in enumerate(LAWS[kinetics.form](first, second, numbers, NUMPY)):
            values[:, i] = np.log(np.maximum(rate.value, LIMIT))
            slopes[:, i, j] = rate.slope / np.maximum(rate.value, LIMIT)
    return values, slopes


def _prior(kinetics: NeuralKinetics, v: FloatArray) -> FloatArray:
    """Logarithms (n, 2) of the rates of the prior; zeros without one."""
    if kinetics.prior is None:
        return np.zeros((len(v), 2))
    rates = np.stack([kinetics.prior.alpha(v), kinetics.prior.beta(v)], axis=-1)
    return np.log(np.maximum(rates, LIMIT))
