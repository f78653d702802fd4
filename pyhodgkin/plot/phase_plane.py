"""One state over another, and where each of them stands still."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..errors import unknown
from ..numerics.arrays import FloatArray
from ..units import written
from .cells import gate_values, one_cell
from .commands import protocols_of
from .nullclines import steady_stimulus, v_nullcline
from .style import COLORS, STIMULUS, color, label_lines, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..neuron.gates import Gate
    from ..solution.solution import Solution


@styled
def phase_plane(
    solution: Solution,
    x: str = "v",
    y: str = "n",
    *,
    stimulus: float | None = None,
    others: Mapping[str, float] | None = None,
    axes: Axes | None = None,
) -> Figure:
    """One state over another, with the nullclines of the potential and of a gate.

    Of a gate y over v (or the other way round): dy/dt = 0 is its steady state y∞(v). On
    dv/dt = 0 the ionic currents equal the stimulus: at each v the values of y in [0, 1] are
    drawn at which c_m dv/dt = i_stim - Σ i = 0, with every other gate at its steady state at
    that v, or frozen at the value that `others` gives it. There may be none at some v, or
    several.

    No nullcline is drawn where it is not defined: of two gates; of v under voltage clamp, which
    commands it; of an instantaneous gate, which always is at its steady state; where a gate or
    the whole right-hand side is a network that has no steady state.

    Parameters
    ----------
    solution : Solution
        Of one cell.
    x, y : str
        Names of states: ``"v"`` or gates.
    stimulus : float, optional
        At which dv/dt = 0 is drawn, in the unit of the protocol. Default: the value other than
        the first one that the stimulus has longest; the mean of these where it varies all the
        time; the first one where it is constant.
    others : mapping of str to float, optional
        Gates other than `y` that are frozen for dv/dt = 0, for instance ``{"h": 0.6}``.
    axes : Axes, optional
        Where to draw; by default a new figure.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> protocol = ph.CurrentClamp.step(10.0, start=5.0, stop=50.0, t_end=60.0)
    >>> solution = ph.simulate(ph.library.get("squid_axon"), protocol)
    >>> figure = ph.plot.phase_plane(solution, "v", "n")
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['start', 'dn/dt = 0', 'dv/dt = 0 at 10 µA/cm²']
    """
    cell = one_cell(solution)
    xs, ys = _state(cell, x), _state(cell, y)
    for name in others or {}:
        if name not in cell.neuron.states[1:] or name in (x, y):
            raise unknown("gate in `others`", name, _free_names(cell, x, y))
    (ax,) = panels(axes, [1], width=4.6, height=3.4)
    instant = {x, y} - {"v", *cell.neuron.states}
    if "v" in (x, y) and instant:  # nothing but its curve: between samples too
        order = np.argsort(cell.v)
        ax.plot(xs[order], ys[order], color=color(0), lw=1.2)
    else:
        ax.plot(xs, ys, color=color(0), lw=1.2)
    known = np.flatnonzero(np.isfinite(xs) & np.isfinite(ys))
    if known.size:
        ax.plot(xs[known[0]], ys[known[0]], "o", color=color(0), ms=4.5, mfc="white", label="start")
        if not instant:
            _arrows(ax, xs[known], ys[known])
        _nullclines(ax, cell, x, y, stimulus, others or {})
    for axis, name in ((ax.xaxis, x), (ax.yaxis, y)):
        axis.set_label_text(_axis_name(cell, name))
    label_lines(ax)
    return ax.figure  # type: ignore[return-value]


def _nullclines(
    ax: Axes,
    cell: Solution,
    x: str,
    y: str,
    stimulus: float | None,
    others: Mapping[str, float],
) -> None:
    gate = _gate_of(cell, x, y)
    if gate is None or not gate.has_state or not gate.kinetics.is_linear:
        return
    limits = ax.get_xlim(), ax.get_ylim()
    low, high = limits[0] if x == "v" else limits[1]
    v = np.linspace(low, high, 501)
    turn = slice(None, None, 1 if x == "v" else -1)
    pair = (v, np.asarray(gate.kinetics.x_inf(v)))
    name = f"d{gate.name}/dt = 0"
    ax.plot(*pair[turn], color=STIMULUS, ls=(0, (4, 2)), lw=1.0, label=name)
    protocol = protocols_of(cell)[0]
    if protocol.kind == "current":
        level = steady_stimulus(cell.stimulus) if stimulus is None else float(stimulus)
        label = f"dv/dt = 0 at {level:.4g} {written(protocol.unit)}"
        for line in v_nullcline(cell.neuron, gate.name, v, level, others):
            pair = (line[:, 0], line[:, 1])
            ax.plot(*pair[turn], color=COLORS[1], ls=(0, (1.5, 1)), lw=1.4, label=label)
            label = ""
    # A gate's nullcline may run far beyond what the trajectory covers: some of it is shown.
    (a, b), (c, d) = limits
    ax.set_xlim(a if x == "v" else max(a - 0.25 * (b - a), -0.03), b)
    ax.set_ylim(max(c - 0.25 * (d - c), -0.03) if x == "v" else c, d)


def _gate_of(cell: Solution, x: str, y: str) -> Gate | None:
    """The gate of a plane of the potential and a gate."""
    if (x == "v") == (y == "v") or cell.neuron.right_hand_side is not None:
        return None
    return cell.neuron.gate(y if x == "v" else x)


def _free_names(cell: Solution, x: str, y: str) -> list[str]:
    return [name for name in cell.neuron.states[1:] if name not in (x, y)]


def _state(solution: Solution, name: str) -> FloatArray:
    return solution.v if name == "v" else gate_values(solution, name)


def _axis_name(cell: Solution, name: str) -> str:
    if name == "v":
        return "potential (mV)"
    instant = name not in cell.gates
    return f"gating variable {name}" + (" (instantaneous)" if instant else "")


def _arrows(ax: Axes, xs: FloatArray, ys: FloatArray) -> None:
    """Arrow heads along the path; uneven, so that those of a limit cycle do not pile up."""
    if len(xs) < 3:
        return
    size = np.array([np.ptp(xs) or 1.0, np.ptp(ys) or 1.0])
    steps = np.hypot(*(np.diff([xs, ys], axis=1) / size[:, None]))
    path = np.concatenate([[0.0], np.cumsum(steps)])
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
