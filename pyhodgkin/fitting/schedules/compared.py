"""What each stage compares with which recordings, in words, where there are both clamps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ...neuron.neuron import Neuron
from ...recordings import Recording
from ...recordings.observables import observables_of, of
from ..stage import Stage

_SHOWN = 4  # names of recordings
_NAMES = {"v": "v", "current": "the current"}
_CLAMPS = {"v": "current clamp", "current": "voltage clamp"}


def compared_of(
    stages: Sequence[Stage],
    neuron: Neuron,
    recordings: Sequence[Recording],
    heldout: Sequence[Recording] = (),
) -> tuple[str, ...]:
    """Lines for the log of a fit; none where all recordings are of one clamp.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> v = Recording([0, 1], ph.CurrentClamp(0, 1), v=[-65, -65], name="a")
    >>> clamp = ph.VoltageClamp(-65, 1)
    >>> i = Recording([0, 1], clamp, current=[0, 0], current_unit="uA/cm2", name="b")
    >>> lines = compared_of([Stage("clamped"), Stage()], ph.library.get("squid_axon"), [v, i])
    >>> print(lines[1])
    stage 1 (clamped): current clamp: i_stim - c_m dv/dt, and the ionic current of gates driven by
    the measured v; voltage clamp: the current of gates driven by the command
    """
    kinds = observables_of((*recordings, *heldout))
    if len(kinds) < 2:
        return ()
    trained, held = observables_of(recordings), observables_of(heldout)
    text = f"trained on {_listed(recordings)}"
    text += f", judged by {_listed(heldout)}" if heldout else ""
    if len(trained) > 1 or len(held) > 1:
        text += (
            "; the loss is the mean of that of v and that of the current, each the mean over its "
            "recordings in units of the standard deviation of what was measured"
        )
    lines, first = [text], 1
    for mode, group in groupby(stages, key=lambda stage: stage.mode):
        last = first + len(list(group)) - 1
        number = f"stage {first}" if first == last else f"stages {first} to {last}"
        how = "of gates driven by the command" if neuron.is_linear_in_gates else "simulated"
        other = mode.in_voltage_clamp()
        if other.name not in ("clamped", "simulation"):
            how += f" ({other.name})"
        clamps = {"v": f"current clamp: {mode.compares}",
                  "current": f"voltage clamp: the current {how}"}  # fmt: skip
        lines.append(f"{number} ({mode}): {'; '.join(clamps[x] for x in kinds)}")
        first = last + 1
    return tuple(lines)


def _listed(recordings: Sequence[Recording]) -> str:
    """The recordings of each clamp, and their names."""
    parts = []
    for observed in observables_of(recordings):
        mine = of(recordings, observed)
        names = ", ".join(r.name for r in mine[:_SHOWN] if r.name)
        names += ", …" if len(mine) > _SHOWN else ""
        text = f"{_NAMES[observed]} of {len(mine)} in {_CLAMPS[observed]}"
        parts.append(text + (f" ({names})" if names else ""))
    return " and ".join(parts)
