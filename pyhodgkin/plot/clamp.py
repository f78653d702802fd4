"""What was measured, and what a model says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..recordings import Recording
from .style import INK, MEASURED, STIMULUS, color, label_lines, panels, shades, styled
from .traces import UNIT_TEXT, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..training.result import Prediction

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Sweep:
    """Plain arrays (T,) of one recording, and their units."""

    t: FloatArray
    command: FloatArray
    measured: FloatArray
    predicted: FloatArray
    unit: str
    command_unit: str

    @property
    def error(self) -> float:
        """Mean absolute error over all samples."""
        return float(np.mean(np.abs(self.predicted - self.measured)))


@styled
def clamp_fit(
    recordings: Recording | Prediction | Iterable[Recording | Prediction],
    predicted: ArrayLike | Sequence[ArrayLike] | None = None,
    *,
    start: int = 0,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Measured and predicted current (voltage clamp) or potential (current clamp).

    Parameters
    ----------
    recordings : Recording, or Prediction of a `FitResult`, or several
        All of one kind of clamp and one unit.
    predicted : array (T,), or one for each recording
        What the model says, at the times of each recording; a Prediction has its own.
    start : int
        Which start of a Prediction, for instance ``result.best``.
    title : str, optional
        By default the mean absolute error over all samples.
    axes : three Axes, optional
        Where to draw (command, what was observed, model minus measured); by default a new figure.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> t = np.arange(0.0, 100.0, 0.1)
    >>> protocol = ph.VoltageClamp.step(20.0, start=10.0, stop=60.0, t_end=100.0)
    >>> recording = ph.Recording(t, protocol, current=np.sin(t), current_unit="nA")
    >>> figure = ph.plot.clamp_fit(recording, np.sin(t) + 0.1)
    """
    sweeps = _sweeps(recordings, predicted, start)
    top, middle, bottom = panels(axes, [1, 3, 1], height=0.85)
    _, scale = time_axis(bottom, max((s.t for s in sweeps), key=lambda t: t[-1]))
    _command(top, sweeps, scale)
    lines = [color(0)] if len(sweeps) == 1 else shades(len(sweeps))
    for i, (sweep, line) in enumerate(zip(sweeps, lines, strict=True)):
        t, names = sweep.t * scale, (None, None) if i else ("measured", "model")
        middle.plot(t, sweep.measured, color=MEASURED, lw=1.0, label=names[0])
        middle.plot(t, sweep.predicted, color=line, lw=1.1, label=names[1])
        bottom.plot(t, sweep.predicted - sweep.measured, color=line, lw=0.6)
    _limits(middle, bottom, sweeps)
    unit = UNIT_TEXT.get(sweeps[0].unit, sweeps[0].unit)
    middle.set_ylabel(f"potential ({unit})" if unit == "mV" else f"current ({unit})")
    bottom.set_ylabel(f"difference\n({unit})")
    bottom.axhline(0.0, color=INK, lw=0.5)
    error = float(np.mean([sweep.error for sweep in sweeps]))
    top.set_title(title or f"mean absolute error {error:.3g} {unit}")
    label_lines(middle)
    for ax in (top, middle):
        ax.set_xlim(bottom.get_xlim())
    return top.figure  # type: ignore[return-value]


def _sweeps(recordings: Any, predicted: Any, start: int) -> list[Sweep]:
    single = not isinstance(recordings, Iterable)
    items: list[Any] = [recordings] if single else list(recordings)
    if predicted is None:
        models: list[Any] = [getattr(item, "predicted", None) for item in items]
        models = [None if m is None else np.atleast_2d(m)[start] for m in models]
    else:
        models = [predicted] if single else list(predicted)
    wanted = [len(item.t) for item in items]
    if not items or wanted != [0 if m is None else np.size(m) for m in models]:
        raise InputError("predicted: give one value for each sample of each recording")
    return [_sweep(item, np.asarray(m, float)) for item, m in zip(items, models, strict=True)]


def _sweep(item: Any, predicted: FloatArray) -> Sweep:
    measured = item.data if isinstance(item, Recording) else item.measured
    command_unit = item.protocol.unit if isinstance(item, Recording) else item.command_unit
    return Sweep(item.t, item.command, measured, predicted, item.unit, command_unit)


def _command(ax: Axes, sweeps: list[Sweep], scale: float) -> None:
    lines = [STIMULUS] if len(sweeps) == 1 else shades(len(sweeps))
    for sweep, line in zip(sweeps, lines, strict=True):
        ax.plot(sweep.t * scale, sweep.command, color=line, lw=1.1)
    unit = UNIT_TEXT.get(sweeps[0].command_unit, sweeps[0].command_unit)
    ax.set_ylabel(f"{'command' if unit == 'mV' else 'stimulus'}\n({unit})")
    ax.margins(y=0.15)


def _limits(middle: Axes, bottom: Axes, sweeps: list[Sweep]) -> None:
    """Limits by quantiles: capacitive spikes of a few samples must not set the scale."""
    seen = np.concatenate([s.measured for s in sweeps])
    model = np.concatenate([s.predicted for s in sweeps])
    spikes = sweeps[0].unit != "mV"  # under current clamp the spikes are what one looks at
    low, high = np.quantile(seen, (0.001, 0.999) if spikes else (0.0, 1.0))
    low, high = min(low, np.nanmin(model)), max(high, np.nanmax(model))
    margin = 0.06 * ((high - low) or 1.0)
    middle.set_ylim(low - margin, high + margin)
    bound = 1.15 * np.nanquantile(np.abs(model - seen), 0.995 if spikes else 1.0) or 1.0
    bottom.set_ylim(-bound, bound)
