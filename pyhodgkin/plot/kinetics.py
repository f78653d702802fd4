"""What a gate does at each voltage: steady state and time constant, learned over published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..numerics.arrays import FloatArray
from .style import INK, SHADE, color, label_lines, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..neuron.neuron import Neuron
    from ..results.learned_curves import LearnedCurves

LONG_NAME = 8  # letters of a gate that fit on one line with its quantity
# Of the largest and the smallest time constant: beyond this a linear axis hides the small ones.
_WIDE = 30.0

Curves = tuple[FloatArray, FloatArray]


@styled
def kinetics(
    neuron: Neuron | Sequence[Neuron],
    *,
    published: Neuron | None = None,
    start: Neuron | None = None,
    gates: Sequence[str] | None = None,
    v_seen: ArrayLike | None = None,
    v_range: tuple[float, float] = (-100.0, 50.0),
    bands: LearnedCurves | None = None,
    level: float = 0.9,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Steady state and time constant of gates over voltage.

    Parameters
    ----------
    neuron : Neuron or sequence of Neuron
        What was learned; several (from several seeds, say) are drawn as thin lines.
    published : Neuron, optional
        Drawn dashed, for comparison; it has gates of the same names.
    start : Neuron, optional
        Drawn dotted: where training began.
    gates : sequence of str, optional
        Which gates; by default the neural ones, or all where none is neural.
    v_seen : array, optional
        Voltages seen in training, mV: their range is shaded, and beyond it the learned curves
        are pale, since no sample speaks for them.
    v_range : (float, float)
        Limits of the voltage axis, mV; widened to hold `v_seen`.
    bands : LearnedCurves, optional
        Credible bands of `level` around the curves, and hatching where the recordings do not
        determine them; from ``result.curve_bands()`` or `pyhodgkin.curve_bands`.
    level : float
        Probability of the bands.
    axes : sequence of Axes, optional
        Two for each gate (steady state, time constant); by default a new figure.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> figure = ph.plot.kinetics(ph.library.get("squid_axon"), gates=["n", "h"])
    """
    neurons = list(neuron) if isinstance(neuron, Sequence) else [neuron]
    names = list(gates) if gates is not None else _interesting(neurons[0])
    if not names:
        raise InputError(f'neuron "{neurons[0].name}" has no gate with a steady state to draw')
    seen = None if v_seen is None else _range_of(v_seen)
    low, high = v_range if seen is None else (min(v_range[0], seen[0]), max(v_range[1], seen[1]))
    v = np.linspace(low, high, 601)
    inside = np.ones(v.shape, bool) if seen is None else (v >= seen[0]) & (v <= seen[1])
    grid = panels(axes, [1] * len(names), columns=2, width=6.8, height=1.9)
    taus = []
    for i, name in enumerate(names):
        learned = [curves(cell, name, v) for cell in neurons]
        reference = None if published is None else curves(published, name, v)
        before = None if start is None else curves(start, name, v)
        pair = (grid[2 * i], grid[2 * i + 1])
        for which, ax in enumerate(pair):
            _shade(ax, seen)
            _draw(ax, v, [c[which] for c in learned], inside, color(i), len(neurons), bool(which))
            if bands is not None:
                _band(ax, bands, f"{name}.{('x_inf', 'tau')[which]}", level, color(i))
            if before is not None and not (which and _instant(before[1])):
                ax.plot(v, before[which], color=INK, ls=(0, (1, 2)), lw=0.9, label="start")
            if reference is not None and not (which and _instant(reference[1])):
                ax.plot(v, reference[which], color=INK, ls=(0, (4, 2)), lw=1.1, label="published")
            ax.set_xlim(low, high)
        pair[0].set_ylim(-0.03, 1.03)
        gap = "\n" if len(name) > LONG_NAME else " "  # a longer line leaves its panel
        pair[0].set_ylabel(f"{name}:{gap}steady state")
        pair[1].set_ylabel(f"{name}:{gap}time constant (ms)")
        others = [c[1] for c in (reference, before) if c]
        taus.append(np.concatenate([*(c[1][inside] for c in learned), *others]))
        if all(_instant(c[1]) for c in learned):
            _say_instantaneous(pair[1], name, alone=not np.any(taus[-1] > 0))
    scale_taus([grid[2 * i + 1] for i in range(len(names))], taus)
    for ax in grid[-2:]:
        ax.set_xlabel("potential (mV)")
    if published is not None or seen is not None or bands is not None:
        label_lines(grid[1], of=grid[0])
    return grid[0].figure  # type: ignore[return-value]


def _interesting(neuron: Neuron) -> list[str]:
    usable = [g for g in neuron.gates if g.kinetics.is_linear]
    neural = [g.name for g in usable if g.kinetics.kind == "neural"]
    return neural or [g.name for g in usable]


def curves(neuron: Neuron, name: str, v: FloatArray) -> Curves:
    """Steady state and time constant, at the temperature of the neuron."""
    gate = neuron.gate(name)
    return gate.kinetics.x_inf(v), gate.kinetics.tau(v) / gate.rate_factor(neuron.temperature)


def _range_of(v_seen: ArrayLike) -> tuple[float, float]:
    values = np.asarray(v_seen, dtype=np.float64)
    values = values[np.isfinite(values)]
    if values.size == 0:
        raise InputError("v_seen: give at least one finite voltage (mV)")
    return float(values.min()), float(values.max())


def _shade(ax: Axes, seen: tuple[float, float] | None) -> None:
    if seen is not None:
        ax.axvspan(*seen, color=SHADE, lw=0, zorder=0, label="seen in training")


def _band(ax: Axes, bands: LearnedCurves, name: str, level: float, line: str) -> None:
    """The band of one curve, hatched where it is not determined."""
    known = [c for c in bands if c.name.endswith("." + name)]
    if not known:
        return
    found, yes = known[0].band(level), known[0].determined
    ax.fill_between(found.v, found.low, found.high, color=line, alpha=0.22, lw=0, zorder=1,
                    label=f"{100 * level:.0f} % band")  # fmt: skip
    ax.fill_between(found.v, 0, 1, where=list(~yes), transform=ax.get_xaxis_transform(),
                    facecolor="none", edgecolor=INK, alpha=0.18, lw=0, hatch="////", zorder=0,
                    label="not determined")  # fmt: skip


def _draw(
    ax: Axes,
    v: FloatArray,
    lines: list[FloatArray],
    inside: NDArray[np.bool_],
    line: str,
    count: int,
    tau: bool,
) -> None:
    width = 1.6 if count == 1 else 0.9
    shown = [c for c in lines if not tau or not _instant(c)]
    for i, curve in enumerate(shown):
        known = np.where(inside, curve, np.nan)
        ax.plot(v, curve, color=line, lw=width, alpha=0.3)
        ax.plot(v, known, color=line, lw=width, label=None if i else "learned")


def _instant(tau: FloatArray) -> bool:
    """Whether this is no time constant: the gate is instantaneous."""
    return not np.any(tau > 0)


def _say_instantaneous(ax: Axes, name: str, alone: bool) -> None:
    """In the place of a time constant; `alone` where no other curve is drawn."""
    ax.text(
        0.5,
        0.5 if alone else 0.94,
        f"instantaneous: {name} is always\nat its steady state",
        transform=ax.transAxes,
        ha="center",
        va="center" if alone else "top",
        fontsize=8.0,
    )
    if alone:
        ax.set_ylabel(f"{name}: no time constant")
        ax.set_yticks([])


def scale_taus(axes: Sequence[Axes], taus: Sequence[FloatArray]) -> None:
    """Axes of time constants: all of a figure logarithmic, where one of them has to be.

    Each has limits of its own; one without a positive time constant is left alone.
    """
    positive = [tau[np.isfinite(tau) & (tau > 0)] for tau in taus]
    log = any(tau.size and np.max(tau) > _WIDE * np.min(tau) for tau in positive)
    for ax, tau in zip(axes, positive, strict=True):
        if not tau.size:
            continue
        high = float(np.max(tau))
        if not log:
            ax.set_ylim(0.0, 1.12 * high)
            continue
        low = max(float(np.min(tau)), 1e-6 * high)
        ax.set_yscale("log")
        ax.set_ylim(0.7 * low, 1.5 * high)
        _plain_numbers(ax, decades=float(np.log10(high / low)))


def _plain_numbers(ax: Axes, decades: float) -> None:
    """Numbers of a logarithmic axis as 0.1, 1, 10; between these too where there are few."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    shown = (2, 5) if decades > 0.6 else (2, 3, 4, 5, 6, 8)

    def minor(x: float, _: int | None = None) -> str:
        lead = x / 10.0 ** np.floor(np.log10(x))
        return f"{x:g}" if any(abs(lead - k) < 1e-6 for k in shown) else ""

    ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.yaxis.set_minor_formatter(FuncFormatter(minor) if decades < 1.6 else NullFormatter())
    ax.tick_params(axis="y", which="minor", labelsize=7.0)
