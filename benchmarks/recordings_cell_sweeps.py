"""Cell A of learn_recordings.py: its sweeps, and which samples of them a fit sees."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

import pyhodgkin as ph
from pyhodgkin.protocols import CurrentClamp, Steps

SPIKE = -10.0  # mV


def sweeps(path: Path) -> tuple[list[ph.Recording], list[ph.Recording], float]:
    """Every second sweep, the others, and the resistance of the electrode (GΩ)."""
    with np.load(path) as file:
        v, i = file["V_q"] * float(file["scale"]), file["I_cmd_pA"].astype(float)
        dt = 1000.0 / float(file["fs_Hz"])
    resistance = _electrode(v[0::2], i[0::2])
    every = [
        _sweep(dt, row - resistance * current, current) for row, current in zip(v, i, strict=True)
    ]
    return every[0::2], every[1::2], resistance


def _electrode(v: np.ndarray, i: np.ndarray) -> float:
    """How v jumps with i, from straight lines over 2 ms before and 1 ms after each step."""
    jumps, steps = [], []
    for row, current in zip(v, i, strict=True):
        for k in np.flatnonzero(np.diff(current)) + 1:
            before = np.polyfit(np.arange(-40, 0), row[k - 40 : k], 1)[1]
            after = np.polyfit(np.arange(3, 23), row[k + 3 : k + 23], 1)[1]
            jumps.append(after - before)
            steps.append(current[k] - current[k - 1])
    return float(np.dot(jumps, steps) / np.dot(steps, steps))


def _sweep(dt: float, v: np.ndarray, i: np.ndarray) -> ph.Recording:
    """One sweep at 10 kHz, called by the current of its steps."""
    t = dt * np.arange(len(v))
    steps = np.flatnonzero(np.diff(i)) + 1
    clamp = CurrentClamp(Steps([0.0, *t[steps]], [i[0], *i[steps]]), float(t[-1]) + dt, unit="pA")
    level = f"{i[np.searchsorted(t, 400.0)]:.0f} pA"
    return ph.Recording(t[::2], clamp, v=v[::2], current_unit="pA", name=level)


def spikes(recording: ph.Recording) -> np.ndarray:
    """Times at which v rises through -10 mV."""
    v = recording.data
    return recording.t[1:][(v[1:] >= SPIKE) & (v[:-1] < SPIKE)]


def sampled(recording: ph.Recording, times: np.ndarray) -> ph.Recording:
    """The recording at `times`: means over up to 1 ms, shorter where `times` lie closer."""
    t, v = recording.t, recording.data
    dt = t[1] - t[0]
    gap = np.minimum(np.diff(times, prepend=times[0] - 1.0), np.diff(times, append=times[-1] + 1.0))
    half = np.clip(np.round(0.5 * gap / dt - 0.5), 0, 5).astype(int)
    at = np.minimum(np.round(times / dt).astype(int), len(t) - 1)
    first, last = np.maximum(at - half, 0), np.minimum(at + half, len(t) - 1)
    for step in np.searchsorted(t, recording.protocol.segments.breakpoints):
        across = (first < step) & (last >= step)
        first, last = np.where(across, at, first), np.where(across, at, last)
    total = np.concatenate([[0.0], np.cumsum(v)])
    mean = (total[last + 1] - total[first]) / (last + 1 - first)
    return replace(recording, t=times, v=mean, mask=np.ones(len(times), bool))


def around_spikes(
    recording: ph.Recording, fine: float, before: float, after: float
) -> ph.Recording:
    """Samples every ms, and every `fine` ms around spikes."""
    near = [
        fine * np.arange(np.floor((s - before) / fine), (s + after) / fine)
        for s in spikes(recording)
    ]
    grid = np.arange(0.0, recording.t[-1], 1.0)
    return sampled(recording, np.unique(np.round(np.concatenate([grid, *near]), 4)))


def around_steps(recording: ph.Recording) -> ph.Recording:
    """Samples every ms, and every 0.5 ms while it may spike; the first 2.3 s."""
    parts = [np.arange(0.0, 2300.0, 1.0)]
    edges = recording.protocol.segments.breakpoints
    for start, stop in pairwise(edges):
        if recording.protocol(np.array([start + 1.0]))[0] > 0 and len(spikes(recording)):
            parts.append(np.arange(np.floor(start), min(stop + 30.0, 2300.0), 0.5))
    return sampled(recording, np.unique(np.concatenate(parts)))
