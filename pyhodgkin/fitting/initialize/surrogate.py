"""A neuron with simple gates and currents in the place of networks, trained in clamped mode.

A simple gate has two rates that are exponentials of the voltage until they saturate (Sigmoid:
six numbers in all), which is what most gates measured so far are like. A simple current is a
channel with such gates, of unknown conductance and reversal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ...backends.base import Backend, SolveOptions
from ...backends.loss import Loss
from ...neuron.channels import Channel
from ...neuron.kinetics import RateKinetics
from ...neuron.neuron import Neuron
from ...neuron.rates import Sigmoid
from ...numerics.arrays import FloatArray, Indices
from ...optimize.lbfgs import LBFGS
from ...optimize.levenberg_marquardt import LevenbergMarquardt, QuadraticModel
from ...recordings import Recording
from ..residuals import gauss_newton, jacobian, residuals

_PRIOR = 1e-6  # keeps numbers that the data do not determine where they were drawn
_MIDDLE, _REACH = -20.0, 80.0  # mV: reversals are within so much of it, -100 to 60 mV
_TAU, _SLOW = 10.0, 300.0  # ms: the slowest gates that are drawn; of a current nobody knows


@dataclass(frozen=True)
class Task:
    """What simple neurons are trained on, and for what: recordings of each clamp and their loss."""

    backend: Backend
    groups: Sequence[tuple[Sequence[Recording], Loss]]
    options: SolveOptions
    poll: Callable[[], None] = lambda: None  # called before each evaluation

    @property
    def share(self) -> float:
        """Of the loss of each group in the whole."""
        return 1.0 / len(self.groups)


@dataclass(frozen=True)
class Drawn:
    """Parameters phi (K, p) of simple neurons and the signs (K, G) of their gates."""

    phi: FloatArray
    sign: FloatArray

    def __getitem__(self, rows: Indices) -> Drawn:
        return Drawn(self.phi[rows], self.sign[rows])


@dataclass(frozen=True)
class _Places:
    """Where a, v0 and k of the opening and the closing rate of a gate lie in theta."""

    a: tuple[int, int]
    v0: tuple[int, int]
    k: tuple[int, int]


class SurrogateNeuron:
    """The neuron with simple gates, and simple channels for its currents: its loss by phi.

    phi has (log a, v0/10, log |k|) of both rates of each gate, then log g and a number that the
    reversal follows (within bounds) for each current.

    Parameters
    ----------
    neuron : Neuron
    gates, currents : sequence of str
        Which are networks; those of the currents are among the gates.
    task : Task
    """

    def __init__(
        self, neuron: Neuron, gates: Sequence[str], currents: Sequence[str], task: Task
    ) -> None:
        own = {x.name for name in currents for x in neuron.channel(name).gates}
        self._slow = np.array([name in own for name in gates])
        for name in currents:
            mine = tuple(replace(gate, power=1) for gate in neuron.channel(name).gates)
            neuron = neuron.replace_channel(name, Channel(name, 1.0, _MIDDLE, mine))
        for name in gates:
            rates = RateKinetics(Sigmoid(1.0, -40.0, 10.0), Sigmoid(1.0, -40.0, -10.0))
            neuron = neuron.replace_gate(name, rates)
        self.neuron, self._base, self._task = neuron, neuron.theta, task
        self._places, layout = [self._of(name) for name in gates], neuron.layout
        self._g = [layout[f"{name}.g"].start for name in currents]
        self._e = [layout[f"{name}.e"].start for name in currents]
        count, known = 2 * len(gates), len(currents)
        centre, width = np.tile([0.0, -4.0, np.log(15.0)], count), np.tile([2.0, 5.0, 0.7], count)
        self._centre = np.concatenate([centre, np.zeros(2 * known)])
        self._width = np.concatenate([width, np.tile([3.0, 1.5], known)])

    def _of(self, gate: str) -> _Places:
        layout = self.neuron.layout
        first = next(e.name for e in layout if e.name.endswith(f".{gate}.alpha.a"))
        stem = first.removesuffix("alpha.a")
        a, v0, k = (
            (layout[f"{stem}alpha.{x}"].start, layout[f"{stem}beta.{x}"].start)
            for x in ("a", "v0", "k")
        )
        return _Places(a, v0, k)

    def draw(self, rng: np.random.Generator, count: int, voltages: tuple[float, float]) -> Drawn:
        """So many at random."""
        phi, sign = _gates(rng, count, np.where(self._slow, _SLOW, _TAU), voltages)
        shape = (count, len(self._g))
        g = rng.uniform(np.log(0.02 * self.neuron.c_m), np.log(20.0 * self.neuron.c_m), shape)
        e = np.arctanh(rng.uniform(-0.98, 0.98, shape))
        return Drawn(np.concatenate([phi, np.stack([g, e], -1).reshape(count, -1)], axis=1), sign)

    def theta(self, at: Drawn) -> FloatArray:
        """theta (K, P)."""
        k, n = len(at.phi), len(self._places)
        numbers, more = at.phi[:, : 6 * n].reshape(k, n, 2, 3), at.phi[:, 6 * n :].reshape(k, -1, 2)
        theta = np.repeat(self._base[None], k, axis=0)
        for j, place in enumerate(self._places):
            theta[:, place.a] = np.exp(np.clip(numbers[:, j, :, 0], -30.0, 12.0))
            theta[:, place.v0] = 10.0 * numbers[:, j, :, 1]
            s = np.stack([at.sign[:, j], -at.sign[:, j]], axis=-1)
            theta[:, place.k] = s * np.exp(np.clip(numbers[:, j, :, 2], -1.0, 8.0))
        theta[:, self._g] = np.exp(np.clip(more[..., 0], -30.0, 10.0))
        theta[:, self._e] = _MIDDLE + _REACH * np.tanh(more[..., 1])
        return theta

    def evaluate(self, at: Drawn) -> tuple[FloatArray, FloatArray]:
        """Value (K,), inf where it failed, and gradient (K, p)."""
        theta = self.theta(at)
        size, gradient = self._whole(theta)
        slope = np.empty((len(theta), len(self._places), 2, 3))
        for j, p in enumerate(self._places):
            slope[:, j, :, 0] = gradient[:, p.a] * theta[:, p.a]
            slope[:, j, :, 1] = 10.0 * gradient[:, p.v0]
            slope[:, j, :, 2] = gradient[:, p.k] * theta[:, p.k]
        g = gradient[:, self._g] * theta[:, self._g]
        e = gradient[:, self._e] * _REACH
        e = e * (1.0 - ((theta[:, self._e] - _MIDDLE) / _REACH) ** 2)
        parts = [slope.reshape(len(theta), -1), np.stack([g, e], -1).reshape(len(theta), -1)]
        off = (at.phi - self._centre) / self._width
        value = np.where(np.isfinite(size), size, np.inf)
        value = value + _PRIOR * np.mean(off**2, axis=-1)
        return value, np.concatenate(parts, 1) + 2.0 * _PRIOR * off / self._width / off.shape[1]

    def _whole(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The loss (K,) of `theta` (K, P), the mean of that of each clamp, and its gradient."""
        task, value, gradient = self._task, np.zeros(len(theta)), np.zeros(theta.shape)
        for recordings, loss in task.groups:
            task.poll()
            found = task.backend.value_and_grad(
                self.neuron, recordings, theta, loss, mode="clamped", y0=None, options=task.options
            )
            value = value + task.share * found.value
            gradient = gradient + task.share * found.gradient
        return value, gradient

    def train(self, at: Drawn, steps: int) -> tuple[Drawn, FloatArray]:
        """Where they are, and their value (K,), after so many evaluations of L-BFGS."""
        optimizer = LBFGS(at.phi, first=0.3)
        for _ in range(steps):
            if optimizer.done.all():
                break
            value, slope = self.evaluate(Drawn(optimizer.ask(), at.sign))
            optimizer.tell(value, slope, 0.0)
        return Drawn(optimizer.point, at.sign), optimizer.value

    def polish(self, at: Drawn, steps: int) -> tuple[Drawn, FloatArray]:
        """The same after so many steps of Levenberg and Marquardt, which end at the minimum."""
        task = self._task

        def curvature(k: int, phi: FloatArray) -> QuadraticModel:
            matrix = np.zeros((len(phi),) * 2)
            for recordings, loss in task.groups:
                task.poll()

                def off(
                    x: FloatArray, recordings: Sequence[Recording] = recordings, loss: Loss = loss
                ) -> list[FloatArray]:
                    theta = self.theta(Drawn(x, at.sign[k : k + 1].repeat(len(x), axis=0)))
                    return residuals(task.backend, self.neuron, recordings, theta, mode="clamped",
                                     loss=loss, y0=None, options=task.options)  # fmt: skip

                matrix += task.share * gauss_newton(*jacobian(off, phi), loss)
            return QuadraticModel(matrix + 2.0 * _PRIOR / len(phi) * np.diag(self._width**-2.0))

        optimizer = LevenbergMarquardt(at.phi, curvature)
        for _ in range(steps):
            if optimizer.done.all():
                break
            optimizer.tell(*self.evaluate(Drawn(optimizer.ask(), at.sign)), 0.0)
        return Drawn(optimizer.point, at.sign), optimizer.value


def _gates(
    rng: np.random.Generator, count: int, slowest: FloatArray, voltages: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """phi (count, 6·gates) and signs (count, gates): +1 for activation.

    Half-activation in the lower three quarters of the voltages, slopes of 4 to 15 mV, time
    constants from 0.1 ms to the slowest (gates,) there; the rates saturate at 1 to 10 times their
    size there.
    """
    gates = len(slowest)
    patterns = list(product([1.0, -1.0], repeat=gates)) if gates <= 6 else [()]
    if len(patterns) > 1:
        sign = np.array([patterns[i % len(patterns)] for i in range(count)])
    else:
        sign = rng.choice([1.0, -1.0], (count, gates))
    shape, (low, high) = (count, gates), voltages
    half = rng.uniform(low, high - 0.25 * (high - low), shape)
    k = np.exp(rng.uniform(np.log(4.0), np.log(15.0), shape))
    tau = np.exp(rng.uniform(np.log(0.1), np.log(slowest), shape))
    share = 1.0 / (1.0 + np.exp(-rng.normal(0.0, 0.7, shape)))
    phi = np.empty((*shape, 2, 3))
    for which, (s, slope) in enumerate(((sign, k / share), (-sign, k / (1.0 - share)))):
        top = np.exp(rng.uniform(0.7, 3.0, shape))  # over the rate at `half`
        phi[..., which, 0] = np.log(0.5 * top / tau)
        phi[..., which, 1] = 0.1 * (half + s * slope * np.log(top - 1.0))
        phi[..., which, 2] = np.log(slope)
    return phi.reshape(count, -1), sign
