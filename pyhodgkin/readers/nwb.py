"""Neurodata Without Borders files, through PyNWB."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BackendUnavailableError, RecordingError, RecordingWarning, unknown
from ..protocols import Protocol
from ..recordings import Recording, RecordingSet
from . import nwb_facts, nwb_invalid, nwb_sizes
from .assemble import Sweep, Trace, recording
from .nwb_pairs import Pair, is_zero_current, pairs
from .nwb_series import Cut, Samples, cut, samples
from .options import COMMON, Options

TAKES = COMMON | {"electrode"}
INSTEAD = {
    **dict.fromkeys(
        ("time", "dt", "rate", "time_unit"), "the file states the times of its samples"
    ),
    **dict.fromkeys(("voltage", "current"), "the file states which series are paired"),
    "sweep": "choose with sweeps=",
    **dict.fromkeys(("channel", "command"), "channels belong to ABF files"),
}


def read_nwb(path: Path, options: Options) -> RecordingSet:
    """Current- and voltage-clamp series of a file, with their stimuli."""
    try:
        import pynwb
    except ImportError as error:
        raise BackendUnavailableError(
            'NWB files need PyNWB: pip install "pyhodgkin[readers]"'
        ) from error
    _refuse_version_1(path)
    nwb_sizes.check(path)
    try:
        opener: Any = pynwb.NWBHDF5IO
        with opener(str(path), "r", load_namespaces=True) as io:
            with warnings.catch_warnings():  # of PyNWB, about older versions of the format
                warnings.simplefilter("ignore")
                file = io.read()
            return _recordings(path, file, options)
    except RecordingError:
        raise
    except Exception as error:  # a damaged file shows itself in many ways
        text = f"{error or type(error).__name__}"
        raise RecordingError(f"{path} cannot be read as NWB, or is cut short: {text}") from None


def _refuse_version_1(path: Path) -> None:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            stated: Any = file["nwb_version"] if "nwb_version" in file else None
            version = None if stated is None else stated[()]
    except (OSError, RuntimeError, KeyError):  # told by PyNWB
        return
    if version is not None:
        text = version.decode(errors="replace") if isinstance(version, bytes) else str(version)
        raise RecordingError(
            f"{path} is of version {text} of the format; version 2 is read: convert it"
        )


def _recordings(path: Path, file: Any, options: Options) -> RecordingSet:
    found = [p for p in pairs(file) if options.clamp in (None, p.clamp)]
    if not found:
        wanted = f"{options.clamp}-clamp" if options.clamp else "current- or voltage-clamp"
        raise RecordingError(f"{path} holds no {wanted} series")
    found = _of_electrode(path, found, options)
    chosen = options.chosen([p.name for p in found], path)
    _tell(path, file, [found[i] for i in chosen], options)
    made = [
        _recording(path, file, found[i], options, options.protocol_of(k, len(chosen)))
        for k, i in enumerate(chosen)
    ]
    kept = [item for item in made if item is not None]
    if not kept:
        raise RecordingError(f"{path}: no sweep that was chosen has data that are not NaN")
    return RecordingSet(kept)


def _of_electrode(path: Path, found: list[Pair], options: Options) -> list[Pair]:
    if options.electrode is None:
        return found
    names = _electrodes(found)
    if options.electrode not in names:
        raise RecordingError(f"{path}: {unknown('electrode', str(options.electrode), names)}")
    return [p for p in found if p.electrode is not None and p.electrode.name == options.electrode]


def _electrodes(found: list[Pair]) -> list[str]:
    return list(dict.fromkeys(str(p.electrode.name) for p in found if p.electrode is not None))


def _tell(path: Path, file: Any, read: list[Pair], options: Options) -> None:
    """Warn of what a reader of the file may not know."""
    names = _electrodes(read)
    if len(names) > 1:
        _warn(
            f"{path} has sweeps of {len(names)} electrodes ({', '.join(names)}), which may be in "
            "several cells: electrode= chooses one"
        )
    if options.junction_potential is None:
        said = nwb_facts.junction_potential_text(file, [p.response for p in read])
        if said:
            _warn(
                f'{path} mentions a junction potential ("{said}") and does not say in a field '
                "whether it was subtracted: nothing is subtracted here; junction_potential= does"
            )


def _recording(
    path: Path, file: Any, pair: Pair, options: Options, given: Protocol | None
) -> Recording | None:
    """The recording of a pair; None, with a warning, when all of it is NaN."""
    where = f"{path}, {pair.name}"
    try:
        response = samples(pair.response, pair.response_part, where)
        command = None if given is not None else _command(pair, response, where)
        known = cut(response, command, where)
    except RecordingError:
        raise
    except Exception as error:  # damaged data
        raise RecordingError(f"{where} cannot be read: {error}; leave it out with exclude=") from (
            None
        )
    if known is None:
        _warn(
            f"{where} is left out: response and stimulus have no two samples in common that are "
            "not NaN"
        )
        return None
    if known.notes:
        _warn(f"{where}: {'; '.join(known.notes)}; the rest is read")
    sweep = _sweep(path, pair, known, where, given is not None)
    times = known.response.start + known.response.t / 1000.0
    keep = nwb_invalid.valid(file, pair.response, times)
    if keep is not None:
        if not keep.any():
            _warn(f"{where} is left out: the file calls all of it invalid (invalid_times)")
            return None
        sweep = replace(sweep, mask=keep if sweep.mask is None else sweep.mask & keep)
    return recording(sweep, options, given)


def _command(pair: Pair, response: Samples, where: str) -> Samples:
    if pair.stimulus is not None:
        return samples(pair.stimulus, pair.stimulus_part, where)
    if is_zero_current(pair.response):
        zero = Trace(np.zeros(2), "amperes", "I = 0 mode")
        end = float(response.t[-1]) if len(response.t) else 0.0
        return Samples(response.start, np.array([0.0, end + response.dt]), zero)
    raise RecordingError(
        f"{where} holds no command {pair.clamp}: {pair.problem}; give protocol=, or leave the "
        "sweep out with exclude="
    )


def _sweep(path: Path, pair: Pair, known: Cut, where: str, given: bool) -> Sweep:
    facts = nwb_facts.facts(pair.response, pair.electrode, pair.clamp)
    observed, command = known.response.trace, None
    if known.command is not None:
        command = replace(known.command.trace, t=known.command.t)
    bias = nwb_facts.number(pair.response, "bias_current") if pair.clamp == "current" else None
    if bias and given:
        facts.pop("bias_current", None)
        _warn(
            f"{where} states a bias current of {bias * 1e12:g} pA; protocol= is taken as the whole "
            "command, with nothing added"
        )
    elif bias and command is not None:
        command = replace(command, holding=bias)
    current_clamp = pair.clamp == "current"
    return Sweep(
        t=known.response.t,
        voltage=observed if current_clamp else command,
        current=command if current_clamp else observed,
        clamp=pair.clamp,
        name=pair.name,
        source=str(path),
        t_start=float(known.response.t[0]),
        origin=1000.0 * known.response.start,
        mask=known.mask,
        overridable=True,
        facts=facts,
    )


def _warn(text: str) -> None:
    warnings.warn(text, RecordingWarning, stacklevel=2)
