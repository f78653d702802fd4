"""What could be changed where a fit leaves more than noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..neuron.channels import Channel
from ..neuron.neuron import Neuron
from ..numerics.arrays import Indices
from ..recordings import Recording
from ..results.active_bounds import ActiveBound

AFTER_STEP = 1.0  # ms
FEW = 0.5  # of the squared residual: what is left over without those


def advice(
    neuron: Neuron,
    indices: Indices,
    starts: int,
    reached: Sequence[ActiveBound] = (),
) -> tuple[str, ...]:
    """Options that free more, in Python and on the command line.

    Parameters
    ----------
    neuron : Neuron
    indices : array of int
        Places of what was trained.
    starts : int
        How many starts there were.
    reached : sequence of ActiveBound
        Limits that the fit has reached.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> advice(cell, cell.layout.select("k.g"), 1)[0]
    'free na.g, l.g as well (trainable=["k.g", "na.g", "l.g"]; --train k.g na.g l.g)'
    """
    layout, found = neuron.layout, []
    bounded = list(dict.fromkeys(x.name for x in reached if x.kind == "bound"))
    if bounded:
        found.append(f"widen the bounds of {', '.join(bounded[:3])} (bounds=)")
    trained = set(indices.tolist())
    networks = bool(trained & set(layout.select("networks").tolist()))
    numbers = [e.name for e in layout if e.group != "networks" and e.start in trained]
    held = [c for c in neuron.channels if isinstance(c, Channel)
            and layout[f"{c.name}.g"].start not in trained]  # fmt: skip
    if networks:
        # A gate and the conductance behind it are one product: that one first.
        first = [c for c in held if any(_learned(neuron, c, g.name, trained) for g in c.gates)]
        held = first or held
    if held:
        names = [f"{c.name}.g" for c in held]
        words = [
            *(["networks"] if networks else []),
            *(numbers if len(numbers) < 5 else []),
            *names,
        ]
        listed = ", ".join(f'"{w}"' for w in words)
        found.append(
            f"free {', '.join(names)} as well (trainable=[{listed}]; --train {' '.join(words)})"
        )
    if networks and starts == 1:
        found.append("try more starts (seeds=5; --seeds 5)")
    if not networks and neuron.gates:
        found.append("put a network in the place of a gate (NeuralKinetics; --gate NAME)")
    if not found:
        found.append("try a neuron with other channels, or state the noise (noise=)")
    return tuple(found)


def transients(recordings: Sequence[Recording], predicted: Sequence[NDArray]) -> tuple[str, ...]:
    """What to leave out where the residual of a voltage clamp is that of its steps.

    A clamped neuron has no capacitive current; what was measured has one after each step, where
    the amplifier did not subtract it.

    Parameters
    ----------
    recordings : sequence of Recording
    predicted : sequence of array (T,)
    """
    pairs = zip(recordings, predicted, strict=True)
    commanded = [pair for pair in pairs if pair[0].observed == "current"]
    total = rest = 0.0
    for recording, values in commanded:
        off = (values - recording.data) ** 2
        later = recording.masked_after_steps(AFTER_STEP)
        total += float(np.sum(off[recording.mask]))
        rest += float(np.sum(off[later.mask]))
    if not rest < FEW * total:
        return ()
    return (
        f"leave out the {AFTER_STEP:g} ms after each step of the command, where most of the "
        f"residual is, as of a capacitive current (masked_after_steps({AFTER_STEP:g}); "
        f"--mask-steps {AFTER_STEP:g})",
    )


def _learned(neuron: Neuron, channel: Channel, gate: str, trained: set[int]) -> bool:
    stem = f"{channel.name}.{gate}.network.weight0"
    return any(e.name == stem and e.start in trained for e in neuron.layout)
