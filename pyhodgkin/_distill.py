"""The verb `distill`: a network set to curves that are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .errors import InputError
from .fitting.initialize import regression
from .fitting.initialize.gate_regression import set_gate
from .fitting.initialize.given_curves import (
    check_tables,
    gate_at,
    gate_curves,
    is_table,
    values,
)
from .neuron.channels import Channel, NeuralCurrent
from .neuron.gates import Gate
from .neuron.kinetics import NeuralKinetics
from .neuron.networks import Network
from .numerics.arrays import FloatArray

LOW, HIGH, POINTS = -120.0, 60.0, 121  # mV: where a callable is looked at
BETWEEN = 3  # times as many voltages at which the errors of a callable are found
MARGIN = 2.0  # the range of tau, beyond the least and the largest
WIDEST = 1e-6  # of the largest tau: faster is as good as at once


@dataclass(frozen=True, eq=False)
class Distilled:
    """A network set to curves, and how well.

    Attributes
    ----------
    result : NeuralKinetics, Gate or NeuralCurrent
        As was given, its network set, and for ``"steady_state"`` its range of tau.
    errors : dict of str to float
        Of a gate ``x_inf_mse``, ``x_inf_max``, ``tau_nrmse`` (root mean square over the standard
        deviation of tau, or over its mean where tau is constant) and ``log_tau_max``; of a current
        ``rmse`` and ``max``, in its unit.
    v : array (n,)
        Voltages of the errors, mV: for callables also between those that were fitted. Outside of
        them the curves were not looked at.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> found = ph.distill(ph.Network.create((1, 8, 2)), ph.library.get("squid_axon").gate("n"))
    >>> found.kinetics.form
    'steady_state'
    """

    result: NeuralKinetics | Gate | NeuralCurrent
    errors: dict[str, float]
    v: FloatArray

    @property
    def kinetics(self) -> NeuralKinetics:
        """The kinetics, for ``neuron.replace_gate``."""
        found = self.result.kinetics if isinstance(self.result, Gate) else self.result
        if not isinstance(found, NeuralKinetics):
            raise InputError("a current was set: it has no kinetics; see `result`")
        return found

    @property
    def network(self) -> Network:
        """The network, with the weights that were found."""
        if isinstance(self.result, NeuralCurrent):
            return self.result.network
        return self.kinetics.network

    def __str__(self) -> str:
        shown = ", ".join(f"{name} {value:.2g}" for name, value in self.errors.items())
        return f"{self.network} at {self.v[0]:g} to {self.v[-1]:g} mV: {shown}"

    def __repr__(self) -> str:
        return f"Distilled({self})"


def distill(
    network: NeuralKinetics | Gate | Network | NeuralCurrent,
    curves: Any,
    *,
    v: ArrayLike | None = None,
    seed: int = 0,
    steps: int = 300,
    tau_range: tuple[float, float | None] | None = None,
) -> Distilled:
    """Set a network, or the network of a gate, to given curves.

    Parameters
    ----------
    network : NeuralKinetics, Gate, Network or NeuralCurrent
        Its network gives the layers; its weights are drawn anew. A `Network` with 1 input and 2
        outputs becomes a `NeuralKinetics` of the form ``"steady_state"``. A `NeuralCurrent` must
        have no gates.
    curves : Gate, Kinetics, mapping or pair
        For a gate: a published gate or its kinetics; ``{"x_inf": …, "tau": …}`` or ``{"alpha": …,
        "beta": …}`` (1, ms, 1/ms); or the pair (x_inf, tau). Each is a callable of v (n,) in mV,
        a number, or an array over `v`. For a current: a callable, number or array of i(v), in the
        unit of the neuron, or a `Channel` without gates.
    v : array (n,) or (float, float), optional
        mV, ascending: where arrays are given, or callables are compared; two numbers are a range.
        Default -120 to 60.
    seed : int
        Of the weights at the start.
    steps : int
        Of Levenberg-Marquardt, at most. 300 take one or two seconds for layers (1, 32, 32, 2).
    tau_range : (float, float or None), optional
        `tau_min` and `tau_max` of the form ``"steady_state"``, ms (None: no limit).
        Default: from half the least to twice the largest tau of the curves.

    Returns
    -------
    Distilled
        ``.result`` is what was given, set; ``.errors`` says how well.

    Raises
    ------
    InputError
        Where the form has no curves (``"free"``), or the curves are not those of a gate.

    Examples
    --------
    >>> import numpy as np
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> unknown = ph.NeuralKinetics("steady_state", ph.Network.create((1, 16, 2)))
    >>> found = ph.distill(unknown, cell.gate("n"), v=(-100.0, 40.0))
    >>> found.errors["x_inf_mse"] < 1e-6 and found.errors["tau_nrmse"] < 0.01
    True
    >>> hybrid = cell.replace_gate("n", found.kinetics)
    >>> table = np.linspace(-90.0, 30.0, 25)
    >>> x, tau = 1.0 / (1.0 + np.exp(-(table + 40.0) / 9.0)), np.full(25, 3.0)
    >>> measured = ph.distill(unknown, (x, tau), v=table)
    """
    given = None if v is None else np.asarray(v, dtype=float)
    at = _voltages(given)
    _check_steps(steps)
    if isinstance(network, NeuralCurrent):
        return _current(network, curves, given, at, seed, steps)
    kinetics = _kinetics_of(network, at)
    x_inf, tau = gate_curves(curves)
    tables = any(is_table(c) for c in (x_inf, tau))
    check_tables(tables, given)
    x, times = gate_at(x_inf, tau, at)
    if kinetics.form == "steady_state":
        low, high = _range(times) if tau_range is None else tau_range
        kinetics = replace(kinetics, tau_min=float(low), tau_max=high)
    elif tau_range is not None:
        raise InputError(f'tau_range: the form "{kinetics.form}" has no range of tau')
    found = replace(kinetics, network=set_gate(kinetics, at, x, times, seed, steps))
    fine = at if tables else np.linspace(at[0], at[-1], BETWEEN * (len(at) - 1) + 1)
    errors = _gate_errors(found, fine, *gate_at(x_inf, tau, fine))
    result = replace(network, kinetics=found) if isinstance(network, Gate) else found
    return Distilled(result, errors, fine)


def _check_steps(steps: int) -> None:
    if isinstance(steps, bool) or int(steps) != steps or steps < 1:
        raise InputError(f"steps = {steps!r}: give a whole number, at least 1")


def _voltages(v: FloatArray | None) -> FloatArray:
    if v is None:
        return np.linspace(LOW, HIGH, POINTS)
    if v.ndim != 1 or len(v) < 2 or not np.isfinite(v).all() or not (np.diff(v) > 0).all():
        raise InputError("v: give at least two ascending voltages in mV, or the ends of a range")
    return np.linspace(v[0], v[-1], POINTS) if len(v) == 2 else v


def _kinetics_of(network: Any, v: FloatArray) -> NeuralKinetics:
    if isinstance(network, Network):
        middle, half = 0.5 * (v[0] + v[-1]), 0.5 * (v[-1] - v[0])
        return NeuralKinetics("steady_state", network, v_shift=middle, v_scale=half)
    kinetics = network.kinetics if isinstance(network, Gate) else network
    if not isinstance(kinetics, NeuralKinetics):
        raise InputError(
            f"network is a {type(kinetics).__name__}; give a NeuralKinetics, a Gate with one, a "
            "Network or a NeuralCurrent"
        )
    if kinetics.form == "free":
        raise InputError('the form "free" has no curves; give "steady_state" or another form')
    return kinetics


def _range(tau: FloatArray) -> tuple[float, float]:
    high = MARGIN * float(tau.max())
    return max(float(tau.min()) / MARGIN, WIDEST * high), high


def _gate_errors(
    kinetics: NeuralKinetics, v: FloatArray, x: FloatArray, tau: FloatArray
) -> dict[str, float]:
    off, late = kinetics.x_inf(v) - x, kinetics.tau(v) - tau
    spread = float(np.std(tau))
    size = spread if spread > 1e-6 * float(np.mean(tau)) else float(np.mean(tau))
    logs = np.log(kinetics.tau(v) / np.maximum(tau, WIDEST * tau.max()))
    return {
        "x_inf_mse": float(np.mean(off**2)),
        "x_inf_max": float(np.max(np.abs(off))),
        "tau_nrmse": float(np.sqrt(np.mean(late**2))) / size,
        "log_tau_max": float(np.max(np.abs(logs))),
    }


@dataclass(frozen=True)
class _Linear:
    g: float
    e: float

    def __call__(self, v: FloatArray) -> FloatArray:
        return self.g * (v - self.e)


def _current(
    current: NeuralCurrent, curve: Any, given: FloatArray | None, v: FloatArray, seed: int, n: int
) -> Distilled:
    if current.gates:
        raise InputError(
            f'NeuralCurrent "{current.name}" has gates: only a current of v can be set'
        )
    if isinstance(curve, Channel):
        if curve.gates:
            raise InputError(f'curves: channel "{curve.name}" has gates; give a current of v alone')
        curve = _Linear(curve.g, curve.e)
    check_tables(is_table(curve), given)
    wanted = values("i", curve, v)[:, None] / current.scale
    size = max(float(np.max(np.abs(wanted))), np.finfo(float).tiny)
    x, by = ((v - current.v_shift) / current.v_scale)[:, None], np.full((len(v), 1, 1), 1.0 / size)
    network = regression.start(current.network, x, wanted, seed, np.ones((len(v), 1)))
    network = regression.refined(network, x, lambda out: ((out - wanted) / size, by), n)
    fine = v if is_table(curve) else np.linspace(v[0], v[-1], BETWEEN * (len(v) - 1) + 1)
    z = ((fine - current.v_shift) / current.v_scale)[:, None]
    off = current.scale * network(z)[:, 0] - values("i", curve, fine)
    errors = {"rmse": float(np.sqrt(np.mean(off**2))), "max": float(np.max(np.abs(off)))}
    return Distilled(replace(current, network=network), errors, fine)
