"""A penalty on the curves of neural kinetics, with its gradient, for K parameter vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, unknown
from ..neuron.kinetics import NeuralKinetics
from ..neuron.neuron import Neuron
from ..numerics import mlp
from ..numerics.arrays import FloatArray
from .initialize.gate_regression import log_curves

_MILLIVOLTS = 10.0  # what curvature is measured over
_SMALL = 1e-4  # step of a difference


@dataclass(frozen=True)
class CurvePenalty:
    """Keeps the outputs N(v) of gate networks small, smooth or x_inf monotone, over a range.

    The penalty is size·⟨N²⟩ + curvature·⟨(d²N/du²)²⟩ + monotone·⟨min(±dy/du, 0)²⟩ with u the
    voltage in units of 10 mV and y the log odds of x_inf, whose sign is that of its change over
    the whole range; averaged over the range, the outputs and the gates. For ``"residual"``
    networks, whose outputs are the logarithms of their rates over the prior's, a curvature is what
    the prior does not explain. The loss it adds to is in units of the standard deviation of the
    data.

    Parameters
    ----------
    size, curvature, monotone : float
        Where `monotone` is positive, a fit also leaves out what would make x_inf less monotone when
        it moves curves to their prior.
    gates : sequence of str, optional
        Names of gates; default all that are networks of the voltage and trained.
    voltages : (float, float)
        mV.

    Examples
    --------
    >>> CurvePenalty(curvature=0.004).size
    0.0
    """

    size: float = 0.0
    curvature: float = 0.0
    gates: Sequence[str] | None = None
    voltages: tuple[float, float] = (-120.0, 60.0)
    monotone: float = 0.0

    def __post_init__(self) -> None:
        if not all(0 <= x < np.inf for x in (self.size, self.curvature, self.monotone)):
            raise InputError(
                f"CurvePenalty: size = {self.size}, curvature = {self.curvature}, "
                f"monotone = {self.monotone}; none may be negative"
            )
        if not self.voltages[0] < self.voltages[1]:
            raise InputError(f"CurvePenalty: voltages = {self.voltages} mV must be ascending")


class PenaltyOf:
    """A `CurvePenalty` for one neuron: value and gradient by theta.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> net = ph.NeuralKinetics("rates", ph.Network.create((1, 4, 2), seed=1))
    >>> cell = ph.library.get("squid_axon").replace_gate("n", net)
    >>> value, gradient = PenaltyOf(CurvePenalty(size=1.0), cell)(cell.theta[None])
    >>> value.shape, gradient.shape == (1, cell.theta.size)
    ((1,), True)
    """

    def __init__(self, penalty: CurvePenalty, neuron: Neuron, points: int = 181) -> None:
        self.penalty, self._layout = penalty, neuron.layout
        v = np.linspace(*penalty.voltages, points)
        self._h = (v[1] - v[0]) / _MILLIVOLTS
        self._v = v
        self._gates: list[tuple[str, NeuralKinetics, FloatArray]] = []
        known = {}
        for channel in neuron.channels:
            for gate in channel.gates:
                kinetics = gate.kinetics
                if isinstance(kinetics, NeuralKinetics) and kinetics.is_linear:
                    z = (v - kinetics.v_shift) / kinetics.v_scale
                    prefix = f"{channel.name}.{gate.name}.network"
                    known[gate.name] = (prefix, kinetics, z)
        for name in penalty.gates if penalty.gates is not None else known:
            if name not in known:
                raise unknown("gate with a network of the voltage (CurvePenalty)", name, known)
            self._gates.append(known[name])

    def __call__(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Value (K,) and gradient (K, P) at `theta` (K, P)."""
        value, gradient = np.zeros(len(theta)), np.zeros_like(theta)
        for prefix, kinetics, z in self._gates:
            places = self._places(prefix)
            for k, row in enumerate(theta):
                arrays = [row[s].reshape(shape) for s, shape in places]
                cost, slopes = self._one(kinetics, z, arrays)
                value[k] += cost / len(self._gates)
                for (s, _), by in zip(places, slopes, strict=True):
                    gradient[k, s] += by.ravel() / len(self._gates)
        return value, gradient

    def rows(self, theta: FloatArray, directions: FloatArray) -> FloatArray:
        """Rows (n, q) whose squares sum to half the curvature along `directions` (P, q)."""
        moves = np.concatenate([_SMALL * directions.T, -_SMALL * directions.T])
        found = np.array([self._terms(theta + move) for move in moves])
        q = directions.shape[1]
        return ((found[:q] - found[q:]) / (2.0 * _SMALL)).T

    def _terms(self, theta: FloatArray) -> FloatArray:
        """What is squared and summed."""
        parts = [np.empty(0)]  # a neuron with no such gate has no terms
        for prefix, kinetics, z in self._gates:
            arrays = [theta[s].reshape(shape) for s, shape in self._places(prefix)]
            out = mlp.forward(arrays, kinetics.network.activation, z[:, None]).output
            bend = (out[2:] - 2.0 * out[1:-1] + out[:-2]) / self._h**2
            pairs = ((self.penalty.size, out), (self.penalty.curvature, bend))
            parts += [np.sqrt(weight / x.size) * x.ravel() for weight, x in pairs]
            if self.penalty.monotone:
                falls, _, _ = self._falls(kinetics, out)
                parts.append(np.sqrt(self.penalty.monotone / falls.size) * falls)
        return np.concatenate(parts) / np.sqrt(max(1, len(self._gates)))

    def _places(self, prefix: str) -> list[tuple[slice, tuple[int, ...]]]:
        names = (prefix + ".weight", prefix + ".bias")
        return [(e.slice, e.shape) for e in self._layout if e.name.startswith(names)]

    def _falls(
        self, kinetics: NeuralKinetics, out: FloatArray
    ) -> tuple[FloatArray, float, FloatArray]:
        """Slopes of the log odds against their direction, it, and their slopes by the outputs."""
        odds, _, slopes = log_curves(kinetics, self._v, out)
        sign = 1.0 if odds[-1] >= odds[0] else -1.0
        return np.minimum(sign * np.diff(odds) / self._h, 0.0), sign, slopes[:, 0]

    def _one(
        self, kinetics: NeuralKinetics, z: FloatArray, arrays: list[FloatArray]
    ) -> tuple[float, list[FloatArray]]:
        activation = kinetics.network.activation
        passed = mlp.forward(arrays, activation, z[:, None])
        out = passed.output
        bend = (out[2:] - 2.0 * out[1:-1] + out[:-2]) / self._h**2
        size, curvature = self.penalty.size, self.penalty.curvature
        cost = size * np.mean(out**2) + curvature * np.mean(bend**2)
        by_out = 2.0 * size * out / out.size
        by_bend = 2.0 * curvature * bend / bend.size / self._h**2
        by_out[2:] += by_bend
        by_out[1:-1] -= 2.0 * by_bend
        by_out[:-2] += by_bend
        if self.penalty.monotone:
            falls, sign, slopes = self._falls(kinetics, out)
            cost += self.penalty.monotone * np.mean(falls**2)
            by_step = 2.0 * self.penalty.monotone * sign * falls / falls.size / self._h
            by_out[1:] += by_step[:, None] * slopes[1:]
            by_out[:-1] -= by_step[:, None] * slopes[:-1]
        return float(cost), mlp.vjp(arrays, activation, passed, by_out)
