"""What must hold before training starts; one clear error each, and nothing written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..backends.base import Backend, SolveOptions
from ..backends.loss import Loss
from ..errors import InputError, RecordingError, unknown
from ..neuron.neuron import Neuron
from ..numerics.arrays import Indices
from ..recordings import Recording, RecordingSet
from ..recordings.matching import unit_of
from ..recordings.observables import observables_of, of
from ..storage.claims import Claim
from ..units import written
from .losses import Losses, loss_for
from .stage import Stage

Recordings = Recording | Iterable[Recording]
PRIORS = ("auto", "smooth", "none")


def recordings_of(
    recordings: Recordings, argument: str = "recordings", mixed: bool = False
) -> tuple[Recording, ...]:
    """One or several recordings as a tuple, of any clamp; of one unit of current unless `mixed`."""
    if isinstance(recordings, (str, bytes, Path)) or not isinstance(
        recordings, (Recording, Iterable)
    ):
        raise InputError(
            f"{argument} is a {type(recordings).__name__}; give a Recording or several "
            "(pyhodgkin.read reads them from a file)"
        )
    items = (recordings,) if isinstance(recordings, Recording) else tuple(recordings)
    if not items:
        raise RecordingError(f"{argument} is empty: give at least one Recording")
    for item in items:
        if not isinstance(item, Recording):
            raise RecordingError(f"{argument} holds a {type(item).__name__}, not a Recording")
    if not mixed:
        unit_of(items, argument)
    return items


def divide(
    recordings: Recordings,
    heldout: Recordings | float | str | Sequence[str] | None,
    mixed: bool = False,
) -> tuple[tuple[Recording, ...], tuple[Recording, ...]]:
    """Training and held-out recordings.

    A fraction holds out the last recordings, names those of that name; recordings given on
    their own must not be among those trained on.
    """
    train = recordings_of(recordings, mixed=mixed)
    if heldout is None:
        return train, ()
    if isinstance(heldout, (int, float)):
        if not 0 < heldout < 1:
            raise InputError(f"heldout = {heldout}: a fraction lies between 0 and 1")
        first, last = RecordingSet(train).split(1.0 - float(heldout))
        return tuple(first), tuple(last)
    names = [heldout] if isinstance(heldout, str) else heldout
    if isinstance(names, Sequence) and names and all(isinstance(n, str) for n in names):
        chosen, rest = RecordingSet(train).split(names)  # type: ignore[arg-type]
        return tuple(rest), tuple(chosen)
    held = recordings_of(heldout, "heldout", mixed)  # type: ignore[arg-type]
    recordings_of((*train, *held), "recordings and heldout", mixed)
    for recording in held:
        if any(recording is other or _same(recording, other) for other in train):
            name = recording.name or "without a name"
            raise RecordingError(
                f'heldout: recording "{name}" is also trained on; its error would say nothing'
            )
    return train, held


def _same(a: Recording, b: Recording) -> bool:
    return (
        np.array_equal(a.t, b.t)
        and np.array_equal(a.data, b.data)
        and np.array_equal(a.command, b.command)
    )


def reread(given: Any) -> Any:
    """What can be gone through more than once: an iterator as a tuple, else what is given."""
    return tuple(given) if isinstance(given, Iterator) else given


def trainable_of(neuron: Neuron, patterns: str | Sequence[str] | None) -> Indices:
    """Places of the trainable parameters; by default the networks, or without any ``physical``."""
    given = patterns is not None
    if not given:
        found = neuron.layout.select("networks")
        return found if len(found) else neuron.layout.select("physical")
    found = neuron.layout.select(patterns)  # type: ignore[arg-type]
    if len(found) == 0:
        raise InputError(
            f'trainable = {patterns!r} names no parameter of neuron "{neuron.name}"; '
            f"it has {', '.join(entry.name for entry in list(neuron.layout)[:12])}, …"
        )
    return found


def left_out(neuron: Neuron, indices: Indices) -> str:
    """What is said where conductances, reversals and capacitance are fitted and no rates are.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("traub_miles")
    >>> left_out(cell, cell.layout.select("physical"))[:35]
    'the rates of na.m, na.h, k.n stay a'
    """
    layout, moved = neuron.layout, set(indices.tolist())
    rates, physical = (set(layout.select(group).tolist()) for group in ("rates", "physical"))
    if not rates or moved & rates or not physical <= moved:
        return ""
    gates = dict.fromkeys(".".join(layout.names[i].split(".")[:2]) for i in sorted(rates))
    return (
        f'the rates of {", ".join(gates)} stay as they are; "rates" in trainable fits them too '
        '(trainable=["physical", "rates"]; --train physical rates)'
    )


def stages_fit(
    schedule: Sequence[Stage],
    neuron: Neuron,
    train: Sequence[Recording],
    loss: Loss | Losses,
    heldout: Sequence[Recording] = (),
) -> None:
    """Whether each stage can be run with this neuron, these recordings and this loss."""
    kinds = observables_of(train)
    if neuron.right_hand_side is not None and len(observables_of((*train, *heldout))) > 1:
        raise InputError(
            f'neuron "{neuron.name}" is one network, a NeuralRightHandSide, which has no current: '
            "give it recordings of current clamp only"
        )
    for i, stage in enumerate(schedule, 1):
        compared, where = stage.loss or loss, f"stage {i} ({stage.label})"
        _check_scale(where, compared, (*train, *heldout))
        stage.mode.check(where, stage, neuron, train, loss_for(compared, kinds[0]))
        for recording in train if len(kinds) == 1 else of(train, "v"):
            if stage.horizon is not None and stage.horizon <= recording.t[1]:
                raise InputError(
                    f"stage {i}: horizon = {stage.horizon:g} ms leaves fewer than two samples of "
                    f'recording "{recording.name}"'
                )


def _check_scale(where: str, loss: Loss | Losses, recordings: Sequence[Recording]) -> None:
    """Raise where one scale is to be the unit of two observables."""
    units = {r.observed: r.unit for r in recordings}
    if isinstance(loss, Losses) or loss.scale is None or len(units) < 2:
        return
    raise InputError(
        f"{where}: loss: scale = {loss.scale:g} is a unit of one observable, and the recordings "
        f"are of v ({units['v']}) and of the current ({written(units['current'])}): give one loss "
        f'for each, loss={{"v": Loss(scale=…), "current": Loss(scale=…)}}'
    )


def seeds_of(seeds: int | Sequence[int] | None) -> tuple[int | None, ...]:
    """The starts: None for the networks as given, a number for so many, or their seeds."""
    if seeds is None:
        return (None,)
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        if seeds < 1:
            raise InputError(f"seeds = {seeds}: give a number of starts, at least 1, or a list")
        return tuple(range(int(seeds)))
    items = tuple(seeds) if isinstance(seeds, Iterable) else ()
    if not items or any(not isinstance(s, (int, np.integer)) or s < 0 for s in items):
        raise InputError(f"seeds = {seeds!r}: give a number of starts, or a list of seeds >= 0")
    if len(set(items)) < len(items):
        raise InputError(f"seeds = {seeds!r}: a seed is named twice")
    return tuple(int(s) for s in items)


def claim_of(
    out: str | os.PathLike[str] | None, resume: bool, overwrite: bool = False
) -> Claim | None:
    """The folder of the run, if it can be one; it is not made yet."""
    if out is None:
        for name, given in (("resume", resume), ("overwrite", overwrite)):
            if given:
                raise InputError(f"{name}=True needs out=, the folder of the run")
        return None
    return Claim(out, "fit", overwrite=overwrite, resume=resume, direct=True)


def engine_of(backend: str | Backend, options: SolveOptions, neuron: Neuron) -> Backend:
    """The engine of that name, which must know what the options ask for; or the one given."""
    if not isinstance(backend, str):
        return backend
    from ..backends import get

    return get(backend, options, [neuron])


def prior_of(prior: str) -> None:
    """Whether `prior` is one that learned curves can have."""
    if prior not in PRIORS:
        raise unknown("prior", prior, PRIORS)


def starts_over_workers(asked: bool, resume: bool, callback: Any) -> None:
    """Refuse what cannot be had where each start is trained by a worker."""
    if asked and (resume or callback is not None):
        raise InputError(
            "seeds with workers or cluster: each start is trained as a whole by a worker, with no "
            "checkpoints and no callback; leave out resume and callback, or fit one seed a call"
        )
