"""The range of the time constants of networks, from the time scale of the recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from ..neuron.kinetics import NeuralKinetics
from ..neuron.neuron import Neuron
from ..numerics.arrays import Indices
from ..recordings import Recording
from .initialize.random_networks import untrained

# A time constant below a fifth of the sampling interval is as good as none; one of five
# intervals may be the fastest that there is.
FINER, COARSER = 0.2, 5.0
# The longest that is seen, within a step of the stimulus, is about twice as long as the step; of
# one of 20 times hardly the beginning is.
LONGER, LONGEST = 2.0, 50.0
_CURVE = 50  # changes of a stimulus; one with more is a curve, and has no steps


def default_range() -> tuple[float, float]:
    """`tau_min` and `tau_max` of a `NeuralKinetics` for which nobody gave others, ms."""
    defaults = {f.name: f.default for f in fields(NeuralKinetics)}
    return float(defaults["tau_min"]), float(defaults["tau_max"])  # type: ignore[arg-type]


def time_scale(recordings: Sequence[Recording]) -> tuple[float, float]:
    """The shortest sampling interval and the longest step of the stimulus, ms.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> t = np.arange(0.0, 3000.5, 0.5)
    >>> step = CurrentClamp.step(9.0, 500.0, 2500.0, 3000.0)
    >>> time_scale([Recording(t, step, v=np.zeros(len(t)))])
    (0.5, 2000.0)
    """
    gap = min(float(np.median(np.diff(r.t))) for r in recordings)
    longest = 0.0
    for r in recordings:
        breaks = r.protocol.breakpoints
        inside = breaks[(breaks > r.t[0]) & (breaks < r.t[-1])]
        if len(inside) <= _CURVE:
            longest = max(longest, float(np.diff([r.t[0], *inside, r.t[-1]]).max()))
    return gap, longest


def range_for(gap: float, longest: float) -> tuple[float, float]:
    """`tau_min` and `tau_max`: the default ones, moved where the recordings see others, ms.

    Examples
    --------
    >>> range_for(0.05, 50.0), range_for(0.5, 2000.0)
    ((0.02, 500.0), (0.1, 4000.0))
    """
    low, high = default_range()
    low = float(np.clip(low, FINER * gap, COARSER * gap))
    if longest > 0.0:
        high = float(np.clip(high, LONGER * longest, LONGEST * longest))
    return float(f"{low:.3g}"), float(f"{max(high, 10.0 * low):.3g}")


def at_time_scale(
    neuron: Neuron, indices: Indices, recordings: Sequence[Recording], drawn: bool
) -> tuple[Neuron, str]:
    """The neuron with the time constants of its untrained networks in the range of recordings.

    Parameters
    ----------
    neuron : Neuron
    indices : array of int
        Places of what is trained.
    recordings : sequence of Recording
    drawn : bool
        Whether networks are drawn anew, whatever they are.

    Returns
    -------
    Neuron, str
        And what the log says of it; nothing where no range was left to the default.
    """
    trained, names = set(indices.tolist()), []
    if neuron.right_hand_side is not None:
        return neuron, ""
    low, high = range_for(*time_scale(recordings))
    for channel in neuron.channels:
        for gate in channel.gates:
            kinetics = gate.kinetics
            if not isinstance(kinetics, NeuralKinetics) or kinetics.form != "steady_state":
                continue
            given = (kinetics.tau_min, kinetics.tau_max) != default_range()
            place = neuron.layout[f"{channel.name}.{gate.name}.network.weight0"].start
            if given or place not in trained or not (drawn or untrained(kinetics.network)):
                continue
            names.append(f"{channel.name}.{gate.name}")
            swapped = replace(gate, kinetics=replace(kinetics, tau_min=low, tau_max=high))
            current = neuron.channel(channel.name)
            gates = tuple(swapped if g.name == gate.name else g for g in current.gates)
            neuron = neuron.replace_channel(channel.name, current.with_gates(gates))
    if not names:
        return neuron, ""
    gap, longest = time_scale(recordings)
    why = f"sampled every {gap:g} ms" + (f", steps up to {longest:g} ms" if longest else "")
    return neuron, (
        f"range of tau of {', '.join(names)}: {low:g} to {high:g} ms ({why}; give tau_min= and "
        "tau_max= to NeuralKinetics for another)"
    )
