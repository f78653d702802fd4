"""A progress bar for what takes longer than two seconds, with the time that is left.

On a terminal it is drawn on the error stream; in a notebook it is an output of the cell that
is renewed in place, which needs no extension.
"""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any, Protocol

from .notebooks import shell

DELAY = 2.0  # seconds
_EVERY = 0.25  # seconds between two pictures in a notebook


class Bar:
    """Shows the stage, the step, the time passed and left, and the best loss.

    Parameters
    ----------
    shown : bool, optional
        Default: only on a terminal and in a notebook.

    Examples
    --------
    >>> with Bar(shown=False) as bar:
    ...     bar.update("clamped adamw", 1, 10, "loss 0.1")
    """

    def __init__(self, shown: bool | None = None) -> None:
        notebook = shell() is not None
        self._shown = (notebook or sys.stderr.isatty()) if shown is None else shown
        self._make = NotebookBar if notebook else TerminalBar
        self._began = time.monotonic()
        self._bar: _Drawn | None = None

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
        if self._bar is None:
            self._bar = self._make()
        self._bar.update(label, step, steps, note)


class _Drawn(Protocol):
    def update(self, label: str, step: int, steps: int, note: str) -> None: ...

    def stop(self) -> None: ...


class TerminalBar:
    """A line for each stage, on the error stream."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed
        from rich.progress import TimeRemainingColumn as Left

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Elapsed())
        left = (TextColumn("left"), Left(), TextColumn("{task.fields[note]}"))
        # A notebook's terminal emulation is not asked for: rich would need an extension there.
        console = Console(stderr=True, force_jupyter=False)
        self._bar = Progress(*columns, *left, console=console)
        self._task: Any = None
        self._label = ""
        self._bar.start()

    def update(self, label: str, step: int, steps: int, note: str) -> None:
        """Draw it anew, on a line of its own for each `label`."""
        if label != self._label:
            self._label, self._task = label, self._bar.add_task(label, total=steps, note=note)
        self._bar.update(self._task, completed=step, total=steps, note=note)

    def stop(self) -> None:
        """Leave what was drawn."""
        self._bar.stop()


class NotebookBar:
    """A line for each stage, in the output of a cell."""

    def __init__(self) -> None:
        from IPython.display import display

        self._lines: dict[str, str] = {}
        self._began: dict[str, tuple[float, int]] = {}
        self._drawn = 0.0
        self._handle: Any = display(_Html(""), display_id=True)

    def update(self, label: str, step: int, steps: int, note: str) -> None:
        """Renew the line of `label`; a few times a second at most."""
        now = time.monotonic()
        began, first = self._began.setdefault(label, (now, step))
        left = left_of(now - began, step - first, steps - step)
        self._lines[label] = line_of(label, step, steps, now - began, left, note)
        if now - self._drawn >= _EVERY or step >= steps:
            self._draw(now)

    def stop(self) -> None:
        """Leave the last state."""
        self._draw(time.monotonic())

    def _draw(self, now: float) -> None:
        self._drawn = now
        self._handle.update(_Html("<br>".join(self._lines.values())))


class _Html:
    """HTML, and nothing for what cannot show it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_html_(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return ""


def left_of(seconds: float, done: int, remaining: int) -> float | None:
    """Seconds that `remaining` steps take, if `done` took `seconds`; None before the first.

    Examples
    --------
    >>> left_of(10.0, 5, 20)
    40.0
    """
    return seconds / done * remaining if done > 0 else None


def line_of(
    label: str, step: int, steps: int, seconds: float, left: float | None, note: str
) -> str:
    """One stage in a notebook.

    Examples
    --------
    >>> print(line_of("a & b", 5, 25, 10.0, 40.0, "loss 0.1"))
    a &amp; b <progress value="5" max="25"></progress> 5/25, 0:10, left 0:40, loss 0.1
    """
    rest = "" if left is None else f", left {clock(left)}"
    bar = f'<progress value="{step}" max="{steps}"></progress>'
    return f"{escape(label)} {bar} {step}/{steps}, {clock(seconds)}{rest}, {escape(note)}"


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any.

    Examples
    --------
    >>> clock(65.4), clock(3725.0)
    ('1:05', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
