"""A progress bar on the error stream, for what takes longer than two seconds."""

from __future__ import annotations

import sys
import time
from typing import Any

DELAY = 2.0  # seconds


class Bar:
    """Shows the stage, the step and the best loss.

    Parameters
    ----------
    shown : bool, optional
        Default: only on a terminal.

    Examples
    --------
    >>> with Bar(shown=False) as bar:
    ...     bar.update("clamped adamw", 1, 10, "loss 0.1")
    """

    def __init__(self, shown: bool | None = None) -> None:
        self._shown = sys.stderr.isatty() if shown is None else shown
        self._began = time.monotonic()
        self._bar: Any = None
        self._task: Any = None
        self._label = ""

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def update(self, label: str, step: int, steps: int, note: str) -> None:
        """Say where training is."""
        if not self._shown or (self._bar is None and time.monotonic() - self._began < DELAY):
            return
        bar = self._bar = self._bar or _started()
        if label != self._label:
            self._label, self._task = label, bar.add_task(label, total=steps, note=note)
        bar.update(self._task, completed=step, total=steps, note=note)


def _started() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Elapsed())
    console = Console(stderr=True)
    bar = Progress(*columns, TextColumn("{task.fields[note]}"), console=console)
    bar.start()
    return bar
