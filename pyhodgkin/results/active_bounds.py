"""Limits that a fit has reached: bounds, ranges of networks, conductances that went to zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..neuron.channels import NeuralCurrent
from ..neuron.gates import Gate
from ..neuron.kinetics import NeuralKinetics
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray, Indices
from ..storage.records import record

NEAR = 0.01  # of the range between two limits (of their logarithms, where it is logarithmic)
ZERO = 1e-3  # of its value at the start: a conductance that is none
_GRID = 201  # voltages at which curves are looked at
_RANGED = ("steady_state", "rates", "residual")  # forms with a range that can be reached


@dataclass(frozen=True)
class ActiveBound:
    """One limit that was reached: the data ask for a value beyond it.

    Parameters
    ----------
    name : str
        A parameter, or ``k.n.tau`` of a curve.
    value, limit : float
    unit : str
    kind : {"bound", "range", "zero"}
        A bound of the call of `fit`, the range of a network's output, or a conductance at zero.
    text : str
        What is told.
    """

    name: str
    value: float
    limit: float
    unit: str
    kind: str
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Safe for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ActiveBound:
        """The inverse of `to_dict`."""
        return record(cls, data)


def active_bounds(
    neuron: Neuron,
    start: FloatArray,
    indices: Indices,
    bounds: Mapping[str, tuple[float, float]],
    voltages: tuple[float, float],
    of: str = "",
) -> tuple[ActiveBound, ...]:
    """The limits that a fitted neuron has reached.

    Parameters
    ----------
    neuron : Neuron
        With the parameters found.
    start : array (P,)
        Where the fit began.
    indices : array of int
        Places of what was trained.
    bounds : mapping of str to (float, float)
    voltages : (float, float)
        The range seen in training, mV.
    of : str
        The name of a cell, in a fit of several.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> found = cell.with_parameters(k__g=33.999)
    >>> own = cell.layout.select("k.g")
    >>> print(active_bounds(found, cell.theta, own, {"k.g": (20.0, 34.0)}, (-80.0, 40.0))[0].text)
    k.g = 33.999 mS/cm² at its upper bound 34 mS/cm²
    """
    found = [
        *_at_bounds(neuron, indices, bounds),
        *_at_zero(neuron, start, indices),
        *_at_ranges(neuron, indices, voltages),
    ]
    if not of:
        return tuple(found)
    return tuple(
        ActiveBound(x.name, x.value, x.limit, x.unit, x.kind, f"{x.text} (cell {of})")
        for x in found
    )


def listing(found: Sequence[ActiveBound], most: int = 4) -> str:
    """Several in one line; empty without any."""
    texts = list(dict.fromkeys(x.text for x in found))
    more = f"; and {len(texts) - most} more limits" if len(texts) > most else ""
    return "; ".join(texts[:most]) + more


def _at_bounds(
    neuron: Neuron, indices: Indices, bounds: Mapping[str, tuple[float, float]]
) -> list[ActiveBound]:
    if not bounds:
        return []
    layout, theta, out = neuron.layout, neuron.theta, []
    names = layout.names
    entries = {names[i]: e for e in layout for i in range(e.start, e.start + e.size)}
    for i in indices.tolist():
        name = names[i]
        # The last pattern that holds is the one that training uses.
        mine = [ends for pattern, ends in bounds.items() if fnmatchcase(name, pattern)]
        if not mine:
            continue
        entry, x = entries[name], float(theta[i])
        ends = np.array(mine[-1], dtype=np.float64)
        u = np.log(np.abs(np.append(ends, x))) if entry.transform == "log" else np.append(ends, x)
        part = (u[2] - u[0]) / (u[1] - u[0])
        if entry.transform == "log" and x < 0:
            part = (np.abs(x) - abs(ends[0])) / (abs(ends[1]) - abs(ends[0]))
        for near, which, limit in ((part, "lower", ends[0]), (1 - part, "upper", ends[1])):
            if near <= NEAR:
                text = f"{name} = {x:.5g} {entry.unit} at its {which} bound {limit:g} {entry.unit}"
                text = " ".join(text.split())
                out.append(ActiveBound(name, x, float(limit), entry.unit, "bound", text))
    return out


def _at_zero(neuron: Neuron, start: FloatArray, indices: Indices) -> list[ActiveBound]:
    out, names = [], neuron.layout.names
    trained = set(indices.tolist())
    for entry in neuron.layout:
        if entry.group != "conductances":
            continue
        for i in range(entry.start, entry.start + entry.size):
            x = float(neuron.theta[i])
            if i in trained and abs(x) <= ZERO * abs(float(start[i])):
                text = f"{names[i]} = {x:.3g} {entry.unit} is at zero: the data ask for no such "
                text += "current, or cannot tell it from others"
                out.append(ActiveBound(names[i], x, 0.0, entry.unit, "zero", text))
    return out


def _at_ranges(
    neuron: Neuron, indices: Indices, voltages: tuple[float, float]
) -> list[ActiveBound]:
    v, out = np.linspace(*voltages, _GRID), []
    trained = set(indices.tolist())
    for channel in neuron.channels:
        for gate in channel.gates:
            kinetics = gate.kinetics
            if not isinstance(kinetics, NeuralKinetics) or kinetics.form not in _RANGED:
                continue
            stem = f"{channel.name}.{gate.name}"
            if neuron.layout[f"{stem}.network.weight0"].start in trained:
                out += _of_gate(stem, kinetics, v)
        if isinstance(channel, NeuralCurrent):
            if neuron.layout[f"{channel.name}.network.weight0"].start in trained:
                out += _of_current(channel, v)
    return out


def _of_gate(stem: str, kinetics: NeuralKinetics, v: FloatArray) -> list[ActiveBound]:
    if kinetics.form == "steady_state":
        return _of_tau(f"{stem}.tau", kinetics, v)
    out = []
    ratio = "" if kinetics.prior is None else " over the published rate"
    for which, n in zip(("alpha", "beta"), kinetics.outputs(v), strict=True):
        part = np.tanh(n / kinetics.bound)
        for sign, word in ((-1.0, "lower"), (1.0, "upper")):
            at = sign * part >= 1.0 - 2.0 * NEAR
            if at.any():
                x = float(kinetics.bound * np.max(np.abs(part[at]))) * sign
                text = f"{stem}.{which}: logarithm{ratio} {x:.3g} at the {word} end of its range "
                text += f"(bound = {kinetics.bound:g}) {_between(v, at)}"
                limit = sign * kinetics.bound
                out.append(ActiveBound(f"{stem}.{which}", x, limit, "1", "range", text))
    return out


def _of_tau(name: str, kinetics: NeuralKinetics, v: FloatArray) -> list[ActiveBound]:
    tau, low, high = kinetics.tau(v), kinetics.tau_min, kinetics.tau_max
    found: list[tuple[str, float, NDArray[np.bool_]]] = []
    if high is None:
        found.append(("tau_min", low, tau <= (1.0 + NEAR) * low))
    else:
        part = np.log(tau / low) / np.log(high / low)
        found += [("tau_min", low, part <= NEAR), ("tau_max", high, part >= 1.0 - NEAR)]
    out = []
    for argument, limit, at in found:
        if at.any():
            x = float(tau[at].min() if argument == "tau_min" else tau[at].max())
            text = f"{name} = {x:.3g} ms at the limit of its range {argument} = {limit:g} ms "
            text += f"{_between(v, at)}: give another {argument}= to NeuralKinetics"
            out.append(ActiveBound(name, x, float(limit), "ms", "range", text))
    return out


def _of_current(current: NeuralCurrent, v: FloatArray) -> list[ActiveBound]:
    """A current whose last hidden layer, of tanh, can give no more."""
    network = current.network
    if network.activation != "tanh" or len(network.weights) < 2:
        return []
    columns = [(v - current.v_shift) / current.v_scale]
    columns += [_level(gate, v) for gate in current.gates]
    i = network(np.stack(columns, axis=-1))[..., 0]
    bias, most = float(network.biases[-1][0]), float(np.abs(network.weights[-1]).sum())
    at = np.abs(i - bias) >= (1.0 - NEAR) * most
    if most <= 0.0 or not at.any():
        return []
    x, limit = float(current.scale * i[at][0]), float(current.scale * (bias + most))
    text = f"{current.name}: the current {x:.3g} is at the largest output of its network "
    text += f"{_between(v, at)}: give a larger scale= to NeuralCurrent, or a larger network"
    return [ActiveBound(current.name, x, limit, "", "range", text)]


def _level(gate: Gate, v: FloatArray) -> FloatArray:
    return np.asarray(gate.kinetics.x_inf(v)) if gate.kinetics.is_linear else np.full(len(v), 0.5)


def _between(v: FloatArray, at: NDArray[np.bool_]) -> str:
    return f"from {v[at].min():.0f} to {v[at].max():.0f} mV"
