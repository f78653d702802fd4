"""Measured and predicted currents under voltage clamp."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..recordings import Recording
from .style import INK, MEASURED, color, label_lines, panels, shades, styled
from .traces import UNIT_TEXT, stimulus, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@styled
def clamp_fit(
    recordings: Recording | Iterable[Recording],
    predicted: NDArray[np.float64] | Sequence[NDArray[np.float64]],
    *,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Measured and predicted current of one or several sweeps, and the command above them.

    Parameters
    ----------
    recordings : Recording or sequence of Recording
        Voltage-clamp recordings in one unit of current.
    predicted : array (T,) or sequence of such
        The current of the model at the times of each recording, in the same unit.
    title : str, optional
        By default the mean absolute error over all samples.
    axes : three Axes, optional
        Where to draw (command, current, difference); by default a new figure.
    """
    sweeps = [recordings] if isinstance(recordings, Recording) else list(recordings)
    rows = [predicted] if isinstance(recordings, Recording) else predicted
    models = [np.asarray(row, dtype=np.float64) for row in rows]
    measured = [np.asarray(s.current, dtype=np.float64) for s in sweeps if s.current is not None]
    if [len(m) for m in models] != [len(m) for m in measured]:
        raise InputError("predicted: give one current for each sample of each recording")
    command, current, rest = panels(axes, [1, 3, 1], height=0.85)
    longest = max((s.t for s in sweeps), key=lambda t: t[-1])
    _, scale = time_axis(rest, longest)
    stimulus(command, longest, [s.protocol for s in sweeps], scale)
    lines = [color(0)] if len(sweeps) == 1 else shades(len(sweeps))
    for i, (sweep, seen, model) in enumerate(zip(sweeps, measured, models, strict=True)):
        t = sweep.t * scale
        current.plot(t, seen, color=MEASURED, lw=0.8, label=None if i else "measured")
        current.plot(t, model, color=lines[i], lw=1.2, label=None if i else "model")
        rest.plot(t, model - seen, color=lines[i], lw=0.6)
    _limits(current, rest, measured, models)
    unit = UNIT_TEXT.get(sweeps[0].current_unit, sweeps[0].current_unit)
    current.set_ylabel(f"current ({unit})")
    rest.set_ylabel(f"model −\nmeasured ({unit})")
    rest.axhline(0.0, color=INK, lw=0.5)
    error = np.mean([np.mean(np.abs(m - s)) for m, s in zip(models, measured, strict=True)])
    command.set_title(title or f"mean absolute error {error:.3g} {unit}")
    label_lines(current)
    return command.figure  # type: ignore[return-value]


def _limits(current: Axes, rest: Axes, measured: list, models: list) -> None:
    """Limits by quantiles: capacitive spikes of a few samples must not set the scale."""
    seen, model = np.concatenate(measured), np.concatenate(models)
    low = min(np.quantile(seen, 0.001), np.min(model))
    high = max(np.quantile(seen, 0.999), np.max(model))
    margin = 0.06 * ((high - low) or 1.0)
    current.set_ylim(low - margin, high + margin)
    bound = 1.15 * np.quantile(np.abs(model - seen), 0.995) or 1.0
    rest.set_ylim(-bound, bound)
