"""How a training run went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .style import INK, color, label_lines, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def loss_history(
    history: Mapping[str, ArrayLike], *, ylabel: str = "loss", axes: Axes | None = None
) -> Figure:
    """Loss over the steps of training, on a logarithmic axis.

    Parameters
    ----------
    history : mapping of str to array
        ``"loss"`` (N,), and where they are there ``"heldout"`` (N,), NaN where it was not
        computed, ``"step"`` (N,) and ``"stage"`` (N,), whose changes are marked by a line.
    ylabel : str
        Name and unit of the loss.
    axes : Axes, optional
        Where to draw; by default a new figure.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> figure = ph.plot.loss_history({"loss": [3.0, 1.0, 0.4], "heldout": [3.2, 1.3, 0.9]})
    """
    if "loss" not in history or np.size(history["loss"]) == 0:
        raise InputError('history: there is no "loss" in it, or not one step')
    (ax,) = panels(axes, [1], width=5.6, height=2.8)
    loss = np.asarray(history["loss"], dtype=np.float64)
    step = np.asarray(history.get("step", np.arange(loss.size)))
    ax.plot(step, _drawable(loss), color=color(0), lw=1.0, label="training")
    heldout = np.asarray(history.get("heldout", np.full(loss.shape, np.nan)), dtype=np.float64)
    known = np.isfinite(heldout)
    if known.any():
        ax.plot(step[known], heldout[known], color=color(1), lw=1.3, label="held out")
        best = int(np.nanargmin(heldout))
        ax.plot(step[best], heldout[best], "o", color=color(1), ms=4, label="best")
    for start, name in _stages(history, step):
        if start > step[0]:
            ax.axvline(start, color=INK, lw=0.6, ls=(0, (2, 2)))
        ax.text(start, 1.0, f" {name}", transform=ax.get_xaxis_transform(), va="bottom", fontsize=8)
    ax.set_yscale("log")
    ax.set_xlabel("step")
    ax.set_ylabel(ylabel)
    if known.any():
        label_lines(ax)
    return ax.figure  # type: ignore[return-value]


def _drawable(loss: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(loss) & (loss > 0), loss, np.nan)


def _stages(history: Mapping[str, ArrayLike], step: np.ndarray) -> list[tuple[float, str]]:
    stage = np.asarray(history.get("stage", []))
    if stage.size != step.size or np.all(stage == stage[:1]):
        return []
    starts = [0, *(np.flatnonzero(stage[1:] != stage[:-1]) + 1)]
    return [(float(step[i]), str(stage[i])) for i in starts]
