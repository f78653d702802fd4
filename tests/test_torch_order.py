"""Order of convergence of every method and of its dense output, with steps of one size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy_rhs
import pytest
import torch
from neurons import SQUID
from scipy.integrate import solve_ivp
from torch_neurons import FORMS

from pyhodgkin import CurrentClamp, Ramp, Sine, VoltageClamp
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.torch.solve import Problem
from pyhodgkin.backends.torch.steps import METHODS
from pyhodgkin.backends.torch.tape import polynomial

# Order of the end of a step; of the middle, where the dense output has one order less, but the
# error of a single step counts, which is one order more.
ORDERS = {"rodas5p": (5, 5), "rodas4p": (4, 4), "tsit5": (5, 5), "exponential": (2, 2)}
T_END = 2.0
STIMULI = {
    "constant": CurrentClamp.constant(20.0, T_END),
    "ramp": CurrentClamp(Ramp(0.0, 10.0, 0.0, 200.0), T_END),
    "sine": CurrentClamp(Sine(30.0, 400.0, phase=0.4), T_END),
}
COMMANDS = {
    "constant": VoltageClamp.constant(-20.0, T_END),
    "ramp": VoltageClamp(Ramp(0.0, 10.0, -80.0, 120.0), T_END),
    "sine": VoltageClamp(Sine(40.0, 400.0, phase=0.4, baseline=-40.0), T_END),
}


@dataclass
class Errors:
    """Largest errors at the ends and in the middles of the steps, in units of each state."""

    ends: float
    middles: float


def integrated(cell, protocol, solver, n, y0):
    """States after each of `n` equal steps, and in the middle of each, (n, S)."""
    t = np.array([protocol.t_end])
    problem = Problem.build(cell, [protocol], (1, 1), t, SolveOptions(solver=solver))
    p = problem.system.unpack(torch.as_tensor(cell.theta[None]))
    y, pieces = problem.public_start(y0), problem.stimulus.pieces(torch.zeros(1, 1).long())
    h = torch.full((1, 1), protocol.t_end / n, dtype=torch.float64)
    half = torch.tensor([0.5], dtype=torch.float64)
    ends, middles = [], []
    with torch.no_grad():
        for i in range(n):
            step = problem.method(problem.system, p, y, i * h, h, problem.stimulus, pieces)
            middle = polynomial(half, y.flatten(1).t(), step.dense.flatten(2).permute(2, 0, 1))
            middles.append(middle[0][problem.system.to_public].numpy())
            y = step.y
            ends.append(y[problem.system.to_public].flatten().numpy())
    return np.array(ends), np.array(middles)


def exact(cell, protocol, n, y0):
    """The same by scipy at tight tolerance, at 2n + 1 times."""
    times = np.linspace(0.0, protocol.t_end, 2 * n + 1)
    command = lambda t: float(protocol(t))  # noqa: E731
    clamped = protocol.kind == "voltage"
    f = numpy_rhs.clamped_rhs(cell, command) if clamped else numpy_rhs.rhs(cell, command)
    start = y0[1:] if clamped else y0
    found = solve_ivp(f, (0.0, protocol.t_end), start, "DOP853", times, rtol=1e-13, atol=1e-14).y.T
    return np.column_stack([protocol(times), found]) if clamped else found


def errors(cell, protocol, solver, counts):
    v0 = float(protocol(0.0)) if protocol.kind == "voltage" else None
    y0 = cell.initial_state(v0)
    y0[1:] = 0.1 + 0.8 * y0[1:]  # away from the steady state
    truth = exact(cell, protocol, max(counts), y0)
    scale = np.array([100.0, *[1.0] * (len(y0) - 1)])
    out = []
    for n in counts:
        ends, middles = integrated(cell, protocol, solver, n, y0)
        every = max(counts) // n
        at_ends, at_middles = truth[:: 2 * every][1:], truth[every :: 2 * every]
        out.append(
            Errors(
                float((abs(ends - at_ends) / scale).max()),
                float((abs(middles - at_middles) / scale).max()),
            )
        )
    return out


def slopes(found):
    """Observed orders between the finest two counts, for ends and middles."""
    coarse, fine = found[-2:]
    return np.log2(coarse.ends / fine.ends), np.log2(coarse.middles / fine.middles)


COUNTS = {"rodas5p": (80, 160), "rodas4p": (80, 160), "tsit5": (80, 160), "exponential": (80, 160)}


@pytest.mark.parametrize("solver", ORDERS)
@pytest.mark.parametrize("stimulus", STIMULI)
def test_order_in_current_clamp(solver, stimulus):
    found = errors(SQUID, STIMULI[stimulus], solver, COUNTS[solver])
    end, middle = slopes(found)
    assert end > ORDERS[solver][0] - 0.25, found
    assert middle > ORDERS[solver][1] - 0.25, found
    assert found[-1].ends < (1e-2 if solver == "exponential" else 1e-6)


@pytest.mark.parametrize("solver", ORDERS)
@pytest.mark.parametrize("command", ["ramp", "sine"])
def test_order_under_voltage_clamp(solver, command):
    counts = (40, 80) if solver == "tsit5" else (80, 160)
    end, middle = slopes(errors(SQUID, COMMANDS[command], solver, counts))
    assert end > ORDERS[solver][0] - 0.25
    assert middle > ORDERS[solver][1] - 0.25


@pytest.mark.parametrize("solver", ["rodas5p", "rodas4p", "tsit5"])
def test_order_at_a_constant_voltage(solver):
    """The equations are linear there, and large steps show the order."""
    end, middle = slopes(errors(SQUID, COMMANDS["constant"], solver, (10, 20)))
    assert end > ORDERS[solver][0] - 0.35
    assert middle > ORDERS[solver][1] - 0.35


NETWORKS = ("learned", "box_stimulus", "warm_free", "current_with_gates")


@pytest.mark.parametrize(
    ("solver", "name"),
    [(s, n) for s in ORDERS for n in NETWORKS if (s, n) != ("exponential", "box_stimulus")],
)
def test_order_with_networks(solver, name):
    """Also where the stimulus enters through a network and the Jacobian is full."""
    cell = FORMS[name]
    found = errors(cell, STIMULI["sine"], solver, COUNTS[solver])
    end, middle = slopes(found)
    assert end > ORDERS[solver][0] - 0.35, found
    assert middle > ORDERS[solver][1] - 0.35, found


def test_a_step_under_a_constant_clamp_is_the_exact_exponential():
    """With the exponential method, whatever the step."""
    y0 = SQUID.initial_state(-20.0)
    y0[1:] = [0.1, 0.9, 0.5]
    clamp = COMMANDS["constant"]
    ends, _ = integrated(SQUID, clamp, "exponential", 3, y0)
    for i, name in enumerate(SQUID.states[1:], 1):
        kinetics = SQUID.gate(name).kinetics
        x_inf, tau = float(kinetics.x_inf(-20.0)), float(kinetics.tau(-20.0))
        expected = x_inf + (y0[i] - x_inf) * np.exp(-T_END * np.arange(1, 4) / 3 / tau)
        np.testing.assert_allclose(ends[:, i], expected, rtol=1e-12)


@pytest.mark.parametrize("solver", ["rodas5p", "rodas4p", "tsit5"])
def test_the_error_estimate_has_its_order(solver):
    """Between a step and half of it the estimate falls by 2^(order + 1), as the control assumes."""
    y0 = SQUID.initial_state(-55.0)
    y0[1:] = 0.1 + 0.8 * y0[1:]
    sizes = []
    for h in (0.02, 0.01):
        protocol = CurrentClamp(Sine(30.0, 400.0, phase=0.4), h)
        problem = Problem.build(SQUID, [protocol], (1, 1), np.array([h]), SolveOptions())
        p = problem.system.unpack(torch.as_tensor(SQUID.theta[None]))
        t = torch.zeros(1, 1, dtype=torch.float64)
        pieces = problem.stimulus.pieces(t.long())
        step = METHODS[solver](
            problem.system, p, problem.public_start(y0), t, t + h, problem.stimulus, pieces
        )
        sizes.append(float(step.error.abs().max()))
    assert np.log2(sizes[0] / sizes[1]) > METHODS[solver].error_order + 1 - 0.4
