"""A soma with a dendrite, integrated by SciPy: what a reduced cell is compared with."""

from __future__ import annotations

from math import exp

import numpy as np
from scipy.integrate import solve_ivp

import pyhodgkin as ph

SOMA = ph.library.get("squid_axon")
COUPLING, LEAK, LOAD = 2.0, 0.05, 0.5  # mS/cm², mS/cm², µF/cm²; of the area of the soma
COMPARTMENTS, REST = 5, -65.0


def noise(seed: int, t_end: float, mean: float = 6.0, sd: float = 12.0) -> ph.CurrentClamp:
    wave = ph.OrnsteinUhlenbeck(mean, sd, tau=4.0, dt=0.5, t_end=t_end, seed=seed)
    return ph.CurrentClamp(wave, t_end=t_end)


def _linoid(x: float) -> float:
    return x / (1.0 - exp(-x)) if abs(x) > 1e-7 else 1.0 + 0.5 * x


def _rates(v: float) -> tuple[tuple[float, float], ...]:
    """alpha and beta of m, h and n: Hodgkin & Huxley 1952, at rest at -65 mV."""
    return (
        (_linoid((v + 40.0) / 10.0), 4.0 * exp(-(v + 65.0) / 18.0)),
        (0.07 * exp(-(v + 65.0) / 20.0), 1.0 / (1.0 + exp(-(v + 35.0) / 10.0))),
        (0.1 * _linoid((v + 55.0) / 10.0), 0.125 * exp(-(v + 65.0) / 80.0)),
    )


def recorded(clamp: ph.CurrentClamp, active: float = 0.0, dt: float = 0.025) -> ph.Recording:
    """v of the soma; `active` (mS/cm²) is of an inward conductance in the first compartment."""
    g_na, g_k, g_l = (SOMA.channel(name).g for name in ("na", "k", "l"))
    e_na, e_k, e_l = (SOMA.channel(name).e for name in ("na", "k", "l"))
    t = np.arange(0.0, clamp.t_end + dt / 2, dt)
    knots = np.arange(0.0, clamp.t_end + 0.5, 0.5)
    drive = clamp(np.minimum(knots, clamp.t_end)).tolist()

    def slope(at: float, y: np.ndarray) -> list[float]:
        v, m, h, n, *dendrite, s = y.tolist()
        k = min(int(2.0 * at), len(drive) - 2)
        stimulus = drive[k] + (2.0 * at - k) * (drive[k + 1] - drive[k])
        ionic = g_na * m**3 * h * (v - e_na) + g_k * n**4 * (v - e_k) + g_l * (v - e_l)
        gates = [a * (1.0 - x) - b * x for (a, b), x in zip(_rates(v), (m, h, n), strict=True)]
        into, before = [], v
        for k, u in enumerate(dendrite):
            after = dendrite[k + 1] if k + 1 < COMPARTMENTS else u
            into.append((COUPLING * (before - 2.0 * u + after) - LEAK * (u - REST)) / LOAD)
            before = u
        u = dendrite[0]
        into[0] -= active * s * (u - 40.0) / LOAD
        opening = (1.0 / (1.0 + exp(-(u + 40.0) / 6.0)) - s) / 5.0
        return [stimulus - ionic + COUPLING * (u - v), *gates, *into, opening]

    y0 = [REST, *(a / (a + b) for a, b in _rates(REST)), *[REST] * COMPARTMENTS, 0.0]
    found = solve_ivp(slope, (0.0, t[-1]), y0, "LSODA", t, rtol=1e-7, atol=1e-8, max_step=0.5)
    return ph.Recording(t, clamp, v=found.y[0])
