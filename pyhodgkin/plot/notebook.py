"""Figures in a notebook: each is shown once, and matplotlib's own settings stay as they are.

pyplot would choose a backend and turn its interactive mode on when it is first imported, and
shows a figure that a cell returns a second time. So in a notebook whose backend only makes
pictures, figures are made without pyplot: one that a cell returns is shown in its place, any
other at the end of the cell.
"""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from ..notebooks import shell

_pending: list[Figure] = []
_registered_in: Any = None


class NotebookFigure(Figure):
    """A figure that pyplot does not know, and a notebook shows as a picture."""

    def _ipython_display_(self) -> None:
        """It is being shown: not again at the end of the cell. The picture is made as ever."""
        forget(self)
        raise NotImplementedError

    def _repr_png_(self) -> bytes:
        """For where matplotlib has not been set up for the notebook yet."""
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=self.dpi, bbox_inches="tight")
        return buffer.getvalue()


def wanted() -> bool:
    """Whether figures are made without pyplot: in a notebook, unless a window was asked for."""
    if shell() is None:
        return False
    if "matplotlib.pyplot" not in sys.modules:
        return True
    backend = str(dict.__getitem__(matplotlib.rcParams, "backend")).lower()  # does not choose one
    return "inline" in backend or backend == "agg" or "object" in backend


def figure(**options: Any) -> Figure:
    """A new figure, shown at the end of the cell where nothing shows it before."""
    global _registered_in
    notebook, new = shell(), NotebookFigure(**options)
    if notebook is not None:
        if _registered_in is not notebook:
            notebook.events.register("post_execute", show_pending)
            _registered_in = notebook
        _pending.append(new)
    return new


def forget(figure: Figure) -> None:
    """Do not show it at the end of the cell."""
    _pending[:] = [other for other in _pending if other is not figure]


def show_pending() -> None:
    """Show what the cell drew and did not return."""
    from IPython.display import display

    for each in list(_pending):
        display(each)
    _pending.clear()
