"""What was measured, and what a model says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..recordings import Recording
from ..units import written
from .commands import label_command, time_axis
from .families import FEW, Family, color_bar, family_of, on_one_axis
from .style import (
    INK,
    MEASURED,
    STIMULUS,
    label_lines,
    number,
    panels,
    quantity,
    shade_uncounted,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..results.fit_result import Prediction


@dataclass(frozen=True)
class Sweep:
    """Plain arrays (T,) of one recording, and their units."""

    t: FloatArray
    command: FloatArray
    measured: FloatArray
    predicted: FloatArray
    mask: NDArray[np.bool_]
    unit: str
    command_unit: str

    def error(self, masked: bool) -> float:
        """Mean absolute error over all samples, or over those that the mask keeps."""
        off = np.abs(self.predicted - self.measured)
        return float(np.mean(off[self.mask] if masked else off)) if off.size else float("nan")


@styled
def clamp_fit(
    recordings: Recording | Prediction | Iterable[Recording | Prediction],
    predicted: ArrayLike | Sequence[ArrayLike] | None = None,
    *,
    start: int = 0,
    most: int | None = None,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Measured and predicted current (voltage clamp) or potential (current clamp).

    The command stands above, what the model says less what was measured below. Samples that the
    masks of all recordings leave out are shaded. Recordings of both clamps are drawn side by side,
    potentials on the left.

    Parameters
    ----------
    recordings : Recording, or Prediction of a `FitResult`, or several
        The currents in one unit.
    predicted : array (T,), or one for each recording
        What the model says, at the times of each recording; a Prediction has its own.
    start : int
        Which start of a Prediction, for instance ``result.best``.
    most : int, optional
        Draw so many, evenly chosen from first to last; the error is that of all of them. Of both
        clamps, so many of each.
    title : str, optional
        By default the mean absolute error over all samples, as in the tables of a fit ("MAE"),
        averaged over the recordings; where a mask leaves samples out, that over the others too.
    axes : three Axes, optional
        Where to draw (command, what was observed, model minus measured); by default a new figure.
        Of both clamps six, row by row.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> t = np.arange(0.0, 100.0, 0.1)
    >>> protocol = ph.VoltageClamp.step(20.0, start=10.0, stop=60.0, t_end=100.0)
    >>> recording = ph.Recording(t, protocol, current=np.sin(t), current_unit="nA")
    >>> figure = ph.plot.clamp_fit(recording, np.sin(t) + 0.1)
    """
    sweeps = _sweeps(recordings, predicted, start)
    units = sorted({s.unit for s in sweeps}, key=lambda unit: unit != "mV")
    if len(units) > 2 or (len(units) == 2 and units[0] != "mV"):
        raise InputError(
            f"recordings: currents in {' and '.join(map(written, units))}; draw those of each unit "
            "by themselves"
        )
    wide = {} if len(units) == 1 else {"columns": 2, "width": 10.0}
    grid = panels(axes, [1, 3, 1], height=0.85, **wide)
    for column, unit in enumerate(units):
        mine = [s for s in sweeps if s.unit == unit]
        _draw(mine, most, title, grid[column :: len(units)])
    return grid[0].figure  # type: ignore[return-value]


def _draw(every: list[Sweep], most: int | None, title: str | None, axes: Sequence[Axes]) -> None:
    """Sweeps of one unit in three axes."""
    shown = len(every) if most is None else min(max(int(most), 1), len(every))
    sweeps = [every[i] for i in np.linspace(0, len(every) - 1, shown).round().astype(int)]
    family = _family(sweeps)
    top, middle, bottom = axes
    _, scale = time_axis(bottom, max((s.t for s in sweeps), key=lambda t: t[-1]))
    _command(top, sweeps, family, scale)
    for i, (sweep, line) in enumerate(zip(sweeps, family.colors, strict=True)):
        t = sweep.t * scale
        name = None if i else "measured"  # behind the model of any sweep
        middle.plot(t, sweep.measured, color=MEASURED, lw=1.8, label=name, zorder=1.5)
        middle.plot(t, sweep.predicted, color=line, lw=1.1, label=_model(family, i))
        bottom.plot(t, sweep.predicted - sweep.measured, color=line, lw=0.6)
    if all(np.array_equal(s.mask, sweeps[0].mask) for s in sweeps):
        for ax in (middle, bottom):
            shade_uncounted(ax, sweeps[0].t * scale, sweeps[0].mask)
    _limits(middle, bottom, sweeps)
    middle.set_ylabel(quantity(sweeps[0].unit))
    bottom.set_ylabel(f"difference\n({written(sweeps[0].unit)})")
    bottom.axhline(0.0, color=INK, lw=0.5)
    text = f"; {len(sweeps)} of {len(every)} drawn" if len(sweeps) < len(every) else ""
    top.set_title(title or _errors(every) + text)
    label_lines(middle)
    if len(family) > FEW:
        color_bar(middle, family, height=0.62)
    for ax in (top, middle):
        ax.set_xlim(bottom.get_xlim())


def _errors(sweeps: list[Sweep]) -> str:
    """The mean over the recordings, to as many digits as the tables have."""
    unit = written(sweeps[0].unit)
    error = float(np.mean([sweep.error(masked=False) for sweep in sweeps]))
    if np.isnan(error):
        failed = sum(bool(np.isnan(sweep.predicted).any()) for sweep in sweeps)
        return f"no error: the solve failed for {failed} of {len(sweeps)}"
    text = f"mean absolute error {number(error)} {unit}"
    if all(sweep.mask.all() for sweep in sweeps):
        return text
    masked = float(np.mean([sweep.error(masked=True) for sweep in sweeps]))
    return f"{text}, masked {number(masked)} {unit}"


def _family(sweeps: list[Sweep]) -> Family:
    commands = on_one_axis([s.t for s in sweeps], [s.command for s in sweeps])
    unit = sweeps[0].command_unit
    kind = "voltage" if unit == "mV" else "current"
    return family_of(commands, unit, kind, element="recording", first=1)


def _model(family: Family, i: int) -> str | None:
    """The name of a line of the model in the legend."""
    if len(family) == 1:
        return "model"
    if len(family) > FEW:
        return None if i else "model (colours)"
    if family.names[i] in family.names[:i]:
        return None
    name = family.names[i] if family.unit else f"{family.what} {family.names[i]}"
    return f"model, {name}"


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
    return Sweep(item.t, item.command, measured, predicted, item.mask, item.unit, command_unit)


def _command(ax: Axes, sweeps: list[Sweep], family: Family, scale: float) -> None:
    lines = [STIMULUS] if len(sweeps) == 1 else family.colors
    for sweep, line in zip(sweeps, lines, strict=True):
        ax.plot(sweep.t * scale, sweep.command, color=line, lw=1.1)
    label_command(ax, sweeps[0].command_unit)


def _limits(middle: Axes, bottom: Axes, sweeps: list[Sweep]) -> None:
    """Limits by quantiles: capacitive spikes of a few samples must not set the scale."""
    seen = np.concatenate([s.measured for s in sweeps])
    model = np.concatenate([s.predicted for s in sweeps])
    spikes = sweeps[0].unit != "mV"  # under current clamp the spikes are what one looks at
    low, high = np.nanquantile(seen, (0.001, 0.999) if spikes else (0.0, 1.0))
    known = model[np.isfinite(model)]
    low, high = known.min(initial=low), known.max(initial=high)
    margin = 0.06 * ((high - low) or 1.0)
    middle.set_ylim(low - margin, high + margin)
    off = np.abs(model - seen)
    off = off[np.isfinite(off)]
    bound = (1.15 * np.quantile(off, 0.995 if spikes else 1.0) if off.size else 1.0) or 1.0
    bottom.set_ylim(-bound, bound)
