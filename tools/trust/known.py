"""Answers known in closed form, and observed orders of convergence."""

from __future__ import annotations

import numpy as np

import pyhodgkin as ph

from .cases import SOLVERS

ORDERS = {"tsit5": 5, "rodas5p": 5, "rodas4p": 4, "exponential": 2}


def passive(g: float, e: float, c: float) -> ph.Neuron:
    """A membrane of capacitance and leak alone."""
    return ph.Neuron("passive", (ph.Channel("l", g, e),), c_m=c, v_rest=e)


def charging(solver: str, backend: str, **options: float) -> float:
    """Largest error (mV) of a membrane charged by a step of current, and its way back.

    v = e + (I/g)(1 - exp(-t g/c)); g = 0.1 mS/cm², c = 1 µF/cm², I = 2 µA/cm² from 5 to 45 ms.
    """
    g, e, c, level = 0.1, -65.0, 1.0, 2.0
    clamp = ph.CurrentClamp.step(level, 5.0, 45.0, 80.0)
    t = np.linspace(0.0, 80.0, 401)
    found = ph.simulate(
        passive(g, e, c), clamp, saveat=t, solver=solver, backend=backend, **options
    )
    charged = 1.0 - np.exp(-np.clip(t - 5.0, 0.0, 40.0) * g / c)
    exact = e + level / g * charged * np.exp(-np.clip(t - 45.0, 0.0, None) * g / c)
    return float(np.abs(found.v - exact).max())


def relaxation(solver: str, backend: str, **options: float) -> float:
    """Largest error of the gates of the squid axon under steps of a clamped voltage.

    x = x_inf + (x0 - x_inf) exp(-t/tau), piece by piece: activation, and the tail afterwards.
    """
    cell = ph.library.get("squid_axon")
    at, levels = [0.0, 5.0, 15.0], [-80.0, 20.0, -60.0]
    t = np.linspace(0.0, 40.0, 401)
    clamp = ph.VoltageClamp.steps(at, levels, 40.0)
    found = ph.simulate(cell, clamp, saveat=t, solver=solver, backend=backend, **options)
    worst = 0.0
    for gate in cell.gates:
        x, exact = gate.kinetics.x_inf(levels[0]), np.empty_like(t)
        for start, stop, v in zip(at, [*at[1:], 40.0], levels, strict=True):
            inside = (t >= start) & (t <= stop)
            x_inf, tau = gate.kinetics.x_inf(v), gate.kinetics.tau(v)
            exact[inside] = x_inf + (x - x_inf) * np.exp(-(t[inside] - start) / tau)
            x = x_inf + (x - x_inf) * np.exp(-(stop - start) / tau)
        worst = max(worst, float(np.abs(found.gates[gate.name] - exact).max()))
    return worst


def tail_charge(backend: str, solver: str = "auto", **options: float) -> float:
    """Relative error of the charge of a deactivation tail of one gate of power 1.

    I = g x0 exp(-t/tau)(v - e), whose integral is g x0 tau (v - e)(1 - exp(-T/tau)); the samples
    are integrated by Simpson's rule at 0.01 ms.
    """
    curves = ph.SteadyStateKinetics(ph.rates.Sigmoid(1.0, 0.0, 1.0), 5.0)
    cell = ph.Neuron("tail", (ph.Channel("k", 2.0, -90.0, (ph.Gate("n", curves),)),))
    clamp = ph.VoltageClamp.steps([0.0, 30.0], [60.0, -60.0], 80.0)
    t = np.linspace(30.0, 80.0, 5001)
    found = ph.simulate(cell, clamp, saveat=t, solver=solver, backend=backend, **options)
    i, h = found.currents["k"], t[1] - t[0]
    charge = h / 3.0 * (i[0] + 4.0 * i[1:-1:2].sum() + 2.0 * i[2:-1:2].sum() + i[-1])
    exact = 2.0 * 5.0 * 30.0 * (1.0 - np.exp(-50.0 / 5.0))
    return float(abs(charge / exact - 1.0))


def balance(backend: str, solver: str = "auto", **options: float) -> float:
    """Charge on the membrane against that of all currents, of a spike train, relative.

    c (v(T) - v(0)) = ∫ (i_stim - Σ i) dt, by Simpson's rule at 0.001 ms, over the charge that
    flowed through the sodium channels.
    """
    cell = ph.library.get("squid_axon")
    t = np.linspace(0.0, 30.0, 30_001)
    clamp = ph.CurrentClamp.constant(10.0, 30.0)
    found = ph.simulate(cell, clamp, saveat=t, solver=solver, backend=backend, **options)
    total = 10.0 - sum(found.currents.values())
    weights = np.ones(len(t))
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    charge = (weights * total).sum() * 0.001 / 3.0
    flowed = (weights * np.abs(found.currents["na"])).sum() * 0.001 / 3.0
    return float(abs(charge - cell.c_m * (found.v[-1] - found.v[0])) / flowed)


def isopotential_rallpack(backend: str, solver: str = "auto", **options: float) -> float:
    """Largest error (mV) of Rallpack 1 with its cable made isopotential.

    1 mm of 1 µm diameter: 3141.6 µm², 4 Ω m² and 0.01 F/m², -65 mV, 0.1 nA for 250 ms.
    """
    area = np.pi * 1e-3 * 1e-6  # m²
    g, c = 1e6 * area / 4.0, 1e9 * 0.01 * area  # µS, nF
    cell = ph.Neuron(
        "rallpack", (ph.Channel("l", g, -65.0),), c_m=c, v_rest=-65.0, current_unit="nA"
    )
    clamp = ph.CurrentClamp.constant(0.1, 250.0, unit="nA")
    t = np.linspace(0.0, 250.0, 501)
    found = ph.simulate(cell, clamp, saveat=t, solver=solver, backend=backend, **options)
    return float(np.abs(found.v - (-65.0 + 0.1 / g * (1.0 - np.exp(-t / 40.0)))).max())


def answers(backend: str, quick: bool) -> list[str]:
    """Each answer by each solver at three tolerances."""
    lines = ["## Answers known exactly", ""]
    lines += [
        "Charging: a passive membrane under a step, mV. Relaxation: m, h and n of the squid axon "
        "under steps of the voltage, as a fraction. Tail: charge of a deactivating current, "
        "relative. Balance: charge on the membrane against that of the currents over three spikes, "
        "relative. Rallpack 1 as one compartment, mV (Rallpacks are cables; this is the limit of "
        "no axial resistance).", "",
        "| solver | rtol | charging | relaxation | tail | balance | Rallpack 1 |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for solver in SOLVERS:
        for rtol in (1e-4, 1e-6, 1e-9):
            given = {"solver": solver, "backend": backend, "rtol": rtol, "atol": 0.01 * rtol}
            found = [f(**given) for f in (charging, relaxation, tail_charge, balance,
                                          isopotential_rallpack)]  # fmt: skip
            lines.append(
                f"| {solver} | {rtol:.0e} | " + " | ".join(f"{x:.0e}" for x in found) + " |"
            )
    return lines


def observed_order(
    solver: str, backend: str, steps: tuple[float, ...]
) -> tuple[float, list[float]]:
    """The slope of the error over the step, and the errors, of a smooth solution.

    An adaptive method is given a tolerance that every step meets, and a longest step.
    """
    cell = ph.library.get("squid_axon")
    clamp = ph.CurrentClamp.constant(5.0, 10.0)
    start = cell.initial_state(-60.0)
    given = {"saveat": [10.0], "y0": start, "backend": backend}
    exact = ph.simulate(cell, clamp, solver="rodas5p", rtol=1e-12, atol=1e-14, **given).y[-1]
    size = np.maximum(np.abs(exact), 1e-3)
    found = []
    for h in steps:
        if solver == "exponential":
            own = {"dt": h}
        else:
            own = {"dt_max": h, "rtol": 0.99, "atol": 0.99, "v_scale": 1e4}
        y = ph.simulate(cell, clamp, solver=solver, **own, **given).y[-1]
        found.append(float((np.abs(y - exact) / size).max()))
    return float(np.polyfit(np.log(steps), np.log(found), 1)[0]), found


def orders(backend: str, quick: bool) -> list[str]:
    """Observed and stated orders of every solver."""
    lines = ["## Orders of convergence", ""]
    lines += [
        "Squid axon, 10 ms below its threshold, error at the end over the size of each state, at "
        "steps of 0.4, 0.2, 0.1 and 0.05 ms.", "",
        "| solver | stated | observed | errors |", "|---|---|---|---|",
    ]  # fmt: skip
    for solver, stated in ORDERS.items():
        if solver == "exponential" and backend == "julia":
            continue
        slope, off = observed_order(solver, backend, STEPS)
        lines.append(
            f"| {solver} | {stated} | {slope:.2f} | {', '.join(f'{x:.1e}' for x in off)} |"
        )
    return lines


STEPS = (0.4, 0.2, 0.1, 0.05)
