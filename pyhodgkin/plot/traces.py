"""Figures of a solution over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..units import current_unit as current_unit_of
from ..units import ratio, written
from .style import INK, MEASURED, STIMULUS, color, label_lines, panels, shades, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..protocols import Protocol
    from ..recordings import Recording
    from ..solution import Solution

UNIT_TEXT = {"uA/cm2": "µA/cm²", "nA": "nA", "pA": "pA", "mV": "mV"}


@styled
def trace(
    solution: Solution,
    *,
    measured: Recording | None = None,
    current_unit: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Membrane potential over time, with the stimulus below it.

    Under voltage clamp, the total ionic current with the command below it.

    Parameters
    ----------
    solution : Solution
        Of one cell or of a batch; each element of a batch is a line.
    measured : Recording, optional
        Drawn behind in grey.
    current_unit : {"uA/cm2", "nA", "pA"}, optional
        Unit to draw the ionic currents in, by default ``solution.current_unit``: nA and pA are
        converted, and a neuron that states none is taken at its word.
    axes : two Axes, optional
        Where to draw; by default a new figure.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> protocol = ph.CurrentClamp.step(7.0, start=10.0, stop=60.0, t_end=80.0)
    >>> solution = ph.simulate(ph.library.get("squid_axon"), protocol)
    >>> figure = ph.plot.trace(solution)
    >>> ph.plot.save(figure, "trace.png")  # doctest: +SKIP
    """
    top, bottom = panels(axes, [3, 1])
    t, scale = time_axis(bottom, solution.t)
    protocols = _protocols(solution)
    clamped = protocols[0].kind == "voltage"
    factor, unit = _drawn_in(solution, current_unit)
    rows = factor * _total_current(solution) if clamped else np.atleast_2d(solution.v)
    if measured is not None:
        seen = _measured(measured, current_unit or solution.current_unit) if clamped else 1.0
        top.plot(measured.t * scale, seen * measured.data, color=MEASURED, lw=2.2, label="measured")
    for row, line in zip(rows, shades(len(rows)), strict=True):
        label = "model" if measured is not None and len(rows) == 1 else None
        top.plot(t, row, color=line, label=label)
    top.set_ylabel(f"ionic current ({unit})" if clamped else "potential (mV)")
    if measured is not None:
        label_lines(top)
    stimulus(bottom, solution.t, protocols, scale)
    top.set_xlim(bottom.get_xlim())
    return top.figure  # type: ignore[return-value]


@styled
def gates(solution: Solution, *, axes: Sequence[Axes] | None = None) -> Figure:
    """Gating variables over time, below the membrane potential.

    Parameters
    ----------
    solution : Solution
        Of one cell: of a batch, draw ``solution[i]``.
    axes : two Axes, optional
        Where to draw; by default a new figure.
    """
    cell = _one_cell(solution)
    return _below_potential(cell, dict(cell.gates), "gating variable", axes, (-0.03, 1.03))


@styled
def open_probabilities(solution: Solution, *, axes: Sequence[Axes] | None = None) -> Figure:
    """Open probability of each channel (n⁴, m³h, …), below the membrane potential.

    Parameters are those of `gates`.
    """
    cell = _one_cell(solution)
    lines = {
        f"{channel.label} ({channel.name})": cell.open_probability[channel.name]
        for channel in cell.neuron.channels
        if channel.gates and channel.name in cell.open_probability
    }
    return _below_potential(cell, lines, "open probability", axes)


@styled
def currents(
    solution: Solution, *, current_unit: str | None = None, axes: Sequence[Axes] | None = None
) -> Figure:
    """Ionic currents over time, outward positive, below the membrane potential.

    Parameters are those of `gates`, and the `current_unit` of `trace`.
    """
    cell = _one_cell(solution)
    factor, unit = _drawn_in(cell, current_unit)
    lines = {name: factor * values for name, values in cell.currents.items()}
    return _below_potential(cell, lines, f"current ({unit})", axes)


@styled
def phase_plane(
    solution: Solution, x: str = "v", y: str = "n", *, axes: Axes | None = None
) -> Figure:
    """One state over another, with the nullcline of a gate drawn over the potential.

    Parameters
    ----------
    solution : Solution
        Of one cell.
    x, y : str
        Names of states: ``"v"`` or gates.
    axes : Axes, optional
        Where to draw; by default a new figure.
    """
    (ax,) = panels(axes, [1], width=4.2, height=3.4)
    cell = _one_cell(solution)
    xs, ys = _state(cell, x), _state(cell, y)
    ax.plot(xs, ys, color=color(0))
    ax.plot(xs[0], ys[0], "o", color=color(0), ms=4.5, mfc="white", label="start")
    _arrows(ax, xs, ys)
    kinetics = cell.neuron.gate(y).kinetics if x == "v" and y != "v" else None
    if kinetics is not None and getattr(kinetics, "form", "") != "free":
        v = np.linspace(np.nanmin(xs), np.nanmax(xs), 300)
        ax.plot(v, kinetics.x_inf(v), color=STIMULUS, ls=(0, (4, 2)), lw=1.0, label=f"d{y}/dt = 0")
    for axis, name in ((ax.xaxis, x), (ax.yaxis, y)):
        axis.set_label_text("potential (mV)" if name == "v" else f"gating variable {name}")
    label_lines(ax)
    return ax.figure  # type: ignore[return-value]


def time_axis(ax: Axes, t: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Times in the unit that suits their length, which labels the axis, and the factor."""
    long = t[-1] - t[0] > 5000.0
    scale = 1e-3 if long else 1.0
    ax.set_xlabel("time (s)" if long else "time (ms)")
    ax.set_xlim(t[0] * scale, t[-1] * scale)
    return t * scale, scale


def stimulus(
    ax: Axes, t: NDArray[np.float64], protocols: Sequence[Protocol], scale: float = 1.0
) -> None:
    """The commands of a batch, each to its own end, with a jump as a vertical line."""
    distinct = list(dict.fromkeys(protocols))
    for protocol, line in zip(distinct, shades(len(distinct)), strict=True):
        edges = protocol.segments.breakpoints
        edges = edges[(edges > t[0]) & (edges < t[-1])]
        times = np.sort(np.concatenate([t, edges, np.nextafter(edges, -np.inf)]))
        times = times[times <= protocol.t_end * (1.0 + 1e-9)]
        ax.plot(
            times * scale, protocol(times), color=STIMULUS if len(distinct) == 1 else line, lw=1.1
        )
    unit = UNIT_TEXT.get(protocols[0].unit, protocols[0].unit)
    name = "command" if protocols[0].kind == "voltage" else "stimulus"
    ax.set_ylabel(f"{name}\n({unit})")
    ax.margins(y=0.15)


def _below_potential(
    solution: Solution,
    lines: Mapping[str, NDArray[np.float64]],
    label: str,
    axes: Sequence[Axes] | None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    if not lines:
        raise InputError(f'neuron "{solution.neuron.name}" has no {label} to draw')
    top, bottom = panels(axes, [1.2, 2.4])
    t, _ = time_axis(bottom, solution.t)
    top.plot(t, solution.v, color=INK, lw=1.0)
    top.set_ylabel("potential (mV)")
    for i, (name, values) in enumerate(lines.items()):
        bottom.plot(t, values, color=color(i), label=name)
    bottom.set_ylabel(label)
    if limits is None:
        bottom.axhline(0.0, color=INK, lw=0.5, zorder=0)
    else:
        bottom.set_ylim(*limits)
    label_lines(bottom)
    top.set_xlim(bottom.get_xlim())
    return top.figure  # type: ignore[return-value]


def _protocols(solution: Solution) -> list[Protocol]:
    given: Any = solution.protocol
    return list(given) if isinstance(given, Sequence) else [given]


def _one_cell(solution: Solution) -> Solution:
    if not solution.batched:
        return solution
    if len(solution) == 1:
        return solution[0]
    raise InputError(f"this figure shows one cell of the {len(solution)}: give solution[i]")


def _state(solution: Solution, name: str) -> NDArray[np.float64]:
    return solution.v if name == "v" else solution.gates[name]


def _total_current(solution: Solution) -> NDArray[np.float64]:
    return np.atleast_2d(np.sum([np.asarray(i) for i in solution.currents.values()], axis=0))


def _drawn_in(solution: Solution, wanted: str | None) -> tuple[float, str]:
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


def _arrows(ax: Axes, xs: NDArray[np.float64], ys: NDArray[np.float64]) -> None:
    """Arrow heads along the path; uneven, so that those of a limit cycle do not pile up."""
    size = np.array([np.ptp(xs) or 1.0, np.ptp(ys) or 1.0])
    steps = np.hypot(*(np.diff([xs, ys], axis=1) / size[:, None]))
    path = np.concatenate([[0.0], np.cumsum(np.nan_to_num(steps))])
    for part in (0.12, 0.37, 0.61, 0.86):
        i = min(max(int(np.searchsorted(path, part * path[-1])), 1), len(xs) - 1)
        ax.annotate(
            "",
            xy=(xs[i], ys[i]),
            xytext=(xs[i - 1], ys[i - 1]),
            arrowprops={
                "arrowstyle": "-|>",
                "color": color(0),
                "lw": 0,
                "mutation_scale": 11,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
