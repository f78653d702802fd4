"""Whether a recording starts at rest, so that its hidden states are those of its first voltage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..neuron.neuron import Neuron
from . import Recording

FAST = 1.0  # mV/ms: v that moves so at the start does not rest
SLOW = 0.1  # mV/ms: the same for a part of a longer recording
_SPAN = 1.0  # ms over which the first slope is taken
_SURE = 4.0  # standard errors


def in_motion(neuron: Neuron, recording: Recording, noise: float) -> bool:
    """Whether v moves at the start by more than the stimulus makes a resting membrane move.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> trace = ph.simulate(cell, ph.CurrentClamp.constant(10.0, 20.0), saveat=0.05)
    >>> whole = ph.Recording.from_solution(trace)
    >>> in_motion(cell, whole, 0.0), in_motion(cell, whole.window(2.5, 20.0), 0.0)
    (False, True)
    """
    if recording.observed != "v":
        return False
    t, v = recording.t, recording.data
    breaks = recording.protocol.breakpoints
    end = min([t[0] + _SPAN, *breaks[breaks > t[0] + 1e-9]])
    n = max(3, int(np.searchsorted(t, end + 1e-9)))
    x = t[:n] - np.mean(t[:n])
    slope = float(x @ v[:n] / (x @ x))
    error = _SURE * noise / float(np.sqrt(x @ x))
    drives = recording.protocol(t[:n]) / neuron.c_m
    changes = np.any((breaks > t[0] + 1e-9) & (breaks < t[n - 1]))
    if changes and recording.t_offset == 0.0:
        # Between the first three samples: v may have followed the stimulus or not yet.
        low, high = min(0.0, float(drives.min())), max(0.0, float(drives.max()))
        return max(low - slope, slope - high) > FAST + error
    driven = float(drives[0])
    # Within the span the membrane begins to answer, and the slope falls short of the drive.
    off = min(abs(slope), abs(slope - driven) - 0.5 * abs(driven))
    return off > (SLOW if recording.t_offset > 0.0 else FAST) + error


def decided(
    fit_initial: bool | None,
    neuron: Neuron,
    recordings: Sequence[Recording],
    noise: Sequence[float],
) -> tuple[bool, str]:
    """Whether initial states are fitted, and a line that says why where nobody said so.

    A neuron that names a start for each of its gates has told what a recording starts from.
    """
    if fit_initial is not None:
        return fit_initial, ""
    pairs = zip(recordings, noise, strict=True)
    named = set(neuron.states[1:]) <= {name for name, _ in neuron.initial}
    moving = sum(
        in_motion(neuron, r, size) for r, size in pairs if not (named and r.t_offset == 0.0)
    )
    if neuron.right_hand_side is not None or not moving:
        return False, ""
    return True, (
        f"{moving} of {len(recordings)} recordings do not start at rest: "
        "the hidden states that they start from are fitted"
    )
