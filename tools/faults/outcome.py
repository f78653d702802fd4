"""What became of a call with a fault in it, and how often."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pyhodgkin.errors import PlausibilityWarning, PyHodgkinError

LONGEST = 600  # characters of a message that can still be called one clear error
SLOW = 10.0  # s of the processor for one call

# What was tried, and the call.
Cases = Iterator[tuple[str, Callable[[], Any]]]


@dataclass
class Row:
    """One line of the table: a fault, how often it was tried, and what happened.

    Parameters
    ----------
    fault : str
    engine : str
    counts : Counter
        Of outcomes: ``"error"`` (one of the package's own), ``"status"`` (other than success),
        ``"finite"`` (a success with finite numbers), or words of one's own; those of a failure
        begin with ``"FAILED"``.
    failures : list of str
    """

    fault: str
    engine: str
    counts: Counter = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        return sum(self.counts.values())

    def tell(self, what: str, call: Callable[[], Any]) -> None:
        """Count how `call` ends; a hang is a failure too."""
        began = time.process_time()
        found = outcome(call)
        spent = time.process_time() - began
        if spent > SLOW and not found.startswith("FAILED"):
            found = f"FAILED: {spent:.0f} s of the processor"
        self.add(what, found)

    def add(self, what: str, found: str) -> None:
        """Count the outcome `found` of the case `what`."""
        if found.startswith("FAILED"):
            self.failures.append(f"{what}: {found}")
            found = "FAILED"
        self.counts[found] += 1

    def __str__(self) -> str:
        what = ", ".join(f"{n} {name}" for name, n in self.counts.most_common())
        return f"| {self.fault} | {self.engine} | {self.tried} | {what} |"


def outcome(call: Callable[[], Any]) -> str:
    """How `call` ended: in an error of the package, or with what its result says.

    A result may be a `Solution`, a `FitResult`, or a text that says the outcome itself.
    """
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        warnings.simplefilter("error", RuntimeWarning)
        try:
            found = call()
        except PyHodgkinError as error:
            text = str(error)
            if not text or len(text) > LONGEST or "\n" in text:
                return f"FAILED: an unclear message: {text[:200]!r}"
            return "error"
        except Exception as error:
            return f"FAILED: {type(error).__name__}: {str(error)[:200]}"
    if isinstance(found, str):
        return found
    how = of_solution(found) if hasattr(found, "y") else of_fit(found)
    told = any(issubclass(w.category, PlausibilityWarning) for w in warned)
    return "finite, with a warning" if told and how == "finite" else how


def of_solution(solution: Any) -> str:
    """Samples are finite up to where a status says that the solve ended."""
    good = np.atleast_1d(solution.success)
    y = solution.y if solution.y.ndim == 3 else solution.y[None]
    if not np.isfinite(y[good]).all():
        return "FAILED: a success with samples that are not finite"
    for element in y[~good]:
        reached = np.isfinite(element).all(axis=-1)
        if (np.diff(reached.astype(int)) > 0).any():
            return "FAILED: finite samples after the end of a solve"
    return "finite" if good.all() else "status"


def of_fit(result: Any) -> str:
    """Parameters are finite, and a score that is not goes with a status."""
    if not np.isfinite(result.theta).all():
        return "FAILED: parameters that are not finite"
    if result.status != 0:
        return "status"
    return "finite" if np.isfinite(result.scores).any() else "FAILED: a success without a score"


def rows_of(
    kinds: Iterable[tuple[str, Callable[[str], Cases]]], engine: str, every: int
) -> Iterator[Row]:
    """A row for each fault and its cases; of these every `every`-th."""
    for fault, cases in kinds:
        row = Row(fault, engine)
        for i, (what, call) in enumerate(cases(engine)):
            if i % every == 0:
                row.tell(what, call)
        yield row
