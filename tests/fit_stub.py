"""An engine whose answers are known exactly: the referee of the training loop."""

from __future__ import annotations

import time

import numpy as np

from pyhodgkin import Stage, fit
from pyhodgkin.backends.base import ValueAndGradient
from pyhodgkin.neuron import library
from pyhodgkin.neuron.kinetics import NeuralKinetics
from pyhodgkin.neuron.networks import Network
from pyhodgkin.protocols import CurrentClamp, VoltageClamp
from pyhodgkin.recordings import Recording
from pyhodgkin.status import Status


class StubBackend:
    """Predicts u + 0.1 u², where u is linear in theta (and in the initial state).

    Parameters
    ----------
    fails : callable, optional
        (theta (P,)) -> whether the "solve" of that parameter vector fails.
    delay : float
        Seconds for one call.
    """

    name = "stub"

    def __init__(self, fails=None, delay=0.0, on_call=None):
        self.fails, self.delay, self.on_call = fails, delay, on_call
        self.calls = 0
        self.sizes = []
        self.modes = []

    def solvers(self):
        return ("stub",)

    def _features(self, recording, size):
        rng = np.random.default_rng(7)
        phase = rng.uniform(0, 6.28, size)
        return np.sin(recording.t[:, None] * (0.1 + np.arange(size) % 17 / 10) + phase)

    def _u(self, neuron, recording, theta, y0):
        scale = np.maximum(np.abs(neuron.theta), 1.0)
        features = self._features(recording, theta.size) / scale / np.sqrt(theta.size)
        state = np.zeros(len(neuron.states)) if y0 is None else y0 / 10.0
        return features @ theta + np.cos(recording.t) * state.sum(), features

    def _one(self, neuron, recording, theta, loss, y0):
        u, features = self._u(neuron, recording, theta, y0)
        target = recording.data[recording.mask]
        scale = loss.scale or float(np.std(target)) or 1.0
        r = (u + 0.1 * u**2)[recording.mask] - target
        slope = 2 * r / scale**2 / len(target) * (1 + 0.2 * u[recording.mask])
        by_y0 = (slope @ np.cos(recording.t[recording.mask])) / 10.0 * np.ones(len(neuron.states))
        return np.mean((r / scale) ** 2), slope @ features[recording.mask], by_y0

    def value_and_grad(self, neuron, recordings, theta, loss, *, mode, y0, options):
        self.calls += 1
        self.modes.append(mode)
        time.sleep(self.delay)
        if self.on_call:
            self.on_call(self.calls)
        rows = np.atleast_2d(theta)
        self.sizes.append(len(rows))
        k, r = len(rows), len(recordings)
        value, gradient = np.zeros((k, r)), np.zeros((k, r, rows.shape[1]))
        by_y0 = np.zeros((k, r, len(neuron.states)))
        status = np.zeros((k, r), np.int64)
        for i, row in enumerate(rows):
            for j, recording in enumerate(recordings):
                start = None if y0 is None else y0[i, j]
                value[i, j], gradient[i, j], by_y0[i, j] = self._one(
                    neuron, recording, row, loss, start
                )
                if self.fails and self.fails(row):
                    status[i, j] = Status.MAX_STEPS
        failed = status.any(axis=1)
        total = np.where(failed, np.inf, value.mean(axis=1))
        slopes = np.where(failed[:, None], 0.0, gradient.mean(axis=1))
        out = (total, slopes, by_y0 / r, value, status)
        if np.ndim(theta) == 1:
            out = tuple(a[0] for a in out)
        return ValueAndGradient(*out)

    def predict(self, neuron, recordings, theta, *, mode, y0, options):
        out = []
        for j, recording in enumerate(recordings):
            starts = [None] * len(theta) if y0 is None else y0[:, j]
            u = [self._u(neuron, recording, x, s)[0] for x, s in zip(theta, starts, strict=True)]
            out.append(np.array([a + 0.1 * a**2 for a in u]))
        return out

    def linearize(self, neuron, recordings, theta, loss, *, mode, y0, options):
        return StubLinearization(self, neuron, recordings, theta, loss, y0)


class StubLinearization:
    """Exact derivatives of the stub's predictions; every weight of a network counts."""

    def __init__(self, stub, neuron, recordings, theta, loss, y0):
        self.stub, self.neuron, self.recordings = stub, neuron, recordings
        self.theta, self.loss, self.y0 = theta, loss, y0
        self.valid = [not (stub.fails and stub.fails(row)) for row in theta]

    def _predicted(self, i, theta, y0):
        recording = self.recordings[i]
        u, features = self.stub._u(self.neuron, recording, theta, y0)
        return (u + 0.1 * u**2)[recording.mask], ((1 + 0.2 * u)[:, None] * features), u

    def networks(self, points):
        names = {}
        for entry in self.neuron.layout:
            if entry.group == "networks":
                names.setdefault(entry.name.rpartition(".")[0], []).append(entry)
        places = [
            np.concatenate([np.arange(e.start, e.start + e.size) for e in x])
            for x in names.values()
        ]
        rows = self._predicted(0, self.theta[0], None if self.y0 is None else self.y0[0])[1]
        return [(x, rows[:, x]) for x in places]

    def weights(self, i):
        target = self.recordings[i].data[self.recordings[i].mask]
        scale = self.loss.scale or float(np.std(target)) or 1.0
        return np.full(len(target), 2.0 / (len(target) * scale**2))

    def jvp(self, i, directions, states):
        recording = self.recordings[i]
        start = None if self.y0 is None else self.y0[i]
        _, rows, u = self._predicted(i, self.theta[i], start)
        parts = [
            rows[:, places[x.trained]] @ x.columns
            for (places, _), x in zip(self.networks(0), directions.networks, strict=True)
        ]
        parts.append(rows[:, directions.entries] * directions.slopes)
        if states is not None:
            by_state = (1 + 0.2 * u) * np.cos(recording.t) / 10.0
            parts.append(by_state[:, None] * states.sum(axis=0))
        return np.concatenate(parts, axis=1)[recording.mask]

    def change(self, which, theta, y0):
        out = []
        for row, i in enumerate(which):
            here = self._predicted(i, self.theta[i], None if self.y0 is None else self.y0[i])[0]
            there = self._predicted(i, theta[row], None if y0 is None else y0[row])[0]
            out.append(there - here)
        return out


def squid():
    return library.get("squid_axon")


def neural(form="rates", seed=3, **kwargs):
    """The squid axon with a small network in place of the n gate."""
    prior = squid().gate("n").kinetics if form == "residual" else None
    network = Network.create((1, 4, 2), seed=seed, zero_last=form == "residual")
    return squid().replace_gate("n", NeuralKinetics(form, network, prior=prior, **kwargs))


def recording(seed=0, name="trace", clamp="current", samples=80):
    """Made up data under a step."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0.0, 20.0, samples)
    data = np.sin(t * 0.7) + 0.3 * np.sin(1.3 * t) + 0.02 * rng.standard_normal(samples)
    if clamp == "current":
        return Recording(t, CurrentClamp.step(5.0, 2.0, 15.0, 20.0), v=data, name=name)
    protocol = VoltageClamp.step(0.0, 2.0, 15.0, 20.0)
    return Recording(t, protocol, current=data, current_unit="uA/cm2", name=name)


SHORT = (Stage("clamped", "adamw", 20, lr=0.05), Stage("simulation", "lbfgs", 30))


def run(neuron=None, recordings=None, **changes):
    arguments = {"backend": StubBackend(), "schedule": SHORT, "progress": False, **changes}
    return fit(neuron or neural(), recordings or recording(), **arguments)
