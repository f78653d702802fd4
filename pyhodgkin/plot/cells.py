"""Gates, open probabilities and currents of one cell over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..neuron.calcium import STATE
from ..neuron.markov import MarkovChannel
from ..numerics.arrays import FloatArray
from .commands import protocols_of, stimulus, time_axis
from .style import INK, label_lines, line_of, panels, styled
from .traces import drawn_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..solution.solution import Solution


@styled
def gates(solution: Solution, *, axes: Sequence[Axes] | None = None) -> Figure:
    """Gating variables over time, below the membrane potential and above the stimulus.

    A gate that is instantaneous is no state: it is drawn at its steady state at each potential,
    and its name says so. Under voltage clamp the potential is the command, and drawn once, below.

    Parameters
    ----------
    solution : Solution
        Of one cell: of a batch, draw ``solution[i]``.
    axes : sequence of Axes, optional
        Where to draw: three (potential, gates, stimulus), or two without the stimulus; under
        voltage clamp two (gates, command). By default a new figure.
    """
    cell = one_cell(solution)
    lines: dict[str, FloatArray] = dict(cell.gates)
    if cell.neuron.right_hand_side is None:
        named = {gate.name for gate in cell.neuron.gates}
        schemes = {name: x for name, x in lines.items() if name not in (*named, STATE)}
        lines = schemes | {
            name if gate.has_state else f"{name}\n(instantaneous)": gate_values(cell, name)
            for name, gate in ((gate.name, gate) for gate in cell.neuron.gates)
        }
    return _over_time(cell, lines, "gating variable", axes, (-0.03, 1.03))


@styled
def open_probabilities(solution: Solution, *, axes: Sequence[Axes] | None = None) -> Figure:
    """Open probability of each channel (n⁴, m³h, …) over time, with potential and stimulus.

    Parameters are those of `gates`.
    """
    cell = one_cell(solution)
    lines = {
        f"{channel.label} ({channel.name})": cell.open_probability[channel.name]
        for channel in cell.neuron.channels
        if (channel.gates or isinstance(channel, MarkovChannel))
        and channel.name in cell.open_probability
    }
    return _over_time(cell, lines, "open probability", axes)


@styled
def currents(
    solution: Solution, *, current_unit: str | None = None, axes: Sequence[Axes] | None = None
) -> Figure:
    """Ionic currents over time, outward positive, with potential and stimulus.

    Parameters are those of `gates`, and the `current_unit` of `trace`.
    """
    cell = one_cell(solution)
    factor, unit = drawn_in(cell, current_unit)
    lines = {name: factor * values for name, values in cell.currents.items()}
    return _over_time(cell, lines, f"current ({unit})", axes)


def one_cell(solution: Solution) -> Solution:
    """The solution of the one cell that there is."""
    if not solution.batched:
        return solution
    if len(solution) == 1:
        return solution[0]
    raise InputError(f"this figure shows one cell of the {len(solution)}: give solution[i]")


def gate_values(solution: Solution, name: str) -> FloatArray:
    """A gate over time (T,): the state, or what follows from the potential at once."""
    if name not in solution.gates and solution.neuron.right_hand_side is None:
        kinetics = solution.neuron.gate(name).kinetics
        if kinetics.uses_calcium:
            kinetics = kinetics.at_calcium(solution.gates[STATE])
        return np.asarray(kinetics.x_inf(solution.v), dtype=np.float64)
    return solution.gates[name]


def _over_time(
    solution: Solution,
    lines: Mapping[str, FloatArray],
    label: str,
    axes: Sequence[Axes] | None,
    limits: tuple[float, float] | None = None,
) -> Figure:
    if not lines:
        raise InputError(f'neuron "{solution.neuron.name}" has no {label} to draw')
    protocols = protocols_of(solution)
    top, middle, bottom = _places(axes, protocols[0].kind == "voltage")
    t, scale = time_axis(bottom or middle, solution.t)
    if top is not None:
        top.plot(t, solution.v, color=INK, lw=1.0)
        top.set_ylabel("potential\n(mV)")
    for i, (name, values) in enumerate(lines.items()):
        middle.plot(t, values, label=name, lw=1.2, **line_of(i))
    middle.set_ylabel(label)
    if limits is None:
        middle.axhline(0.0, color=INK, lw=0.5, zorder=0)
    else:
        middle.set_ylim(*limits)
    label_lines(middle)
    if bottom is not None:
        stimulus(bottom, solution.t, protocols, scale)
    for ax in (top, middle):
        if ax is not None:
            ax.set_xlim((bottom or middle).get_xlim())
    return middle.figure  # type: ignore[return-value]


def _places(axes: Sequence[Axes] | None, clamped: bool) -> tuple[Axes | None, Axes, Axes | None]:
    """The axes of the potential, of the lines and of the stimulus."""
    if clamped:
        middle, bottom = panels(axes, [2.4, 0.9])
        return None, middle, bottom
    if hasattr(axes, "__iter__") and len(list(axes)) == 2:  # type: ignore[arg-type]
        top, middle = panels(axes, [1.2, 2.4])
        return top, middle, None
    top, middle, bottom = panels(axes, [1.2, 2.4, 0.8])
    return top, middle, bottom
