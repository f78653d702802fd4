"""The temperature of a neuron and that of recordings: one rule for every verb that uses both."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import RecordingError, RecordingWarning
from ..neuron.calcium import PREFIX
from ..neuron.gates import Gate
from ..neuron.markov import MarkovChannel
from ..neuron.neuron import Neuron
from ..numerics.arrays import Indices
from . import Recording

# Temperatures this close are the same: that of a bath varies so much, deg C.
CLOSE = 0.5


def temperature_of(recordings: Sequence[Recording]) -> float | None:
    """The temperature that recordings state, deg C; None when none does.

    Recordings without a temperature go with the others.

    Raises
    ------
    RecordingError
        When they differ by more than 0.5 degrees.
    """
    stated = [(float(r.temperature), r.name) for r in recordings if r.temperature is not None]
    if not stated:
        return None
    low, high = min(stated), max(stated)
    if high[0] - low[0] > CLOSE:
        raise RecordingError(
            f'recordings are at {low[0]:g} °C ("{low[1]}") and at {high[0]:g} °C ("{high[1]}"), '
            "and a neuron has one temperature in a fit: fit them apart, or, to take the kinetics "
            "as they are, dataclasses.replace(recording, temperature=None)"
        )
    mean = sum(t for t, _ in stated) / len(stated)
    return low[0] if low[0] == high[0] else round(mean, 3)


def at_recordings(
    neuron: Neuron,
    recordings: Sequence[Recording],
    learned: Indices | Sequence[int] = (),
) -> tuple[Neuron, str]:
    """The neuron at the temperature of the recordings, and what that changed, in words.

    Parameters
    ----------
    neuron : Neuron
    recordings : sequence of Recording
        Without a stated temperature nothing changes.
    learned : array of int
        Places in theta of what is trained: kinetics that are learned from the recordings as a
        whole are those at their temperature, whatever they were before.

    Raises
    ------
    RecordingError
        When recordings differ in temperature, or a gate does not say how its rates depend on it
        (`Gate`: q10 and t_ref).

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> clamp = ph.CurrentClamp(0.0, 1.0)
    >>> warm = ph.Recording([0, 1], clamp, v=[-65, -65], temperature=16.3)
    >>> neuron, note = at_recordings(ph.library.get("squid_axon"), [warm])
    >>> neuron.temperature, note.split(": ")[1]
    (16.3, 'rates of n, m, h times 3')
    """
    if not _moving(neuron) and neuron.right_hand_side is None:
        return neuron, ""  # nothing in it has a rate
    temperature = temperature_of(recordings)
    return (neuron, "") if temperature is None else at(neuron, temperature, learned)


def at(
    neuron: Neuron, temperature: float, learned: Indices | Sequence[int] = ()
) -> tuple[Neuron, str]:
    """The same for one temperature, deg C."""
    factors = {
        x.name: x.rate_factor(temperature) / x.rate_factor(neuron.temperature)
        for _, x in _moving(neuron)
    }
    unstated = _unstated(neuron, learned)
    before = neuron.temperature
    moved = before is not None and abs(before - temperature) > CLOSE
    moved = moved or any(abs(f - 1.0) > 1e-3 for f in factors.values())
    if unstated and moved:
        known = f"at {before:g} °C" if before is not None else "of other temperatures"
        raise RecordingError(
            f'neuron "{neuron.name}" has kinetics {known} and the recordings are at '
            f"{temperature:g} °C, but {', '.join(unstated)} has no q10 with t_ref to convert it: "
            f"give Gate(…, q10=3.0, t_ref={before or temperature:g}), train it, or, to take the "
            "kinetics as they are, dataclasses.replace(recording, temperature=None)"
        )
    taken = replace(neuron, temperature=temperature)
    changed = {name: f for name, f in factors.items() if abs(f - 1.0) > 1e-9}
    if not changed:
        return taken, ""
    start = "the t_ref of its gates" if before is None else f"{before:g} °C"
    rates = " and ".join(
        f"{', '.join(n for n, x in changed.items() if x == f)} times {f:.3g}"
        for f in dict.fromkeys(changed.values())
    )
    return taken, (
        f'neuron "{neuron.name}" is taken from {start} to {temperature:g} °C, as the recordings '
        f"say: rates of {rates}"
    )


def each(neuron: Neuron, recordings: Sequence[Recording]) -> list[tuple[Neuron, list[int]]]:
    """The neuron at each temperature that occurs, and the places of the recordings at it.

    Warns where that changes its rates, and raises a `RecordingError` where it cannot be done.
    """
    stated = [None if r.temperature is None else float(r.temperature) for r in recordings]
    found = []
    for temperature in dict.fromkeys(stated):
        taken, note = (neuron, "") if temperature is None else at(neuron, temperature)
        if note:
            warnings.warn(note, RecordingWarning, stacklevel=3)
        found.append((taken, [i for i, value in enumerate(stated) if value == temperature]))
    return found


def check_unseen(neuron: Neuron, train: Sequence[Recording], unseen: Sequence[Recording]) -> None:
    """Raise before a fit when its result could not be taken to the temperature of `unseen`."""
    fitted = temperature_of(train)
    after = neuron if fitted is None else replace(neuron, temperature=fitted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RecordingWarning)
        each(after, unseen)


def _moving(neuron: Neuron) -> list[tuple[str, Gate | MarkovChannel]]:
    """What has rates, and what the names of its parameters begin with."""
    found: list[tuple[str, Gate | MarkovChannel]] = []
    for channel in neuron.channels:
        if isinstance(channel, MarkovChannel):
            found.append((f"{channel.name}.", channel))
        gates = (gate for gate in channel.gates if gate.has_state)
        found += [(f"{channel.name}.{gate.name}.", gate) for gate in gates]
    return found


def _unstated(neuron: Neuron, learned: Indices | Sequence[int]) -> list[str]:
    """Gates with rates of an unknown dependence on the temperature that are not learned."""
    trained = set(np.asarray(learned, dtype=int).tolist())
    names = [
        x.name
        for prefix, x in _moving(neuron)
        if x.t_ref is None and not _learned(neuron, prefix, trained)
    ]
    if neuron.calcium is not None and not _learned(neuron, f"{PREFIX}.tau", trained):
        names.append("the calcium pool")
    rhs = neuron.right_hand_side is not None and not trained
    return names + (["the right-hand side"] if rhs else [])


def _learned(neuron: Neuron, prefix: str, trained: set[int]) -> bool:
    """Whether all that sets the kinetics of a gate is trained, but for fixed numbers."""
    entries = [e for e in neuron.layout if e.name.startswith(prefix) and e.group != "fixed"]
    return bool(entries) and all(set(range(e.start, e.start + e.size)) <= trained for e in entries)
