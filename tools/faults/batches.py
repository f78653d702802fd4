"""A solver that fails for one element of a large batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import pyhodgkin as ph
from pyhodgkin.errors import SolveError

from .cells import LIBRARY, protocol_of
from .outcome import Row

BAD = {  # what makes one element fail
    "a capacitance of 1e-310": 1e-310,
    "too few steps": None,
}


def rows(engine: str, every: int = 1) -> Iterator[Row]:
    """One of 1,000 elements (of 60 for a sample) fails, wherever it stands."""
    count = 1000 if every == 1 else 60
    for fault in BAD:
        row = Row(f"one element of {count:,} fails: {fault}", engine)
        for name in ("squid_axon", "hodgkinmodel_jl"):
            for solver in ("rodas5p", "tsit5"):
                for at in (0, count // 2 + 1, count - 1):
                    case = Case(engine, name, solver, count, at, fault)
                    row.tell(f"{name} {solver} element {at}", case.run)
        yield row


class Case:
    """One batch with a bad element, and the batch without it."""

    def __init__(
        self, engine: str, name: str, solver: str, count: int, at: int, fault: str
    ) -> None:
        self.cell, self.at, self.count = LIBRARY[name], at, count
        self.protocol = protocol_of(self.cell)
        self.given: dict[str, Any] = {
            "saveat": 0.5, "backend": engine, "solver": solver, "max_steps": 20_000,
        }  # fmt: skip
        self.theta = np.tile(self.cell.theta, (count, 1))
        self.theta[:, self.cell.layout["na.g"].start] *= np.linspace(0.9, 1.1, count)
        self.fault = fault

    def protocols(self, theta: np.ndarray) -> Any:
        """That of all, or of one that needs too many steps."""
        if self.fault.startswith("a cap"):
            theta[self.at, self.cell.layout["c_m"].start] = BAD[self.fault]
        else:
            busy = ph.CurrentClamp.sine(400.0, 1e6, self.protocol.t_end)
            many = [self.protocol] * self.count
            many[self.at] = busy
            return many
        return self.protocol

    def run(self) -> str:
        """Whether the others are as without it, and the error names the element."""
        rest = np.delete(self.theta, self.at, axis=0)
        alone = ph.simulate(self.cell, self.protocol, theta=rest, **self.given)
        bad = self.theta.copy()
        protocols = self.protocols(bad)
        if self.fault == "too few steps":
            self.given["max_steps"] = int(
                (alone.stats["n_steps"] + alone.stats["n_rejected"]).max()
            )
            self.given["max_steps"] += 50
        found = ph.simulate(self.cell, protocols, theta=bad, throw=False, **self.given)
        failed = np.flatnonzero(~found.success)
        if failed.tolist() != [self.at]:
            return f"FAILED: elements {failed[:5]} have failed"
        others = np.delete(found.y, self.at, axis=0)
        if not np.array_equal(others, alone.y):
            return f"FAILED: others differ by {np.abs(others - alone.y).max():.2g}"
        try:
            ph.simulate(self.cell, protocols, theta=bad, **self.given)
        except SolveError as error:
            if f"element {self.at}:" in str(error):
                return "status that names it, others bit for bit"
            return f"FAILED: not named: {error}"
        return "FAILED: no error with throw=True"
