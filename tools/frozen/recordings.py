"""Recordings for the fits, from a Runge-Kutta method of their own: independent of the engines."""

from __future__ import annotations

from functools import cache
from math import exp

import numpy as np

import pyhodgkin as ph

DT, PARTS = 0.1, 20  # ms between samples, and steps of the method between two


def _linoid(x: float) -> float:
    return 1.0 + 0.5 * x if abs(x) < 1e-6 else x / (1.0 - exp(-x))


def _gates(v: float, n: float, m: float, h: float) -> tuple[float, float, float]:
    """dn/dt, dm/dt, dh/dt of the squid axon, 1/ms."""
    dn = 0.1 * _linoid((v + 55.0) / 10.0) * (1 - n) - 0.125 * exp(-(v + 65.0) / 80.0) * n
    dm = _linoid((v + 40.0) / 10.0) * (1 - m) - 4.0 * exp(-(v + 65.0) / 18.0) * m
    dh = 0.07 * exp(-(v + 65.0) / 20.0) * (1 - h) - h / (1.0 + exp(-(v + 35.0) / 10.0))
    return dn, dm, dh


def _ionic(v: float, n: float, m: float, h: float, g_k: float, g_na: float) -> float:
    return g_k * n**4 * (v + 77.0) + g_na * m**3 * h * (v - 50.0) + 0.3 * (v + 54.387)


def _integrate(slope, y: list[float], t_end: float) -> np.ndarray:
    """The classical method of fourth order; states (T, S) every DT."""
    h, out = DT / PARTS, [y]
    for i in range(round(t_end / DT) * PARTS):
        t = i * h
        k1 = slope(t, y)
        k2 = slope(t + h / 2, [a + h / 2 * b for a, b in zip(y, k1, strict=True)])
        k3 = slope(t + h / 2, [a + h / 2 * b for a, b in zip(y, k2, strict=True)])
        k4 = slope(t + h, [a + h * b for a, b in zip(y, k3, strict=True)])
        y = [a + h / 6 * (p + 2 * q + 2 * r + s)
             for a, p, q, r, s in zip(y, k1, k2, k3, k4, strict=True)]  # fmt: skip
        if (i + 1) % PARTS == 0:
            out.append(y)
    return np.array(out)


@cache
def current_clamp(
    name="a", amplitude=10.0, t_end=16.0, g_k=36.0, g_na=120.0, noise=0.0, seed=0, cell=""
) -> ph.Recording:
    """The voltage of the squid axon under a step from 2 ms to the end, mV."""
    start, stop = 2.0, t_end - 3.0

    def slope(t, y):
        v, *gates = y
        i = amplitude if start <= t < stop else 0.0
        return [i - _ionic(v, *gates, g_k, g_na), *_gates(v, *gates)]

    y = _integrate(slope, [-65.0, 0.3176769, 0.0529325, 0.5961208], t_end)
    t = DT * np.arange(len(y))
    v = y[:, 0] + noise * np.random.default_rng(seed).standard_normal(len(t))
    protocol = ph.CurrentClamp.step(amplitude, start, stop, t_end)
    return ph.Recording(t, protocol, v=v, name=name, cell=cell)


@cache
def voltage_clamp(name="a", level=0.0, t_end=16.0, noise=0.0, seed=0, cell="", g_k=36.0):
    """The current of the squid axon at a step of voltage, µA/cm²; the jumps are masked."""
    start, stop, holding = 2.0, t_end - 4.0, -80.0

    def command(t):
        return level if start <= t < stop else holding

    y = _integrate(lambda t, y: list(_gates(command(t), *y)), [0.1644, 0.00834, 0.9064], t_end)
    t = DT * np.arange(len(y))
    current = np.array([_ionic(command(x), *s, g_k, 120.0) for x, s in zip(t, y, strict=True)])
    current += noise * np.random.default_rng(seed).standard_normal(len(t))
    protocol = ph.VoltageClamp.step(level, start, stop, t_end, holding)
    recording = ph.Recording(
        t, protocol, current=current, current_unit="uA/cm2", name=name, cell=cell
    )
    return recording.masked_after_steps(0.25)


def in_motion(**more) -> ph.Recording:
    """A recording that does not begin at rest."""
    return current_clamp(**more).window(4.0, 14.0)


def three_cells(noise: float = 0.0) -> list[ph.Recording]:
    """One recording of each of three cells that differ in two conductances."""
    values = (("a", 36.0, 120.0), ("b", 32.0, 125.0), ("c", 40.0, 112.0))
    return [
        current_clamp(f"sweep of {c}", 10.0, 12.0, g_k, g_na, noise, i, cell=c)
        for i, (c, g_k, g_na) in enumerate(values)
    ]
