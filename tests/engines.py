"""Both engines, and the cells, protocols and recordings that they are compared on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from neurons import ALL, SQUID
from torch_neurons import FORMS, composed_neuron

import pyhodgkin as ph
from pyhodgkin.backends.base import SolveOptions
from pyhodgkin.backends.julia.engine import JuliaBackend
from pyhodgkin.backends.torch.engine import TorchBackend

JULIA, TORCH = JuliaBackend(), TorchBackend()
SOLVERS = ("rodas5p", "tsit5", "rodas4p")  # those that both have
T_END = 12.0


def over_steady_state() -> ph.Neuron:
    """Networks that correct gates given by their steady state and time constant."""
    cell = composed_neuron()
    for i, gate in enumerate("ac"):
        network = ph.Network.create((1, 5, 2), seed=i)
        prior = cell.gate(gate).kinetics
        cell = cell.replace_gate(gate, ph.NeuralKinetics("residual", network, prior=prior))
    return cell


CELLS = {
    **ALL,
    **FORMS,
    "over_steady_state": over_steady_state(),
    "warm": replace(SQUID, temperature=11.0),
    "initial": replace(SQUID, initial=(("h", 0.3), ("n", 0.5)), v_rest=-58.0),
}
NO_CURRENT = {name for name, cell in CELLS.items() if cell.right_hand_side is not None}
# Two inputs, and no line in x: the scan of clamped training cannot have them.
NOT_LINEAR = {name for name in CELLS if "free" in name} | NO_CURRENT


def times(t_end: float = T_END, dt: float = 0.1) -> np.ndarray:
    return np.arange(0.0, t_end + dt / 2, dt)


def uneven(n: int, t_end: float = T_END, seed: int = 0) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).uniform(0.2, t_end, n))


CURRENT = {
    "step": ph.CurrentClamp.step(9.0, 1.0, 10.0, T_END),
    "ramp": ph.CurrentClamp.ramp(-3.0, 15.0, 2.0, 9.0, T_END),
    "sine": ph.CurrentClamp.sine(8.0, 150.0, T_END),
    "chirp": ph.CurrentClamp.chirp(8.0, 20.0, 300.0, T_END),
    "noise": ph.CurrentClamp.noise(5.0, 3.0, 2.0, T_END, seed=1, dt=0.5),
    "held": ph.CurrentClamp.sampled(
        times(dt=1.0), 5.0 + 5.0 * np.sin(times(dt=1.0)), mode="held", t_end=T_END
    ),
    "sum": ph.CurrentClamp(ph.Step(3.05, 7.0, 6.0) + ph.Sine(4.0, 90.0, start=2.0), T_END),
}
VOLTAGE = {
    "step": ph.VoltageClamp.step(10.0, 2.0, 8.0, T_END),
    "steps": ph.VoltageClamp.steps([0.0, 3.0, 6.05, 9.0], [-80.0, 20.0, -40.0, -90.0], T_END),
    "ramp": ph.VoltageClamp.ramp(-90.0, 40.0, 2.0, 10.0, T_END),
    "sines": ph.VoltageClamp.sines([30.0, 15.0], [60.0, 210.0], T_END, centre=-40.0),
    "sampled": ph.VoltageClamp.sampled(times(dt=0.5), -50.0 + 40.0 * np.cos(times(dt=0.5))),
}


def options(solver: str = "rodas5p", rtol: float = 1e-9, **other) -> SolveOptions:
    return SolveOptions(solver, rtol=rtol, atol=rtol / 100.0, **other)


def current_clamp(protocol: str = "step", t: np.ndarray | None = None) -> ph.Recording:
    """Voltages that no cell here has, so that residuals are large."""
    t = times() if t is None else t
    mask = np.random.default_rng(len(t)).random(len(t)) < 0.7
    v = -85.0 + 10.0 * np.sin(0.7 * t)
    return ph.Recording(t, CURRENT[protocol], v=v, mask=mask)


def voltage_clamp(protocol: str = "steps", t: np.ndarray | None = None) -> ph.Recording:
    t = times() if t is None else t
    current = -500.0 + 300.0 * np.cos(0.7 * t)
    recording = ph.Recording(t, VOLTAGE[protocol], current=current, current_unit="uA/cm2")
    return recording.masked_after_steps(0.25)


def apart(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference of trajectories (..., T, S) in units of the range of each state."""
    size = np.maximum(np.ptp(expected, axis=-2, keepdims=True), 1e-3)
    return float(np.max(np.abs(found - expected) / size))


def gradients_apart(cell: ph.Neuron, found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference of gradients (..., P), relative to the largest entry of its kind."""
    worst = 0.0
    for groups in (("conductances", "reversals", "capacitance"), ("rates",), ("networks",)):
        chosen = np.zeros(cell.layout.size, dtype=bool)
        for entry in cell.layout:
            chosen[entry.slice] = entry.group in groups
        if chosen.any():
            size = np.abs(expected[..., chosen]).max(axis=-1)
            gap = np.abs(found[..., chosen] - expected[..., chosen]).max(axis=-1)
            worst = max(worst, float(np.max(gap / np.where(size > 0, size, 1.0))))
    return worst
