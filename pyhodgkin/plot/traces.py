"""The trace of one cell, or those of a family of sweeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, unknown
from ..numerics.arrays import FloatArray
from ..solution.currents import total_current
from ..status import Status
from ..units import current_unit as current_unit_of
from ..units import ratio, written
from .commands import protocols_of, stimulus, time_axis
from .families import FEW, Family, color_bar, family_of, name_sweeps
from .offsets import draw_offset
from .style import INK, MEASURED, label_lines, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..protocols import Protocol
    from ..recordings import Recording
    from ..solution.solution import Solution


LAYOUTS = ("overlay", "offset", "panels")
_MOST_OFFSET = 40  # more sweeps above each other are too flat to be read


@styled
def trace(
    solution: Solution,
    *,
    measured: Recording | None = None,
    layout: str | None = None,
    current_unit: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Membrane potential over time, with the stimulus below it.

    Under voltage clamp, the total ionic current with the command below it. The elements of a
    batch differ in colour, by the amplitude of their command where that is what they differ in;
    a solve that failed ends in a cross.

    Parameters
    ----------
    solution : Solution
        Of one cell or of a batch.
    measured : Recording, optional
        Drawn behind in grey.
    layout : {"overlay", "offset", "panels"}, optional
        How the elements of a batch are drawn: over each other, above each other (each shifted by
        the same amount, which the axis states), or in panels of their own. Default: potentials
        of 7 to 40 elements with an offset, anything else as an overlay.
    current_unit : {"uA/cm2", "nA", "pA"}, optional
        Unit to draw the ionic currents in, by default ``solution.current_unit``: nA and pA are
        converted, and a neuron that states none is taken at its word.
    axes : sequence of Axes, optional
        Where to draw: two (trace, stimulus), for panels two for each element; by default a new
        figure.

    Raises
    ------
    InputError, UnknownNameError

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> protocol = ph.CurrentClamp.step(7.0, start=10.0, stop=60.0, t_end=80.0)
    >>> solution = ph.simulate(ph.library.get("squid_axon"), protocol)
    >>> figure = ph.plot.trace(solution)
    >>> ph.plot.save(figure, "trace.png")  # doctest: +SKIP
    """
    protocols = protocols_of(solution)
    clamped = protocols[0].kind == "voltage"
    factor, unit = drawn_in(solution, current_unit)
    rows = factor * _total_current(solution) if clamped else np.atleast_2d(solution.v)
    layout = _layout(layout, len(rows), clamped, plain=measured is not None or axes is not None)
    label = f"ionic current ({unit})" if clamped else "potential (mV)"
    family = _family(solution, protocols, len(rows))
    if layout == "panels":
        if measured is not None:
            raise InputError('measured: is drawn behind an overlay; leave layout="panels" out')
        grid = _small_multiples(solution, rows, protocols, family, label, axes)
        return grid[0].figure  # type: ignore[return-value]
    tall = max(3.0, min(0.27 * len(rows), 8.0)) if layout == "offset" else 3.0
    top, bottom = panels(axes, [tall, 1])
    t, scale = time_axis(bottom, solution.t)
    if measured is not None:
        seen = _measured(measured, current_unit or solution.current_unit) if clamped else 1.0
        top.plot(measured.t * scale, seen * measured.data, color=MEASURED, lw=2.2, label="measured")
    if layout == "offset":
        label, shown = draw_offset(top, t, rows, family, label)
    else:
        shown = rows
        for row, line in zip(rows, family.colors, strict=True):
            name = "model" if measured is not None and len(rows) == 1 else None
            top.plot(t, row, color=line, label=name, lw=1.3 if len(rows) <= FEW else 0.9)
        if measured is None:
            name_sweeps(top, family)
    _mark_failures(top, t, shown, solution.status)
    top.set_ylabel(label)
    if measured is not None:
        label_lines(top)
        if len(family) > 1:
            color_bar(bottom, family)
    _tell_failures(top, solution)
    stimulus(bottom, solution.t, protocols, scale, _per_protocol(protocols, family))
    top.set_xlim(bottom.get_xlim())
    return top.figure  # type: ignore[return-value]


def _layout(layout: str | None, n: int, clamped: bool, plain: bool) -> str:
    if layout is not None and layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    if layout is None:
        many = FEW < n <= _MOST_OFFSET and not clamped and not plain
        return "offset" if many else "overlay"
    return "overlay" if n == 1 else layout


def _family(solution: Solution, protocols: Sequence[Protocol], n: int) -> Family:
    if len(protocols) == 1 or n == 1:
        return Family(np.arange(n, dtype=np.float64), "element")
    return family_of(np.atleast_2d(solution.stimulus), protocols[0].unit, protocols[0].kind)


def _per_protocol(protocols: Sequence[Protocol], family: Family) -> list | None:
    return family.colors if len(protocols) == len(family) > 1 else None


def _small_multiples(
    solution: Solution,
    rows: FloatArray,
    protocols: Sequence[Protocol],
    family: Family,
    label: str,
    axes: Sequence[Axes] | None,
) -> list[Axes]:
    """Pairs of axes, trace over stimulus, one pair for each element; row by row."""
    n = len(rows)
    columns = min(n, 2 if n <= 4 else 3 if n <= 12 else 4)
    lines = -(-n // columns)
    if axes is None:
        heights = [1.5, 0.75] * lines
        grid = panels(None, heights, columns=columns, width=2.5 * columns + 0.8)
        pairs = [
            (grid[2 * (i // columns) * columns + i % columns],
             grid[(2 * (i // columns) + 1) * columns + i % columns])
            for i in range(lines * columns)
        ]  # fmt: skip
        for pair in pairs[n:]:
            for ax in pair:
                ax.set_visible(False)
    else:
        given = panels(axes, [1] * n, columns=2)
        pairs, columns = [(given[2 * i], given[2 * i + 1]) for i in range(n)], 1
    low, high = _limits(rows)
    stimuli = np.atleast_2d(solution.stimulus)
    s_low, s_high = _limits(stimuli)
    for i, (row, line, (top, bottom)) in enumerate(
        zip(rows, family.colors, pairs[:n], strict=True)
    ):
        t, scale = time_axis(bottom, solution.t)
        own = protocols[i] if len(protocols) > 1 else protocols[0]
        top.plot(t, row, color=line, lw=1.0)
        stimulus(bottom, solution.t, [own], scale)
        _mark_failures(top, t, row[None], np.atleast_1d(solution.status)[i : i + 1])
        top.set_title(family.names[i] if family.unit else f"{family.what} {family.names[i]}")
        top.set(ylim=(low, high), xlim=bottom.get_xlim())
        bottom.set_ylim(s_low, s_high)
        for ax, name in ((top, label), (bottom, bottom.get_ylabel())):
            ax.set_ylabel(name.replace(" (", "\n(") if i % columns == 0 else "", fontsize=8.0)
            ax.tick_params(labelleft=i % columns == 0)
        below = i + columns < n
        bottom.set_xlabel("" if below else bottom.get_xlabel())
        bottom.tick_params(labelbottom=not below)
        top.tick_params(labelbottom=False)
    return [ax for pair in pairs for ax in pair]


def _limits(rows: FloatArray) -> tuple[float, float]:
    """Of all that is finite, with a margin."""
    known = rows[np.isfinite(rows)]
    low, high = (float(known.min()), float(known.max())) if known.size else (-1.0, 1.0)
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin


def _mark_failures(ax: Axes, t: FloatArray, rows: FloatArray, status: object) -> None:
    """A cross where a solve that failed ended."""
    for row, code in zip(rows, np.atleast_1d(np.asarray(status)), strict=True):
        known = np.flatnonzero(np.isfinite(row))
        if code != Status.SUCCESS and known.size:
            ax.scatter([t[known[-1]]], [row[known[-1]]], marker="x", s=34, color=INK, zorder=5)


def _tell_failures(ax: Axes, solution: Solution) -> None:
    """Above the axes, that and when solves failed."""
    failed = np.flatnonzero(~np.atleast_1d(solution.success))
    if not failed.size:
        return
    if solution.batched and len(solution) > 1:
        ax.set_title(f"{failed.size} of {len(solution)} solves failed (×)")
        return
    known = np.flatnonzero(np.isfinite(np.atleast_2d(solution.v)[0]))
    name = Status(int(np.atleast_1d(solution.status)[0])).name.lower().replace("_", " ")
    at = f" at {solution.t[known[-1]]:.4g} ms (×)" if known.size else ""
    ax.set_title(f"solve failed{at}: {name}")


def _total_current(solution: Solution) -> FloatArray:
    return np.atleast_2d(total_current(solution))


def drawn_in(solution: Solution, wanted: str | None) -> tuple[float, str]:
    """What the currents are multiplied with, and the unit as the axis has it."""
    stated = solution.current_unit
    unit = stated if wanted is None else current_unit_of(wanted)
    if stated is None or unit is None or stated == unit:
        return 1.0, written(unit) or "unit not stated"
    times, over = _ratio(stated, unit, "the solution")
    return times / over, written(unit)


def _measured(recording: Recording, unit: str | None) -> float:
    """What a measured current is multiplied with, to be drawn in `unit`."""
    if unit is None or current_unit_of(unit) == recording.current_unit:
        return 1.0
    times, over = _ratio(recording.current_unit, current_unit_of(unit), "what was measured")
    return times / over


def _ratio(stated: str, unit: str, what: str) -> tuple[float, float]:
    try:
        return ratio(stated, unit, None)
    except InputError:
        raise InputError(
            f"currents are drawn in {written(unit)}, but those of {what} are in {written(stated)}: "
            "leave current_unit= out, or convert the neuron first (whole_cell, per_area)"
        ) from None
