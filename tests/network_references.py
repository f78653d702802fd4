"""Networks solved by scipy, with synaptic conductances written out: no part of the package."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy_rhs import rhs
from scipy.integrate import solve_ivp

import pyhodgkin as ph

KINETICS = {
    "exponential": ph.ExponentialSynapse(e=0.0, tau=3.0),
    "double": ph.DoubleExponentialSynapse(e=0.0, tau_rise=0.5, tau_decay=4.0),
    "alpha": ph.AlphaSynapse(e=-10.0, tau=1.5),
}


def time_course(name: str, t: float) -> float:
    """The conductance of the synapses above, `t` ms after a spike over a weight of 1."""
    if t < 0.0:
        return 0.0
    if name == "exponential":
        return np.exp(-t / 3.0)
    if name == "alpha":
        return t / 1.5 * np.exp(1.0 - t / 1.5)
    peak = 0.5 * 4.0 / (4.0 - 0.5) * np.log(4.0 / 0.5)
    shape = lambda u: np.exp(-u / 4.0) - np.exp(-u / 0.5)  # noqa: E731
    return shape(t) / shape(peak)


def under_conductance(neuron, g, e, arrivals, t, y0=None, current=0.0):
    """States (T, S) at `t` and upward crossings of 0 mV under a conductance g(t) (mS/cm²)."""
    own = rhs(neuron, current)

    def f(u, y):
        out = own(u, y)
        out[0] -= g(u) * (y[0] - e) / neuron.c_m
        return out

    y = neuron.initial_state() if y0 is None else y0
    edges = np.unique([0.0, *[a for a in arrivals if 0.0 < a < t[-1]], t[-1]])
    states, spikes = np.empty((len(t), len(y))), []
    crossing = lambda u, z: z[0]  # noqa: E731
    crossing.direction = 1  # type: ignore[attr-defined]
    for a, b in pairwise(edges):
        piece = solve_ivp(
            f, (a, b), y, "DOP853", rtol=1e-10, atol=1e-11, dense_output=True, events=crossing,
            max_step=0.5,
        )  # fmt: skip
        inside = (t >= a) & (t <= b)
        states[inside] = piece.sol(t[inside]).T
        spikes += piece.t_events[0].tolist()
        y = piece.y[:, -1]
    return states, np.array(spikes)


def gap_pair(neuron, g, currents, t, starts=None):
    """Voltages (T, 2) of two cells joined by a gap junction under constant currents."""
    sides = [rhs(neuron, current) for current in currents]
    y0 = [neuron.initial_state(v) for v in (starts or (None, None))]
    s = len(y0[0])

    def f(u, y):
        a, b = sides[0](u, y[:s]), sides[1](u, y[s:])
        flow = g * (y[0] - y[s]) / neuron.c_m
        a[0] -= flow
        b[0] += flow
        return np.concatenate([a, b])

    found = solve_ivp(
        f, (0.0, t[-1]), np.concatenate(y0), "DOP853", t_eval=t, rtol=1e-10, atol=1e-11
    )
    return found.y[[0, s]].T
