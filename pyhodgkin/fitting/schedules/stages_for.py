"""The stages of the default schedules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...neuron.neuron import Neuron
from ..losses import Loss
from ..penalties import CurvePenalty
from ..stage import Stage

Schedule = tuple[Stage, ...]


def clamped(adamw: int, lbfgs: int) -> Schedule:
    """Networks need AdamW to leave a random start; a few physical parameters do not."""
    fine = Stage("clamped", "lbfgs", lbfgs)
    return (Stage("clamped", "adamw", adamw, lr=0.01), fine) if adamw else (fine,)


# A gradient is exact for the steps taken, so training can take longer steps than judging.
_LOOSE, _CLOSER = {"rtol": 1e-5, "atol": 1e-7}, {"rtol": 1e-6, "atol": 1e-8}
_CLOSE = 1e-6  # of the variance: for spikes of 100 mV, 0.03 mV
_CLOSEST = 2e-8  # 0.004 mV: at another current the spikes then come when they should

# Small currents between spikes decide when the next one comes; a square hardly sees them.
_SMALL = Loss("huber", delta=0.003)


CANDIDATES, CANDIDATES_ONE = 512, 48  # candidates for several gates, and for one
_FEW = 40  # unknowns for which Levenberg and Marquardt are ahead


def _last(count: int) -> Stage:
    """A few numbers are worth finding to the last digit."""
    if count <= _FEW:
        return Stage("simulation", "levenberg", 40, patience=8, options=_LOOSE)
    return Stage("simulation", "lbfgs", 150, lr=0.01, patience=30, options=_LOOSE)


def numbers(count: int) -> Schedule:
    return (*clamped(0, 100), Stage("clamped", "lbfgs", 250, loss=_SMALL), _last(count))


def observed_numbers(neuron: Neuron, count: int) -> Schedule:
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


def clamped_curves(weights: tuple[str, ...] | None) -> Schedule:
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


def last_curves(prior_weight: float, penalty: CurvePenalty | None = None) -> Stage:
    """Networks that are nearly right, simulated to the last digit."""
    return Stage("simulation", "levenberg", 40, prior_weight=prior_weight, patience=10,
                 penalty=penalty, target=_CLOSEST, options=_LOOSE)  # fmt: skip


def curves(weights: tuple[str, ...] | None, missing: bool, several: bool) -> Schedule:
    """From a start that is about right, by Levenberg and Marquardt.

    Networks of several gates learn first to close them all, so they start at simple gates.
    A missing current is small between spikes, where the absolute error sees it.
    """
    prior = 0.0 if weights is None else 1.0
    robust = Loss("huber", delta=0.02)
    fine = Stage("clamped", "levenberg", 40, loss=robust, prior_weight=1e-6 * prior)
    last = last_curves(1e-7 * prior)
    if missing:
        return replace(fine, steps=30, loss=_SMALL, multistart=128, trainable=weights), last
    if several:
        first = Stage("clamped", "lbfgs", 100, lr=0.1, loss=robust, multistart=CANDIDATES,
                      trainable=weights)  # fmt: skip
        return first, fine, last
    return clamped_curves(weights)[0], fine, replace(last, options=_CLOSER)


def noisy_curves(neuron: Neuron, ratio: float, weights: tuple[str, ...] | None) -> Schedule:
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
    return (*clamped_curves(weights), *observed, simulated(40, 0.0, patience=8))


def axial_current() -> Schedule:
    """A regression goes nearly all the way; what is left is what grows when v is simulated."""
    return (
        Stage("simulation", "levenberg", 4, multistart=1, patience=2, sampling="spiking",
              options=_LOOSE),
    )  # fmt: skip


def simulated_only() -> Schedule:
    stage = Stage("simulation", "adamw", 200, lr=0.01, target=_CLOSE, options=_LOOSE)
    return stage, replace(stage, optimizer="lbfgs", steps=300, patience=50)
