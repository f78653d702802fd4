"""A command that is not in the file: ``--step AMP --start MS --stop MS``, or ``--protocol``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..protocols import CurrentClamp, Protocol, Step, VoltageClamp
from ..recordings import Recording
from .parser import number

# Until the file is read, a step lasts as long as any recording (ms).
_ANY = 1e9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that state the command of files that do not hold it."""
    group = parser.add_argument_group(
        "a command that is not in the files",
        "With --clamp current a step of current above 0, in --current-unit; with --clamp voltage "
        "a step of voltage to MV, from --holding. One for all sweeps, or one for each that is "
        "read, in their order. Time is counted from the first sample of a sweep.",
    )
    what = group.add_mutually_exclusive_group()
    what.add_argument("--step", nargs="+", type=number, metavar="AMP", help="levels of a step")
    what.add_argument(
        "--protocol", type=Path, metavar="FILE", help="protocols as JSON (as simulate writes)"
    )
    group.add_argument("--start", type=number, metavar="MS", help="beginning of the step")
    group.add_argument("--stop", type=number, metavar="MS", help="end of the step [to the end]")
    group.add_argument("--holding", type=number, metavar="MV", help="before and after the step")


def protocols(options: argparse.Namespace) -> list[Protocol]:
    """The protocols that the options state, none when the files hold their command.

    Raises
    ------
    InputError
        When a part of the step is missing, or one is given without a step.
    """
    if options.protocol is not None:
        from .simulate import read_protocols

        _refuse(options, ("start", "stop", "holding"), "--protocol states it")
        return read_protocols(options.protocol)
    if not options.step:
        _refuse(options, ("start", "stop", "holding"), "give --step as well")
        return []
    if options.start is None:
        raise InputError("--step: give --start (ms), when the step begins")
    if options.clamp not in ("current", "voltage"):
        raise InputError("--step: give --clamp current or --clamp voltage, which it is a step of")
    if options.clamp == "current":
        _refuse(options, ("holding",), "it is of --clamp voltage")
        if options.current_unit is None:
            raise InputError("--step: give --current-unit, for instance pA or uA/cm2")
        unit = options.current_unit
        steps = [Step(options.start, options.stop, level) for level in options.step]
        return [CurrentClamp(waveform, _ANY, unit) for waveform in steps]
    if options.holding is None:
        raise InputError("--step with --clamp voltage: give --holding (mV)")
    return [
        VoltageClamp(
            Step(options.start, options.stop, level - options.holding, options.holding), _ANY
        )
        for level in options.step
    ]


def argument(given: Sequence[Protocol]) -> dict[str, Any]:
    """`given` as the argument of `pyhodgkin.read`."""
    if not given:
        return {}
    return {"protocol": given[0] if len(given) == 1 else list(given)}


def ended(recording: Recording) -> Recording:
    """The recording with a protocol that ends with it, where a step of ours has no end yet.

    Raises
    ------
    InputError
        When the step begins after the last sample.
    """
    protocol = recording.protocol
    if protocol.t_end != _ANY:
        return recording
    t_end = float(recording.t[-1])
    waveform = protocol.waveform
    if isinstance(waveform, Step) and waveform.start >= t_end:
        raise InputError(
            f'--start {waveform.start:g} ms: the step begins after "{recording.name}" ends, at '
            f"{t_end:g} ms"
        )
    if isinstance(waveform, Step) and waveform.stop is not None and waveform.stop > t_end:
        spacing = float(np.median(np.diff(recording.t)))
        if waveform.stop > t_end + 1.5 * spacing:
            raise InputError(
                f'--stop {waveform.stop:g} ms: the step ends after "{recording.name}" does, at '
                f"{t_end:g} ms"
            )
    return replace(recording, protocol=replace(protocol, t_end=t_end))


def _refuse(options: argparse.Namespace, names: Sequence[str], why: str) -> None:
    for name in names:
        if getattr(options, name) is not None:
            raise InputError(f"--{name} {getattr(options, name):g}: {why}")
