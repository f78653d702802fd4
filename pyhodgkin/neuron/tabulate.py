"""Kinetics as tables over the voltage, with an error that is measured and kept below a limit.

A network of 32 × 2 units costs some hundred times the arithmetic of a published rate; as a table
it costs a look-up. A table of the steady state x_inf and one of the logarithm of the time constant
tau replace it: cubics with the right values and slopes at evenly spaced knots, whose number is
doubled until the largest error at points between them is below the limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray
from ..numerics.piecewise_cubic import cubic_rows, monotone_slopes, value_and_slope
from .gates import Gate
from .kinetics import InstantaneousKinetics, NeuralKinetics, SteadyStateKinetics
from .neuron import Neuron
from .tabulated import Tabulated

FIRST, MOST = 25, 51_200  # intervals
BETWEEN = 8  # points in each interval at which errors are measured
STEP = 0.01  # mV, of the differences that give slopes
Curve = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class TabulatedGate:
    """How well the tables of one gate are those of its kinetics, within their range.

    Attributes
    ----------
    name : str
    knots : int
    x_inf_error, x_inf_at : float
        Largest error of the steady state, and the voltage where it is, mV.
    tau_error, tau_at : float
        Largest relative error of the time constant, and where it is; 0 for an instantaneous gate.
    effect : float
        What the gate differs by after any step of voltage, at most: the error of x_inf, and that
        of tau times 1/e, the most that exp(-t/tau) changes by.
    """

    name: str
    knots: int
    x_inf_error: float
    x_inf_at: float
    tau_error: float
    tau_at: float
    effect: float


@dataclass(frozen=True)
class Tabulation:
    """A neuron with tables in the place of kinetics, and their errors.

    Attributes
    ----------
    neuron : Neuron
    gates : tuple of TabulatedGate
    left_out : tuple of str
        Neural gates that no table of the voltage can replace (those of the form "free").
    error : float
        The limit that was asked for.
    v_range : (float, float)
        mV. Beyond it the kinetics keep their values at its ends.
    """

    neuron: Neuron
    gates: tuple[TabulatedGate, ...]
    left_out: tuple[str, ...]
    error: float
    v_range: tuple[float, float]

    def __str__(self) -> str:
        low, high = self.v_range
        lines = [
            f"{self.neuron.name}: kinetics as tables from {low:g} to {high:g} mV, constant beyond; "
            f"limit {self.error:g}",
            f"{'gate':<12}{'knots':>7}{'x_inf error':>13}{'at mV':>9}{'tau error':>12}{'at mV':>9}"
            f"{'effect':>10}",
        ]
        lines += [
            f"{g.name:<12}{g.knots:>7}{g.x_inf_error:>13.2g}{g.x_inf_at:>9.1f}{g.tau_error:>12.2g}"
            f"{g.tau_at:>9.1f}{g.effect:>10.2g}"
            for g in self.gates
        ]
        if self.left_out:
            lines.append(f'no tables of v (form "free"): {", ".join(self.left_out)}')
        return "\n".join(lines)

    __repr__ = __str__


def tabulate(
    neuron: Neuron,
    *,
    gates: Sequence[str] | str | None = None,
    error: float = 1e-4,
    v_range: tuple[float, float] = (-120.0, 80.0),
) -> Tabulation:
    """`neuron` with the kinetics of some gates replaced by tables over the voltage.

    Parameters
    ----------
    neuron : Neuron
    gates : sequence of str, optional
        Which gates, or ``"all"``; by default those whose kinetics are networks.
    error : float
        The largest error of x_inf, relative error of tau, and effect of both on the gate.
    v_range : (float, float)
        mV; beyond it the kinetics are constant.

    Returns
    -------
    Tabulation
        With `neuron`, and for each gate the number of knots and the largest errors.

    Raises
    ------
    InputError
        Where no gate is left to tabulate, or the limit cannot be reached.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> learned = ph.NeuralKinetics("steady_state", ph.Network.create((1, 8, 2), seed=1))
    >>> cell = ph.library.get("squid_axon").replace_gate("n", learned)
    >>> found = ph.tabulate(cell, error=1e-4)
    >>> found.gates[0].name, found.gates[0].effect < 1e-4
    ('n', True)
    >>> found.neuron.layout.size < cell.layout.size  # the weights are no parameters any more
    True
    """
    low, high = _range_of(v_range)
    if not 1e-10 <= error <= 0.1:
        raise InputError(f"tabulate: error = {error:g}; it must be from 1e-10 to 0.1")
    chosen, left_out = _chosen(neuron, gates)
    found, changed = [], {}
    for gate in chosen:
        changed[gate.name], report = _gate(gate, error, low, high)
        found.append(report)
    channels = tuple(
        channel.with_gates(tuple(changed.get(gate.name, gate) for gate in channel.gates))
        for channel in neuron.channels
    )
    return Tabulation(
        replace(neuron, channels=channels), tuple(found), left_out, float(error), (low, high)
    )


def _range_of(v_range: tuple[float, float]) -> tuple[float, float]:
    try:
        low, high = map(float, v_range)
    except (TypeError, ValueError):
        raise InputError(f"tabulate: v_range = {v_range!r} must be two voltages, mV") from None
    if not -1000.0 <= low < high <= 1000.0:
        raise InputError(
            f"tabulate: v_range = ({low:g}, {high:g}) mV; it must increase, within -1000 and 1000"
        )
    return low, high


def _chosen(neuron: Neuron, gates: Sequence[str] | str | None) -> tuple[list[Gate], tuple]:
    by_name = {gate.name: gate for gate in neuron.gates}
    if gates is None:
        neural = [g for g in neuron.gates if isinstance(g.kinetics, NeuralKinetics)]
        chosen = [g for g in neural if g.kinetics.is_linear]
        if not chosen:
            why = 'only of the form "free"' if neural else "no neural gate"
            raise InputError(
                f'tabulate: neuron "{neuron.name}" has {why}; name others with gates=[…] or "all"'
            )
        return chosen, tuple(g.name for g in neural if not g.kinetics.is_linear)
    names = list(by_name) if gates == "all" else [gates] if isinstance(gates, str) else list(gates)
    for name in names:
        if name not in by_name:
            raise unknown("gate", name, by_name)
        if by_name[name].kinetics.uses_calcium:
            raise InputError(
                f'tabulate: gate "{name}" depends on the calcium concentration, and a table is of '
                "the voltage alone; name the other gates"
            )
        if not by_name[name].kinetics.is_linear:
            raise InputError(
                f'tabulate: gate "{name}" is of the form "free": its slope is a network of v and '
                "of the gate itself, of which there is no table over the voltage"
            )
    if not names:
        raise InputError("tabulate: gates is empty; name at least one gate")
    return [by_name[name] for name in dict.fromkeys(names)], ()


def _gate(gate: Gate, error: float, low: float, high: float) -> tuple[Gate, TabulatedGate]:
    instantaneous = isinstance(gate.kinetics, InstantaneousKinetics)
    inner = (np.arange(BETWEEN) + 0.5) / BETWEEN
    intervals = FIRST
    while True:
        v = np.linspace(low, high, intervals + 1)
        at = (v[:-1, None] + np.diff(v)[:, None] * inner).ravel()
        x_inf = _table(gate.kinetics.x_inf, v, at, error)
        off = np.abs(x_inf(at) - gate.kinetics.x_inf(at))
        tau, late = None, np.zeros_like(off)
        if not instantaneous:
            tau = _table(gate.kinetics.tau, v, at, error, log=True)
            late = np.abs(tau(at) / gate.kinetics.tau(at) - 1.0)
        effect = float(np.max(off + late / np.e))
        if max(off.max(), late.max(), effect) <= error:
            break
        if 2 * intervals > MOST or not np.isfinite(effect):
            raise InputError(
                f'tabulate: gate "{gate.name}": with {intervals + 1} knots x_inf is off by '
                f"{off.max():.2g} at {at[off.argmax()]:.4g} mV and tau by {late.max():.2g} at "
                f"{at[late.argmax()]:.4g} mV; error = {error:g} is not reached: ask "
                "for a larger one or a smaller v_range"
            )
        intervals *= 2
    report = TabulatedGate(
        gate.name,
        len(v),
        float(off.max()),
        float(at[off.argmax()]),
        float(late.max()),
        float(at[late.argmax()]),
        effect,
    )
    kinetics = InstantaneousKinetics(x_inf) if tau is None else SteadyStateKinetics(x_inf, tau)
    return replace(gate, kinetics=kinetics), report


def _table(curve: Curve, v: FloatArray, at: FloatArray, error: float, log: bool = False):
    """The table of `curve` with the knots `v`, its slopes those of the curve."""

    def inside(x: FloatArray) -> FloatArray:
        return np.log(curve(x)) if log else curve(x)

    values = curve(v)
    near, far = (inside(v + k * STEP) - inside(v - k * STEP) for k in (1.0, 2.0))
    slopes = (8.0 * near - far) / (12.0 * STEP)
    if not log:
        slopes = _within_unit(v, values, slopes, at)
    return Tabulated(v, values, slopes, scale="log" if log else "linear")


def _within_unit(v: FloatArray, y: FloatArray, slopes: FloatArray, at: FloatArray) -> FloatArray:
    """Slopes with which a steady state stays in [0, 1] between the knots as well."""
    monotone = monotone_slopes(v, y)
    interval = np.repeat(np.arange(len(v) - 1), len(at) // (len(v) - 1))
    for _ in range(len(v)):
        between = value_and_slope(cubic_rows(v, y, slopes, False), at)[0]
        bad = np.unique(interval[(between < 0.0) | (between > 1.0)])
        ends = np.union1d(bad, bad + 1)
        ends = ends[slopes[ends] != monotone[ends]]
        if not ends.size:
            return slopes
        slopes = slopes.copy()
        slopes[ends] = monotone[ends]
    return monotone
