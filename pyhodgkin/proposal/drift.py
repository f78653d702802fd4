"""The drift of the rest between recordings of a cell: found, and taken where it matters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import InputError, RecordingError
from ..fitting.checks import divide
from ..recordings import Recording
from ..recordings.drift import Drift, baseline, drift_by
from .passive import SPIKE, passive_membrane

WORTH = 1.0  # mV between the lowest rest and the highest: less is not drift


def drift_of(recordings: Recording | Iterable[Recording]) -> Drift | None:
    """How the rest of a cell drifts between recordings; None where one of them shows no rest.

    The conductance of the membrane is found from the small responses, as in `propose`. The current
    of each recording is what the membrane needs to be at the v measured before the first change of
    the command, less the median over the recordings. For held-out recordings use the drift of those
    trained on: `Drift.current` needs nothing but what comes before the stimulus.

    Parameters
    ----------
    recordings : Recording or several
        Of current clamp, each with 20 ms or more before its command changes.

    Raises
    ------
    InputError
        Where the passive membrane cannot be estimated.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.Neuron("cell", (ph.leak(5.0, -70.0),), c_m=100.0, v_rest=-70.0)
    >>> step = ph.CurrentClamp.step(25.0, start=50.0, stop=150.0, t_end=250.0, unit="pA")
    >>> sweep = ph.Recording.from_solution(ph.simulate(cell, step, saveat=0.1, backend="torch"))
    >>> lower = ph.Recording(sweep.t, step, v=sweep.v - 2.0)
    >>> drift = ph.drift_of([sweep, lower])
    >>> [round(drift.current(r)) for r in (sweep, lower)]
    [5, -5]
    """
    items = [recordings] if isinstance(recordings, Recording) else list(recordings)
    return drift_by(items, passive_membrane(items).g)


def drift_asked(
    drift: Drift | bool | None, recordings: Any, heldout: Any, automatic: bool
) -> Drift | None:
    """The drift that a fit takes out, from its argument."""
    if isinstance(drift, Drift):
        return drift
    if drift is not None and not isinstance(drift, (bool, np.bool_)):
        raise InputError(f"drift is a {type(drift).__name__}; give a Drift, True or False")
    if drift is False or (drift is None and not automatic):
        return None
    train, held = divide(recordings, heldout)
    if drift is None:
        return drift_for(train, held)
    for recording in (*train, *held):
        baseline(recording)  # says what is missing
    found = drift_of(train)
    assert found is not None
    return found


def drift_for(train: Sequence[Recording], held: Sequence[Recording]) -> Drift | None:
    """The drift that a fit takes into account by itself."""
    items = (*train, *held)
    spiking = all(r.observed == "v" and r.current_unit != "uA/cm2" for r in items) and any(
        (r.data > SPIKE).any() for r in train
    )
    if not spiking or len(train) < 2 or any(r.drift_current is not None for r in items):
        return None
    if len({r.cell for r in items}) > 1 or len({r.current_unit for r in items}) > 1:
        return None
    try:
        for recording in items:
            baseline(recording)
        drift = drift_of(train)
    except (InputError, RecordingError):
        return None
    if drift is None:
        return None
    spread = float(np.ptp([drift.current(r) for r in train])) / drift.conductance
    return None if spread < WORTH else drift
