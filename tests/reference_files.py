"""Stand-ins for the reference data, made where they are not at hand: same names, units and shapes.

Traces of the squid axon are solved here from the plain equations; the recordings are synthetic
ones of the same protocols, with noise of the size that the real ones have.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp

# Pulses of current (delay in ms, duration in ms, amplitude in µA/cm²) and temperature (°C).
RUNS: dict[str, tuple[list[tuple[float, float, float]], float]] = {
    **{f"step{a:g}": ([(5, 90, a)], 6.3) for a in (2, 5, 6.2, 6.5, 7, 10, 20, 50)},
    "brief20": ([(5, 0.5, 20)], 6.3),
    "brief100": ([(5, 0.2, 100)], 6.3),
    "rebound": ([(10, 20, -5)], 6.3),
    "warm18p5": ([(5, 90, 10)], 18.5),
    "train": ([(5 + 12 * k, 1, 30) for k in range(7)], 6.3),
}
WITH_GATES = ("step10", "rebound")
# Gaussian noise whose mean absolute value is 0.0153 nA.
HERG_NOISE = 0.0153 * np.sqrt(np.pi / 2)


def make(folder: Path) -> Path:
    """Write all files of reference data into `folder`."""
    _squid(folder)
    _published_spikes(folder)
    _herg(folder)
    _current_steps(folder)
    return folder


# -- the squid axon (Hodgkin & Huxley 1952, doi 10.1113/jphysiol.1952.sp004764) ----------------


def _linoid(x: float) -> float:
    return 1.0 + x / 2 if abs(x) < 1e-7 else x / -np.expm1(-x)


def _rates(v: float) -> list[tuple[float, float]]:
    n = 0.1 * _linoid((v + 55) / 10), 0.125 * np.exp(-(v + 65) / 80)
    m = _linoid((v + 40) / 10), 4 * np.exp(-(v + 65) / 18)
    h = 0.07 * np.exp(-(v + 65) / 20), 1 / (1 + np.exp(-(v + 35) / 10))
    return [n, m, h]


def _squid_run(pulses, celsius, t, e_l=-54.3):
    """States (T, 4): v, n, m, h, and the upward crossings of 0 mV, ms."""
    speed = 3.0 ** ((celsius - 6.3) / 10)

    def f(_, y, i):
        v, n, m, h = y
        ionic = 36 * n**4 * (v + 77) + 120 * m**3 * h * (v - 50) + 0.3 * (v - e_l)
        pairs = zip(_rates(v), y[1:], strict=True)
        return [i - ionic, *(speed * (a * (1 - x) - b * x) for (a, b), x in pairs)]

    crossing = lambda _, y, i: y[0]  # noqa: E731
    crossing.direction = 1  # type: ignore[attr-defined]
    y = np.array([-65.0, *(a / (a + b) for a, b in _rates(-65.0))])
    edges = sorted({0.0, t[-1], *(x for d, w, _ in pulses for x in (d, d + w))})
    states, spikes = np.empty((len(t), 4)), []
    for start, end in itertools.pairwise(edges):
        i = sum(a for d, w, a in pulses if d <= start < d + w)
        kept = {"dense_output": True, "events": crossing, "max_step": 1.0, "args": (i,)}
        piece = solve_ivp(f, (start, end), y, "DOP853", rtol=1e-10, atol=1e-12, **kept)
        inside = (t >= start) & (t <= end)
        if inside.any():
            states[inside] = piece.sol(t[inside]).T
        spikes += [float(x) for x in piece.t_events[0]]
        y = piece.y[:, -1]
    return states, spikes


def _squid(folder: Path) -> None:
    t = np.linspace(0.0, 100.0, 2001)
    arrays, runs = {"t_ms": t}, {}
    for name, (pulses, celsius) in RUNS.items():
        states, spikes = _squid_run(pulses, celsius, t)
        arrays[f"{name}_V"] = states[:, 0]
        if name in WITH_GATES:
            arrays |= {f"{name}_{g}": states[:, k] for k, g in enumerate("nmh", 1)}
        runs[name] = {
            "pulses_delay_dur_uA_cm2": pulses,
            "celsius": celsius,
            "spike_times_0mV_ms": spikes,
        }
    np.savez(folder / "hh1952_reference.npz", **arrays)
    (folder / "hh1952_reference.json").write_text(json.dumps({"runs": runs}), "utf-8")


def _published_spikes(folder: Path) -> None:
    """The two protocols of the Open Source Brain's tutorial."""
    tutorial = [(100.0, 100.0, 10.0), (300.0, 100.0, 35.0)]
    data = {
        "OSB_hh_tutorial": _squid_run(tutorial, 6.3, np.array([0.0, 420.0]), -54.387)[1],
        "OSB_single_AP": _squid_run([(5.0, 25.0, 5.0)], 6.3, np.array([0.0, 40.0]), -54.387)[1],
    }
    text = json.dumps({name: {"exact_ms": spikes} for name, spikes in data.items()})
    (folder / "osb_spike_times.json").write_text(text, "utf-8")


# -- a hERG channel under the protocols of Beattie et al. 2018, doi 10.1113/JP275733 ----------


def _steps(n: int, starts, levels) -> np.ndarray:
    return np.asarray(levels, dtype=float)[np.searchsorted(starts, np.arange(n), "right") - 1]


def _herg_current(v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Current, nA, of commands `v` (K, T), mV, every 0.1 ms, with noise and capacitive spikes."""
    a = 1.760e-4 * np.exp(0.064527 * v), 7.731e-5 * np.exp(-0.048587 * v)
    r = 3.8725e-3 * np.exp(-0.035478 * v), 0.108202 * np.exp(0.014453 * v)
    gates = []
    for opening, closing in (a, r):
        x_inf, decay = opening / (opening + closing), np.exp(-0.1 * (opening + closing))
        x = np.empty_like(v)
        x[:, 0] = x_inf[:, 0]
        for k in range(1, v.shape[1]):
            before = x_inf[:, k - 1]
            x[:, k] = before + (x[:, k - 1] - before) * decay[:, k - 1]
        gates.append(x)
    current = 0.13043 * gates[0] * gates[1] * (v + 88.4)
    for row, k in zip(*np.nonzero(np.abs(np.diff(v, axis=1)) > 5.0), strict=True):
        late = np.arange(min(50, v.shape[1] - k - 1))
        sign = np.sign(v[row, k + 1] - v[row, k])
        current[row, k + 1 : k + 1 + len(late)] += 3.0 * sign * np.exp(-late / 0.7)
    return current + HERG_NOISE * rng.standard_normal(v.shape)


def _herg(folder: Path) -> None:
    rng = np.random.default_rng(0)
    starts = [0, 2501, 3001, 5001, 15001, 20001, 30001, 65001, 70001]
    sine = _steps(80_000, starts, [-80, -120, -80, 40, -120, -80, -30, -120, -80])
    t = 0.1 * np.arange(80_000) - 0.1
    waves = [(54, 0.007), (26, 0.037), (10, 0.19)]
    inside = slice(30_001, 65_001)
    sine[inside] += sum(a * np.sin(w * (t[inside] - 2500.0)) for a, w in waves)
    edges = [0, 3791, 4291, 6291, 56291, 66291, 71291]
    levels = [[-80, -120, -80, v, -40, -120, -80] for v in range(-60, 61, 20)]
    pr3 = np.array([_steps(82_580, edges, row) for row in levels])
    arrays = {"dt_ms": 0.1, "V_sine_mV": sine, "V_pr3_mV": pr3}
    arrays["I_sine_nA"] = _herg_current(sine[None], rng)[0]
    arrays["I_pr3_nA"] = _herg_current(pr3, rng)
    single = {name: np.asarray(x, dtype=np.float32) for name, x in arrays.items()}
    np.savez(folder / "herg_cell1.npz", **single)


# -- a cell under steps of current --------------------------------------------------------------


def _current_steps(folder: Path) -> None:
    """A passive cell of 20 ms and 0.2 GΩ; 17 sweeps of 150 ms in a 16-bit converter's steps."""
    rng = np.random.default_rng(1)
    edges = [0, 147, 647, 1147, 1647, 2147]
    amplitudes = np.arange(-100.0, 301.0, 25.0)
    command = np.array([_steps(3000, edges, [0, a, 0, -100, a, 0]) for a in amplitudes])
    v, decay = np.full(command.shape, -62.0), np.exp(-0.05 / 20.0)
    for k in range(1, v.shape[1]):
        steady = -62.0 + 0.2 * command[:, k - 1]
        v[:, k] = steady + (v[:, k - 1] - steady) * decay
    v += 0.1 * rng.standard_normal(v.shape)
    np.savez(
        folder / "pyabf_cellA_ic_steps.npz",
        fs_Hz=20_000,
        scale=0.01,
        V_q=np.round(v / 0.01).astype(np.int16),
        I_cmd_pA=command.astype(np.float32),
    )
