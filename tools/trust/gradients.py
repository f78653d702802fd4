"""Gradients against central differences."""

from __future__ import annotations

import numpy as np

import pyhodgkin as ph
from pyhodgkin import backends

from .cases import protocol_of

STEPS = (1e-4, 1e-5)  # of central differences, a part of each parameter


def learned_forms() -> dict[str, ph.Neuron]:
    """The squid axon with a network in each form, for its n gate or its potassium current."""
    squid, found = ph.library.get("squid_axon"), {}
    for form in ("steady_state", "rates", "residual", "free"):
        layers = (2, 6, 1) if form == "free" else (1, 6, 2)
        prior = squid.gate("n").kinetics if form == "residual" else None
        network = ph.Network.create(layers, seed=1)
        found[form] = squid.replace_gate("n", ph.NeuralKinetics(form, network, prior=prior))
    current = ph.NeuralCurrent("k", ph.Network.create((1, 6, 1), seed=4), scale=30.0)
    found["NeuralCurrent"] = squid.replace_channel("k", current)
    box = ph.NeuralRightHandSide(ph.Network.create((5, 8, 4), seed=1), time_scale=2.0)
    found["NeuralRightHandSide"] = ph.Neuron("box", right_hand_side=box)
    rate = ph.Rate("up", learned=ph.Network.create((1, 4, 1), seed=2))
    scheme = {("c", "o"): "up", ("o", "c"): ph.rates.Exponential(0.05, -40.0, -30.0)}
    markov = ph.MarkovChannel("k", ("c", "o"), scheme, "o", 10.0, -77.0, rates=[rate])
    found["Markov rate"] = squid.replace_channel("k", markov)
    return found


def recording_of(cell: ph.Neuron, name: str, t_end: float = 8.0) -> ph.Recording:
    """Arbitrary data, so that residuals are large."""
    protocol = protocol_of(name, t_end) if name in ph.library.names() else protocol_of(
        "squid_axon", t_end
    )  # fmt: skip
    t = np.linspace(0.0, t_end, 61)
    if protocol.kind == "voltage":
        return ph.Recording(t, protocol, current=np.cos(t), current_unit="uA/cm2")
    return ph.Recording(t, protocol, v=-60.0 + 20.0 * np.sin(t))


def gradient_error(
    cell: ph.Neuron,
    data: ph.Recording,
    backend: str,
    solver: str = "auto",
    directions: int = 4,
    rtol: float = 1e-9,
) -> float:
    """Largest difference of slopes along random directions, over the largest slope.

    Central differences at h and h/2, extrapolated; parameters are moved in proportion. The
    smaller difference of two h: with the larger what is cut off counts, with the smaller rounding.
    """
    engine = backends.get(backend)
    options = ph.SolveOptions(solver, rtol=rtol, atol=0.01 * rtol, max_steps=10_000_000)
    loss, rng = ph.Loss("mse", scale=10.0), np.random.default_rng(0)
    size = np.maximum(np.abs(cell.theta), 1e-2)
    along = size * rng.choice([-1.0, 1.0], (directions, len(size)))
    common = {"mode": "simulation", "y0": None, "options": options}
    slopes = along @ engine.value_and_grad(cell, [data], cell.theta, loss, **common).gradient
    found = []
    for h in STEPS:
        sets = np.concatenate([cell.theta + f * h * along for f in (1.0, -1.0, 0.5, -0.5)])
        (predicted,) = engine.predict(cell, [data], sets, **common)
        values = (((predicted - data.data) / 10.0) ** 2).mean(axis=-1)
        up, down, up2, down2 = values.reshape(4, -1)
        central = (4.0 * (up2 - down2) / h - (up - down) / (2.0 * h)) / 3.0
        found.append(float(np.abs(slopes - central).max() / np.abs(central).max()))
    return min(found)


def gradients(backend: str, quick: bool) -> list[str]:
    """The library and the forms of networks."""
    lines, solvers = ["## Gradients", ""], ("rodas5p", "tsit5")
    lines += [
        "Mean squared error of 61 samples in 8 ms (hERG: of the current), in simulation; slopes "
        "along 4 random directions in which every parameter changes by the same part of itself, "
        "against central differences extrapolated from two step sizes (the better of 1e-4 with "
        "5e-5 and 1e-5 with 5e-6); rtol 1e-9. "
        "The largest difference, over the largest slope.", "",
        "| neuron or form | parameters | " + " | ".join(solvers) + " |",
        "|---|---|---|---|",
    ]  # fmt: skip
    cells = {name: ph.library.get(name) for name in ph.library.names()} | learned_forms()
    for name, cell in list(cells.items())[:: 5 if quick else 1]:
        data = recording_of(cell, name)
        found = [gradient_error(cell, data, backend, solver) for solver in solvers]
        row = " | ".join(f"{x:.0e}" for x in found)
        lines.append(f"| {name} | {cell.layout.size} | {row} |")
    return lines
