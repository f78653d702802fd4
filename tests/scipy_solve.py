"""Solutions by scipy of the plain right-hand sides: slow, exact, and no part of the package."""

from __future__ import annotations

import numpy as np
from numpy_rhs import clamped_rhs, rhs
from scipy.integrate import solve_ivp


def solve(neuron, protocol, t=None, y0=None, rtol=1e-9, atol=1e-10, method="LSODA"):
    """States (time, state) at times `t` (ms) and spike times, restarted at every breakpoint.

    Under a voltage clamp the first state is the command; spikes are upward crossings of 0 mV.
    """
    clamped = protocol.kind == "voltage"
    command = lambda u: float(protocol(u))  # noqa: E731
    f = clamped_rhs(neuron, command) if clamped else rhs(neuron, command)
    if y0 is None:
        y0 = neuron.initial_state(command(0.0) if clamped else None)
    y = np.asarray(y0)[1:] if clamped else np.asarray(y0)
    ends = [*protocol.breakpoints[protocol.breakpoints < protocol.t_end], protocol.t_end]
    times = np.asarray([protocol.t_end] if t is None else t)
    states = np.empty((len(times), len(y)))
    spikes: list[float] = []
    start = 0.0
    for end in ends:
        # The command jumps at `end`: up to there its value is that from the left.
        last = np.nextafter(end, 0.0)
        g = lambda u, z, last=last: f(min(u, last), z)  # noqa: E731
        crossing = lambda u, z: 1.0 if clamped else z[0]  # noqa: E731
        crossing.direction = 1  # type: ignore[attr-defined]
        step = {"max_step": 2.0} if not clamped else {}
        piece = solve_ivp(
            g,
            (start, end),
            y,
            method,
            rtol=rtol,
            atol=atol,
            dense_output=True,
            events=crossing,
            **step,
        )
        assert piece.success, piece.message
        inside = (times >= start) & (times <= end)
        if inside.any():
            states[inside] = piece.sol(times[inside]).T
        y, start = piece.y[:, -1], end
        spikes += list(piece.t_events[0])
    if clamped:
        states = np.column_stack([[command(u) for u in times], states])
    return states, np.array(spikes)


def spike_times(neuron, protocol, y0=None, rtol=1e-8):
    """Upward crossings of 0 mV, ms."""
    return solve(neuron, protocol, y0=y0, rtol=rtol)[1]
