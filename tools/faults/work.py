"""A process that works until it is interrupted, and then checks that nothing is left behind.

    python work.py ENGINE

It reads names of work from standard input, one a line, and writes what happened: ``begin``, then
``stopped`` and how, then ``same`` where a simulation and a fit made right afterwards are those of
before, bit for bit.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import pyhodgkin as ph

CLAMP = ph.CurrentClamp.step(10.0, 2.0, 20.0, 25.0)


class Work:
    """What is interrupted, and what is computed to look for its traces."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        squid = ph.library.get("squid_axon")
        network = ph.Network.create((1, 8, 2), seed=1)
        self.squid = squid
        self.learned = squid.replace_gate("n", ph.NeuralKinetics("rates", network))
        trace = ph.simulate(squid, CLAMP, saveat=0.1, backend=engine)
        self.recording = ph.Recording.from_solution(trace)
        self.before = self.traces()

    def traces(self) -> list[np.ndarray]:
        """A batch and a short fit."""
        sets = {"na.g": np.linspace(100.0, 140.0, 20)}
        batch = ph.simulate(self.squid, CLAMP, parameters=sets, saveat=1.0, backend=self.engine)
        found = self._fit(ph.Stage("simulation", "adamw", steps=3))
        return [batch.y, found.theta, found.history["loss"]]

    def same(self) -> bool:
        """Whether they are still what they were."""
        now = self.traces()
        return all(np.array_equal(a, b) for a, b in zip(self.before, now, strict=True))

    def simulate(self) -> Any:
        """One cell for a long time."""
        clamp = ph.CurrentClamp.constant(10.0, 400_000.0)
        return ph.simulate(self.squid, clamp, saveat=1000.0, backend=self.engine)

    def batch(self) -> Any:
        """Many cells."""
        clamp = ph.CurrentClamp.constant(10.0, 500.0)
        sets = {"na.g": np.linspace(100.0, 140.0, 40_000)}
        return ph.simulate(
            self.squid, clamp, parameters=sets, saveat=[0.0, 500.0], backend=self.engine
        )

    def fit(self) -> Any:
        """Many short steps."""
        return self._fit(ph.Stage("simulation", "adamw", steps=100_000, lr=1e-4))

    def fit_default(self) -> Any:
        """The stages and searches of the default schedule, from several starts."""
        return self._fit(None, seeds=8)

    def spiking_network(self) -> Any:
        """A network of cells, which has an integrator of its own."""
        cells = ph.NeuronGroup(self.squid, 2000, current=10.0)
        return ph.simulate_network(ph.SpikingNetwork(groups={"cells": cells}), 20_000.0)

    def _fit(self, schedule: Any, **more: Any) -> Any:
        return ph.fit(
            self.learned, self.recording, schedule=schedule, backend=self.engine, progress=False,
            throw=False, **more,
        )  # fmt: skip


def ended(call: Callable[[], Any]) -> str:
    """How a piece of work ended."""
    try:
        found = call()
    except KeyboardInterrupt as stop:
        return f"stopped {type(stop).__name__}"
    except BaseException as error:
        return f"FAILED {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return kept(found)


def kept(found: Any) -> str:
    """Whether an interrupted fit has its best parameters."""
    if getattr(found, "status", 0) != ph.Status.INTERRUPTED:
        return "finished"
    if not np.isfinite(found.theta).all():
        return "FAILED parameters that are not finite"
    loss, stage = found.history["loss"], found.history["stage"]
    if not len(loss):
        return "stopped, before the first step"
    of_stage = loss[stage == stage[-1]]
    # Between two steps of a line search the last trial is not accepted yet.
    known = of_stage if len(found.settings["stages"]) == 1 else of_stage[:1]
    if found.scores.min() > np.nanmin(known) * (1.0 + 1e-9):
        return "FAILED: the best parameters were lost"
    return "stopped, the best parameters kept"


def main() -> None:
    """Answer the lines of standard input."""
    warnings.simplefilter("ignore")
    work = Work(sys.argv[1])
    print("ready", flush=True)
    while True:
        try:
            for line in sys.stdin:
                name = line.strip()
                print("begin", flush=True)
                print(ended(getattr(work, name)), flush=True)
                print("same" if work.same() else "different", flush=True)
            return
        except KeyboardInterrupt:  # after the work had ended
            print("late", flush=True)


if __name__ == "__main__":
    main()
