"""The passive membrane of a cell from its sub-threshold responses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..recordings import Recording
from ..units import conductance_of

# Responses up to this size count as passive, mV; larger ones are used only if there is none.
SMALL = 12.0
# A trace that comes this near to 0 mV, or above it, holds a spike, mV.
SPIKE = -20.0
# Before the first spike this much is left out, ms.
BEFORE_SPIKE = 5.0
# Responses are taken from so long before to so long after each jump of the command, ms.
BEFORE_JUMP, AFTER_JUMP = 20.0, 100.0
# Commands that were measured are noisy, and their steps take a while: they are compared by means
# over so long, ms. Commands and responses below this part of the largest are nothing but noise.
STEP_WIDTH, STILL = 1.0, 0.1
TAUS = np.geomspace(0.3, 200.0, 400)
# For commands of other shapes the charge balance is averaged over blocks of so long, ms.
BLOCK = 2.0


@dataclass(frozen=True)
class Passive:
    """c dv/dt = i - g (v - e).

    `c` and `g` in the unit system of the recordings, `e` and `v_rest` in mV; `names` are those of
    the recordings that were used.
    """

    c: float
    g: float
    e: float
    v_rest: float
    names: tuple[str, ...]

    @property
    def tau(self) -> float:
        """Membrane time constant, ms."""
        return self.c / self.g

    @property
    def holding(self) -> float:
        """Current that keeps it at `v_rest`."""
        return self.g * (self.v_rest - self.e)


def passive_membrane(recordings: Sequence[Recording]) -> Passive:
    """Estimate capacitance, leak conductance and reversal potential of a current-clamped cell.

    Steps of current: resistance and time constant of the exponential responses. Commands of other
    shapes: least squares of the charge balance, c dv = i dt - g (v - e) dt.

    Parameters
    ----------
    recordings : sequence of Recording
        Of current clamp, with the current in one unit. Those whose response is small and without
        a spike are used; where there is none, what comes before the first spike of each.

    Returns
    -------
    Passive

    Raises
    ------
    InputError
        When no response is passive: the message says what was found.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.Neuron("cell", (ph.leak(0.1, -70.0),), c_m=1.0, v_rest=-70.0)
    >>> step = ph.CurrentClamp.step(0.5, start=20.0, stop=120.0, t_end=200.0)
    >>> sweep = ph.Recording.from_solution(ph.simulate(cell, step, backend="torch"))
    >>> found = passive_membrane([sweep])
    >>> round(found.c, 2), round(found.g, 3), round(found.e, 1)
    (1.0, 0.1, -70.0)
    """
    used = [r for r in (_quiet(r) for r in recordings) if r is not None]
    if not used:
        raise InputError(
            "recordings: every one spikes at once, so that the passive membrane cannot be "
            "estimated; add a recording of a small or hyperpolarising step, or give a model"
        )
    size = [float(np.ptp(_smooth(r.data))) for r in used]
    injected = [float(np.ptp(_smooth(r.command, _per_step(r)))) for r in used]
    least = STILL * max(injected), STILL * max(size)
    moved = [
        r
        for r, i, s in zip(used, injected, size, strict=True)
        if i > 0.0 and i >= least[0] and s > 0.0 and s >= least[1]
    ]
    # A window that ends within a step shows little of its response.
    moved = [r for r in moved if _responses(r)] or moved
    small = [r for r in moved if np.ptp(_smooth(r.data)) <= SMALL]
    chosen = small or sorted(moved, key=lambda r: float(np.ptp(_smooth(r.data))))[:1]
    if not chosen:
        raise InputError(
            "recordings: no current was injected below threshold, so that the capacitance cannot "
            "be estimated; add a recording of a small step, or give a model"
        )
    c, g = _by_steps(chosen) or _by_charge(chosen)
    if not (c > 0.0 and g > 0.0):
        unit = conductance_of(chosen[0].current_unit)
        raise InputError(
            f"recordings: the small responses do not determine a membrane (capacitance {c:.3g}, "
            f"conductance {g:.3g} {unit}): record small steps of current, or give a model; or "
            "check the sign and the units of v and the current"
        )
    rest = float(np.median([_resting(r) for r in used]))
    holding = float(np.median([float(r.command[0]) for r in used]))
    return Passive(c, g, rest - holding / g, rest, tuple(r.name for r in chosen))


def _quiet(recording: Recording) -> Recording | None:
    """The recording up to its first spike; None when hardly anything is before it."""
    above = np.nonzero(recording.data > SPIKE)[0]
    if not len(above):
        return recording
    end = float(recording.t[above[0]]) - BEFORE_SPIKE
    if end - float(recording.t[0]) < 4 * BEFORE_SPIKE:
        return None
    return recording.window(float(recording.t[0]), end)


def _per_step(recording: Recording) -> int:
    """Samples in `STEP_WIDTH`."""
    return max(1, round(STEP_WIDTH / float(np.median(np.diff(recording.t)))))


def _smooth(v: FloatArray, n: int = 9) -> FloatArray:
    """Running means, so that a range is not that of the noise."""
    return np.convolve(v, np.ones(n) / n, "valid") if len(v) > n else v


def _resting(recording: Recording) -> float:
    """v before the first change of the command, mV; of the whole when there is none."""
    moved = np.nonzero(np.diff(recording.command))[0]
    first = int(moved[0]) if len(moved) and moved[0] > 3 else len(recording)
    return float(np.median(recording.data[:first]))


def _means(x: FloatArray, block: int) -> FloatArray:
    """Means over consecutive blocks of the first axis; a rest shorter than a block is left out."""
    n = len(x) // block
    return x[: n * block].reshape(n, block, *x.shape[1:]).mean(axis=1)


def _by_steps(recordings: Sequence[Recording]) -> tuple[float, float] | None:
    """c and g from the exponential responses to jumps of the command; None without jumps.

    After a jump Δi, v = v_before + R Δi (1 - exp(-t/τ)). The asymptote of each response is free, τ
    is common; R is the slope of the asymptotes over Δi.
    """
    responses = [x for r in recordings for x in _responses(r)]
    if not responses:
        return None

    def fitted(tau: float) -> tuple[float, list[float]]:
        off, sizes = 0.0, []
        for t, dv, _ in responses:
            shape = 1.0 - np.exp(-t / tau)
            sizes.append(float(shape @ dv / (shape @ shape)))
            off += float(np.sum((dv - sizes[-1] * shape) ** 2))
        return off, sizes

    tau = min(TAUS, key=lambda tau: fitted(float(tau))[0])
    jumps = np.array([size for *_, size in responses])
    resistance = float(jumps @ np.array(fitted(float(tau))[1]) / (jumps @ jumps))
    return (float(tau) / resistance, 1.0 / resistance) if resistance != 0.0 else (-1.0, -1.0)


def _responses(
    recording: Recording,
) -> list[tuple[FloatArray, FloatArray, float]]:
    """Time after each jump, v less its mean before, and the size of the jump."""
    t, command, v = recording.t, recording.command, recording.data
    at, found = _jumps(recording), []
    for k, end in zip(at, [*at, len(t)][1:], strict=True):
        before = (t >= t[k] - BEFORE_JUMP) & (t < t[k])
        after = slice(k, min(int(end), int(np.searchsorted(t, t[k] + AFTER_JUMP))))
        if before.sum() > 3 and t[after][-1] - t[k] > BEFORE_JUMP:
            dv = v[after] - float(np.mean(v[before]))
            change = float(np.median(command[after]) - np.median(command[before]))
            found.append((t[after] - t[k], dv, change))
    return found


def _jumps(recording: Recording) -> list[int]:
    """Places of the first samples after large jumps of the command, noisy or filtered ones too.

    A jump is where the means over `STEP_WIDTH` on either side differ most.
    """
    command, n = recording.command, _per_step(recording)
    if len(command) < 2 * n:
        return []
    means = _smooth(command, n) if n > 1 else command
    change = np.abs(means[n:] - means[:-n])
    large = np.flatnonzero(change > 0.5 * max(float(np.ptp(means)), 1e-12))
    if not len(large):
        return []
    runs = np.split(large, np.flatnonzero(np.diff(large) > 1) + 1)
    return [int(run[np.argmax(change[run])]) + n for run in runs]


def _by_charge(recordings: Sequence[Recording]) -> tuple[float, float]:
    """c and g by least squares of the charge balance, for a command of any shape.

    ∫i dt = c (v - v(0)) + g ∫v dt - g e t is linear in c, g and g·e.
    """
    rows, right = [], []
    for k, r in enumerate(recordings):
        dt = np.diff(r.t)
        charge, area = (
            np.concatenate(([0.0], np.cumsum(0.5 * (x[1:] + x[:-1]) * dt)))
            for x in (r.command, r.data)
        )
        start = np.zeros((len(r), len(recordings)))
        start[:, k] = 1.0
        # Means over blocks keep the equation, and take out the noise of v beside it.
        block = max(1, round(BLOCK / float(np.median(dt))))
        rows.append(_means(np.column_stack([r.data, area, r.t[0] - r.t, start]), block))
        right.append(_means(charge, block))
    found = np.linalg.lstsq(np.concatenate(rows), np.concatenate(right), rcond=None)[0]
    return float(found[0]), float(found[1])
