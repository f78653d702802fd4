"""Which stages to go through, decided from what was observed and what is unknown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError, unknown
from ...neuron.channels import NeuralCurrent
from ...neuron.neuron import Neuron
from ...recordings import Recording
from ...results.errors import can_clamp
from ..initialize.multistart import learnable_gates
from ..losses import Loss, pooled_scale
from ..modes import MultipleShooting, Observer
from ..penalties import CurvePenalty
from ..stage import Stage
from .growing_windows import growing
from .long_recordings import coarse_to_fine
from .per_cell import shared
from .residual import is_residual, residual

Schedule = tuple[Stage, ...]


def choose(
    schedule: str | Sequence[Stage] | Stage | None,
    neuron: Neuron,
    recordings: Sequence[Recording],
    indices: NDArray[np.intp],
    given: Collection[str] = (),
    noise: Sequence[float] = (),
    own: Sequence[str] = (),
) -> tuple[Schedule, str]:
    """The stages of a fit, and one line that says which and why.

    Parameters
    ----------
    schedule : None, "auto", "multiple_shooting", Stage or sequence of Stage
    neuron : Neuron
    recordings : sequence of Recording
    indices : array of int
        Places of the trainable parameters.
    given : collection of str
        Which of ``trainable``, ``loss``, ``penalty`` and ``options`` the user chose; those hold
        in all stages.
    noise : sequence of float
        Of the measured v of each recording, mV.
    own : sequence of str
        Parameters that each cell has its own of.
    """
    if isinstance(schedule, Stage):
        schedule = (schedule,)
    if schedule is not None and not isinstance(schedule, str):
        stages = tuple(schedule)
        if not stages or not all(isinstance(stage, Stage) for stage in stages):
            raise InputError("schedule: give one Stage or more, or None for the automatic one")
        return stages, f"schedule given: {listing(stages)}"
    if schedule not in (None, "auto", "multiple_shooting"):
        raise unknown("schedule", schedule, ("auto", "multiple_shooting"))
    if schedule == "multiple_shooting":
        stages, reason = _in_windows(neuron, recordings, indices, noise)
    else:
        stages, reason = _automatic(neuron, recordings, indices, "trainable" in given, noise, own)
    more: dict[str, Any] = {name: None for name in given if name in ("loss", "penalty")}
    more |= {"options": {}} if "options" in given else {}
    stages = tuple(replace(stage, **more) for stage in stages)
    if schedule != "multiple_shooting":
        stages, told = coarse_to_fine(stages, recordings, noise)
        reason = f"{told}. {reason}" if told else reason
    return stages, f"{reason}: {listing(stages)}"


def listing(stages: Schedule) -> str:
    """The stages in one line."""
    return ", ".join(
        f"{stage.label} ({stage.steps}{_gain(stage)}"
        f"{'' if stage.horizon is None else f', {stage.horizon:.0f} ms'})"
        for stage in stages
    )


def _gain(stage: Stage) -> str:
    return f", gain {stage.mode.gain:g}" if isinstance(stage.mode, Observer) else ""


def _automatic(
    neuron: Neuron,
    recordings: Sequence[Recording],
    indices: NDArray[np.intp],
    trainable_given: bool,
    noise: Sequence[float],
    own: Sequence[str],
) -> tuple[Schedule, str]:
    if not can_clamp(neuron):
        return _simulated(), "no gates that a known voltage drives linearly, so it is simulated"
    groups = {e.group for e in neuron.layout if np.isin(e.start, indices)}
    if recordings[0].observed == "current":
        if any(map(is_residual, neuron.gates)) and not trainable_given:
            return residual(neuron), (
                "voltage clamp, networks on published rates: the gates are driven by the command, "
                "first these rates and g are fitted, then the networks on them and g"
            )
        stages = _clamped(300, 1000) if "networks" in groups else _clamped(0, 300)
        return stages, "voltage clamp: the gates are driven by the command"
    ratio = _noise_ratio(recordings, noise)
    said = f"current clamp, noise of v {_millivolts(noise)}"
    if "networks" not in groups:
        count = len(indices)
        if ratio > 0.0 or "capacitance" in groups:
            return _observed_numbers(neuron, count), (
                f"{said}, {count} numbers unknown: c_m dv/dt is uncertain, so it is simulated with "
                "an observer whose gain goes down, then without"
            )
        return _numbers(count), (
            f"{said}, {count} numbers unknown: first the gates are driven by v and the ionic "
            "current i_stim - c_m dv/dt is matched, then it is simulated"
        )
    weights = None
    if groups - {"networks"}:
        weights = tuple(
            e.name for e in neuron.layout if e.group == "networks" and np.isin(e.start, indices)
        )
        said += ", numbers unknown (held near their start)"
    gates = learnable_gates(neuron, indices)
    missing = any(x.name in gates for c in neuron.channels if isinstance(c, NeuralCurrent)
                  for x in c.gates)  # fmt: skip
    if ratio == 0.0 and own and gates and weights is not None:
        return shared(recordings, weights, own, _SEARCH if len(gates) > 1 else _SEARCH_ONE), (
            f"{said}, networks that cells share and numbers of each: simple gates are searched for "
            "the mean of the cells; the gates are driven by v and the ionic current is matched; "
            "each cell's numbers follow a growing part of its recordings, then all is simulated"
        )
    if ratio == 0.0:
        several = len(gates) > 1
        what = "a current" if missing else "several gates" if several else "networks"
        first = (
            "simple ones (rates that saturate) are searched from many random starts and networks "
            "set to the best"
            if missing or several
            else "they are kept small and smooth for a start"
        )
        return _curves(weights, missing, several), (
            f"{said}, {what} unknown: {first}; the gates are driven by v and the ionic current "
            "i_stim - c_m dv/dt is matched, then it is simulated"
        )
    return _noisy_curves(neuron, ratio, weights), (
        f"{said}, networks unknown: dv/dt is uncertain, so the gates are driven by the "
        "denoised v only for a start; then it is simulated with an observer whose gain goes down, "
        "networks kept as smooth as the noise asks for"
    )


def _in_windows(
    neuron: Neuron,
    recordings: Sequence[Recording],
    indices: NDArray[np.intp],
    noise: Sequence[float],
) -> tuple[Schedule, str]:
    networks = np.isin(indices, neuron.layout.select("networks")).any()
    straight = max(1e-6, _noise_ratio(recordings, noise)) if networks else 0.0
    stages = growing(recordings, straight)
    modes = (stage.mode for stage in stages[1:])
    lengths = ", ".join(f"{m.window:g}" for m in modes if isinstance(m, MultipleShooting))
    return stages, f"windows of {lengths} ms, which start at states that are trained too"


def _noise_ratio(recordings: Sequence[Recording], noise: Sequence[float]) -> float:
    """Mean of the variance of the noise over that of what was measured."""
    return float(np.mean(np.square(noise))) / pooled_scale(recordings) ** 2 if any(noise) else 0.0


def _millivolts(noise: Sequence[float]) -> str:
    if not any(noise):
        return "below 0.02 mV"
    low, high = min(noise), max(noise)
    return f"{high:.2g} mV" if high < 1.05 * low else f"{low:.2g} to {high:.2g} mV"


def _clamped(adamw: int, lbfgs: int) -> Schedule:
    """Networks need AdamW to leave a random start; a few physical parameters do not."""
    fine = Stage("clamped", "lbfgs", lbfgs)
    return (Stage("clamped", "adamw", adamw, lr=0.01), fine) if adamw else (fine,)


# A gradient is exact for the steps taken, so training can take longer steps than judging.
_LOOSE, _CLOSER = {"rtol": 1e-5, "atol": 1e-7}, {"rtol": 1e-6, "atol": 1e-8}
_CLOSE = 1e-6  # of the variance: for spikes of 100 mV, 0.03 mV
_CLOSEST = 2e-8  # 0.004 mV: at another current the spikes then come when they should

# Small currents between spikes decide when the next one comes; a square hardly sees them.
_SMALL = Loss("huber", delta=0.003)


_SEARCH, _SEARCH_ONE = 512, 48  # candidates for several gates, and for one
_FEW = 40  # unknowns for which Levenberg and Marquardt are ahead


def _last(count: int) -> Stage:
    """A few numbers are worth finding to the last digit."""
    if count <= _FEW:
        return Stage("simulation", "levenberg", 40, patience=8, options=_LOOSE)
    return Stage("simulation", "lbfgs", 150, lr=0.01, patience=30, options=_LOOSE)


def _numbers(count: int) -> Schedule:
    return (*_clamped(0, 100), Stage("clamped", "lbfgs", 250, loss=_SMALL), _last(count))


def _observed_numbers(neuron: Neuron, count: int) -> Schedule:
    few = count <= _FEW
    observed = Stage(
        "observer",
        "levenberg" if few else "lbfgs",
        15 if few else 80,
        lr=0.01,
        gain=1.0,
        patience=4 if few else 20,
        options=_LOOSE,
    )
    gains = (3.0 * neuron.c_m, 0.3 * neuron.c_m)
    return (*(replace(observed, gain=gain) for gain in gains), _last(count))


def _clamped_curves(weights: tuple[str, ...] | None) -> Schedule:
    """Networks from a random start; at first they are drawn to zero and to straight lines.

    An output of zero is a time constant in the middle of its range. Without that penalty some
    starts end in a gate that follows v at once, a minimum with half of the variance left.
    Numbers would make up for networks that are not trained yet: only `weights` move.
    """
    stage = Stage("clamped", "lbfgs", 250, trainable=weights, patience=40)
    robust = Loss("huber", delta=0.01)
    return (
        replace(stage, loss=robust, penalty=CurvePenalty(1e-4, 1e-4)),
        replace(stage, steps=150, penalty=CurvePenalty(1e-5, 1e-4)),
    )


def _curves(weights: tuple[str, ...] | None, missing: bool, several: bool) -> Schedule:
    """From a start that is about right, by Levenberg and Marquardt.

    Networks of several gates learn first to close them all, so they start at simple gates.
    A missing current is small between spikes, where the absolute error sees it.
    """
    prior = 0.0 if weights is None else 1.0
    robust = Loss("huber", delta=0.02)
    fine = Stage("clamped", "levenberg", 40, loss=robust, prior_weight=1e-6 * prior)
    last = Stage("simulation", "levenberg", 40, prior_weight=1e-7 * prior, patience=10,
                 target=_CLOSEST, options=_LOOSE)  # fmt: skip
    if missing:
        return replace(fine, steps=30, loss=_SMALL, multistart=128, trainable=weights), last
    if several:
        first = Stage("clamped", "lbfgs", 100, lr=0.1, loss=robust, multistart=_SEARCH,
                      trainable=weights)  # fmt: skip
        return first, fine, last
    return _clamped_curves(weights)[0], fine, replace(last, options=_CLOSER)


def _noisy_curves(neuron: Neuron, ratio: float, weights: tuple[str, ...] | None) -> Schedule:
    """As smooth as is likely, and the numbers near where they were, by the noise of the data."""

    def simulated(steps: int, strength: float, **more: Any) -> Stage:
        # An observer makes more of what v is off, of its noise too.
        size = ratio * (1.0 + strength) ** 2
        penalty, prior = CurvePenalty(curvature=size), 0.0 if weights is None else size
        return Stage(steps=steps, optimizer="levenberg", penalty=penalty, prior_weight=prior,
                     options=_LOOSE, **more)  # fmt: skip

    observed = (
        simulated(10, gain, mode="observer", gain=gain * neuron.c_m, patience=3,
                  min_improvement=0.03)
        for gain in (3.0, 1.0, 0.3)
    )  # fmt: skip
    return (*_clamped_curves(weights), *observed, simulated(40, 0.0, patience=8))


def _simulated() -> Schedule:
    stage = Stage("simulation", "adamw", 200, lr=0.01, target=_CLOSE, options=_LOOSE)
    return stage, replace(stage, optimizer="lbfgs", steps=300, patience=50)
