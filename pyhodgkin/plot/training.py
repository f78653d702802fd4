"""How a training run went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..numerics.arrays import FloatArray
from .style import INK, color, label_lines, line_of, panels, styled

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
        ``"loss"`` (N,) or, for K starts, (N, K), and where they are there ``"heldout"`` of the
        same shape, NaN where it was not computed, ``"step"`` (N,) and ``"stage"`` (N,), whose
        changes are marked by a line. Of several starts, the best is drawn strongly.
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
    loss = _columns(history["loss"])
    heldout = _columns(history.get("heldout", np.full(loss.shape, np.nan)))
    step = np.asarray(history.get("step", np.arange(len(loss))))
    best = _best(heldout if np.isfinite(heldout).any() else loss)
    for i in [i for i in range(loss.shape[1]) if i != best] + [best]:
        strong: dict[str, Any] = {"lw": 1.2} if i == best else {"lw": 0.6, "alpha": 0.4}
        names = ("training", "held out") if i == best else (None, None)
        ax.plot(step, loss[:, i], color=color(0), label=names[0], **strong)
        known = np.isfinite(heldout[:, i])
        if known.any():
            ax.plot(step[known], heldout[known, i], label=names[1], **line_of(1), **strong)
    if np.isfinite(heldout).any():
        at = int(np.nanargmin(heldout[:, best]))
        ax.plot(step[at], heldout[at, best], "o", color=color(1), ms=4, label="best")
    for start, name in _stages(history, step):
        if start > step[0]:
            ax.axvline(start, color=INK, lw=0.6, ls=(0, (2, 2)))
        ax.annotate(
            name,
            (start, 1.0),
            xytext=(0, 2),
            xycoords=ax.get_xaxis_transform(),
            textcoords="offset points",
            rotation=30,
            va="bottom",
            fontsize=7.5,
            alpha=0.7,
        )
    ax.set_yscale("log")
    ax.set_xlabel("step")
    ax.set_ylabel(ylabel)
    if np.isfinite(heldout).any():
        label_lines(ax)
    return ax.figure  # type: ignore[return-value]


def _columns(values: ArrayLike) -> FloatArray:
    """(N, K), NaN where a logarithm cannot show it."""
    array = np.asarray(values, dtype=np.float64)
    array = array[:, None] if array.ndim == 1 else array
    return np.where(np.isfinite(array) & (array > 0), array, np.nan)


def _best(values: FloatArray) -> int:
    """The column that holds the smallest value."""
    return int(np.nanargmin(values) % values.shape[1]) if np.isfinite(values).any() else 0


def _stages(history: Mapping[str, ArrayLike], step: np.ndarray) -> list[tuple[float, str]]:
    stage = np.asarray(history.get("stage", []))
    if stage.size != step.size or np.all(stage == stage[:1]):
        return []
    starts = [0, *(np.flatnonzero(stage[1:] != stage[:-1]) + 1)]
    return [(float(step[i]), str(stage[i])) for i in starts]
