"""The verb `propose`: a neuron to begin with, from recordings alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from . import _propose_spiking as _real
from ._evaluate import evaluate
from ._fit import fit
from .backends.base import Backend
from .backends.options import SolveOptions, options_of
from .errors import InputError, RecordingError
from .fitting.stage import Stage
from .neuron.channels import Channel
from .neuron.neuron import Neuron, leak
from .proposal.candidates import Candidate, channels, passive_neuron, spiking, with_networks
from .proposal.commands import COMMAND_BLOCK, smoothed_command
from .proposal.passive import SPIKE, passive_membrane
from .proposal.result import Proposal
from .recordings import Recording
from .recordings.denoise import level
from .recordings.temperatures import at, temperature_of

__all__ = ["Proposal", "propose"]

# So many recordings are simulated, each up to so long (ms), with samples so far apart (ms).
_AT_MOST, _LONGEST, _SPACING = 5, 600.0, 0.1
_ENOUGH = 5000  # samples that are not thinned
_BEFORE = 50.0  # ms before the first spike, or else the first change of the command
# So many of the best candidates have their conductances fitted.
_FITTED = 3
_CLAMPED = Stage("clamped", "lbfgs", 60)
# A candidate whose residual is beyond so many times the noise gets networks.
_EXPLAINED = 3.0
_LEAST_NOISE = 0.5  # mV; what a published model misses in any case
# A second channel has to take this part of the residual away.
_WORTH = 0.2
_QUICK = SolveOptions(rtol=1e-4, atol=1e-6)

Say = Callable[[str], None]
_Solve = dict[str, Any]  # backend and options, as the verbs take them


def propose(
    recordings: Recording | Iterable[Recording],
    *,
    networks: bool = True,
    backend: str | Backend = "auto",
    say: Say | None = None,
    **options: Any,
) -> Proposal:
    """Propose a neuron for recordings of a cell of which nothing is known.

    Current clamp: capacitance, leak and rest come from the small responses; the neurons of the
    library are brought to that membrane, simulated, and ordered by their error; the conductances of
    the best three are fitted to the currents. Voltage clamp: a leak and each channel of the library
    are fitted to the current, then a second channel is added to the best where that helps. Where
    the best candidate is further off than the noise, its gates get networks that begin at the
    published kinetics; `fit` trains them.

    What it cannot do: find channels that are not in the library, tell apart channels that these
    recordings do not excite, dendrites, calcium, synapses. It is a start for a fit, not a result.

    Parameters
    ----------
    recordings : Recording or several
        All of one kind of clamp, with the current in one unit.
    networks : bool
        Whether gates may get networks.
    backend : str or Backend
        ``"auto"``, ``"torch"`` or ``"julia"``.
    say : callable, optional
        Called with each line of the log as it comes.
    **options
        How to solve: `SolveOptions`, one by one (``rtol=1e-5``) or as ``options=SolveOptions(…)``.
        Default ``rtol=1e-4, atol=1e-6``.

    Returns
    -------
    Proposal

    Raises
    ------
    InputError
        For recordings of both kinds of clamp or in several units, and where the passive membrane
        cannot be estimated.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.Neuron("cell", (ph.leak(5.0, -70.0),), c_m=100.0, v_rest=-70.0)
    >>> step = ph.CurrentClamp.step(25.0, start=20.0, stop=120.0, t_end=200.0, unit="pA")
    >>> sweep = ph.Recording.from_solution(ph.simulate(cell, step, backend="torch"))
    >>> proposal = propose(sweep, backend="torch")
    >>> proposal.trainable
    ('capacitance', 'conductances', 'l.e')
    """
    solve: _Solve = {
        "backend": backend,
        "options": options_of(options, _QUICK, propose),
    }
    items = [recordings] if isinstance(recordings, Recording) else list(recordings)
    unit = _checked(items)
    log: list[str] = []

    def tell(line: str) -> None:
        log.append(line)
        if say is not None:
            say(line)

    few = _few(items)
    if len(few) < len(items):
        tell(f"{len(few)} of {len(items)} recordings are used, up to {_LONGEST:g} ms of each")
    if any(smoothed_command(r) is not r for r in items):
        tell(f"commands that were measured are used as their means over {COMMAND_BLOCK:g} ms")
    by_clamp = _current_clamp if items[0].observed == "v" else _voltage_clamp
    candidates, trainable, noise = by_clamp(items, few, unit, solve, tell)
    best = candidates[0]
    # Gates that are driven by the command are quick to fit, and each voltage adds to them.
    used = tuple(few if items[0].observed == "v" else items)
    limit = _EXPLAINED * noise
    if not networks or not best.neuron.gates or best.rmse <= limit:
        tell(f"proposed: {best.name}, residual {best.rmse:.3g} (noise {noise:.3g})")
        return Proposal(best.neuron, trainable, tuple(candidates), tuple(log), used)
    if _real.is_real(items):
        neuron, used = _real.searched(items, passive_membrane(items), unit, candidates, solve, tell)
        tell(
            f"proposed: {neuron.name}, and one more current that is learned, which is zero at first"
        )
        trainable = ("networks", *_real.NUMBERS)
        neuron = _real.with_learned_current(neuron)
        return Proposal(neuron, trainable, tuple(candidates), tuple(log), used)
    neuron = with_networks(best.neuron)
    tell(
        f"proposed: {best.name}, whose residual {best.rmse:.3g} is {best.rmse / noise:.0f} times "
        f"the noise; its gates {', '.join(x.name for x in neuron.gates)} get networks that "
        "begin at the published kinetics"
    )
    return Proposal(neuron, ("networks", *trainable), tuple(candidates), tuple(log), used)


def _checked(items: Sequence[Recording]) -> str:
    """The unit of the current."""
    if not items:
        raise InputError("recordings: an empty sequence; give at least one")
    kinds = {r.observed for r in items}
    units = {r.current_unit for r in items}
    if len(kinds) > 1:
        raise InputError("recordings are of both kinds of clamp: propose from one kind at a time")
    if len(units) > 1:
        raise InputError(f"recordings have currents in {' and '.join(sorted(units))}: convert them")
    return units.pop()


def _few(items: Sequence[Recording]) -> list[Recording]:
    """Recordings over the whole range of commands, shortened and thinned."""
    order = sorted(range(len(items)), key=lambda k: float(np.mean(items[k].command)))
    picked = np.unique(
        np.linspace(0, len(order) - 1, min(len(order), _AT_MOST)).round().astype(int)
    )
    found = []
    for k in sorted(order[i] for i in picked):
        item = items[k]
        if float(item.t[-1] - item.t[0]) > _LONGEST:
            spikes = item.t[item.data > SPIKE] if item.observed == "v" else item.t[:0]
            changes = item.t[1:][np.diff(item.command) != 0.0]
            events = spikes if len(spikes) else changes
            first = float(events[0]) - _BEFORE if len(events) else float(item.t[0])
            start = max(float(item.t[0]), min(first, float(item.t[-1]) - _LONGEST))
            item = item.window(start, start + _LONGEST)
        item = smoothed_command(item)
        every = max(1, int(_SPACING / float(np.median(np.diff(item.t))) + 1e-6))
        found.append(item if every == 1 or len(item) <= _ENOUGH else item.thinned(every))
    return found


def _current_clamp(items, few, unit, solve, tell):
    passive = passive_membrane(items)
    start = passive_neuron(passive, unit)
    of = start.layout
    tell(
        f"passive membrane from {', '.join(passive.names) or 'the recordings'}: "
        f"c_m = {passive.c:.4g} {of['c_m'].unit}, g = {passive.g:.4g} {of['l.g'].unit}, "
        f"e = {passive.e:.1f} mV, tau = {passive.tau:.3g} ms, rest {passive.v_rest:.1f} mV"
    )
    noise = max(float(np.mean([level(r) for r in items])), _LEAST_NOISE)
    trainable = ("capacitance", "conductances", "l.e")
    if not any((r.data > SPIKE).any() for r in items):
        tell("no recording holds a spike: the passive membrane is all that can be proposed")
        return [_scored("passive membrane", start, few, solve)], trainable, noise
    # The capacitance is known from the steps; free, it goes to nothing where a fit stays silent.
    trainable = ("conductances", "l.e")
    known = _at(spiking(passive, unit), temperature_of(items), tell)
    tried = [_scored(c.name, c.neuron, few, solve) for c in known]
    tried.sort(key=lambda c: c.score)
    for c in tried:
        tell(_line(c))
    # Along the measured voltage the currents are linear in the conductances: no solver is needed.
    held: dict[str, Any] = {"trainable": ["conductances"], "schedule": _CLAMPED}
    fitted = []
    for c in tried[:_FITTED]:
        result = fit(c.neuron, few, progress=False, **held, **solve)
        after = _scored(f"{c.name}, conductances fitted", result.neuron, few, solve)
        tell(_line(after))
        fitted.append(after)
    return sorted([*fitted, *tried], key=lambda c: c.score), trainable, noise


def _at(candidates: Sequence[Candidate], temperature: float | None, tell: Say) -> list[Candidate]:
    """The candidates at the temperature of the recordings, without those that do not say how."""
    if temperature is None:
        return list(candidates)
    found = []
    for c in candidates:
        try:
            neuron, taken = at(c.neuron, temperature)
        except RecordingError:
            tell(f"  {c.name}: left out, its gates do not say how to get to {temperature:g} °C")
            continue
        if taken:
            tell(f"  {c.name}: at {temperature:g} °C by the q10 of its gates")
        found.append(replace(c, neuron=neuron))
    return found


def _line(c: Candidate) -> str:
    return f"  {c.name}: rmse {c.rmse:.1f} mV, spikes off by {100 * c.spikes_off:.0f} %"


def _scored(name: str, neuron: Neuron, recordings: Sequence[Recording], solve: _Solve) -> Candidate:
    rows = evaluate(neuron, recordings, **solve).rows()
    rmse = float(np.sqrt(np.mean([float(row["rmse"]) ** 2 for row in rows])))
    off = [
        abs(row["spikes_predicted"] - row["spikes_measured"]) / max(row["spikes_measured"], 1)
        for row in rows
    ]
    return Candidate(name, neuron, rmse, float(np.mean(off)))


def _voltage_clamp(items, few, unit, solve, tell):
    noise = float(np.mean([_scatter(r) for r in items]))
    size = float(np.max([np.ptp(r.data[r.mask]) for r in few]))
    scale = max(size, 1e-12) / 50.0
    base = Neuron("leak", (leak(0.1 * scale, -70.0),), current_unit=unit)
    base = replace(base, temperature=temperature_of(items))
    trainable = ("conductances", "reversals")
    best = _fitted_current("leak alone", base, few, trainable, solve)
    tell(f"  {best.name}: rmse {best.rmse:.3g} {unit}")
    tried = [best]
    for _ in range(2):
        round_ = []
        for channel in channels():
            if any(c.name == channel.name for c in best.neuron.channels):
                continue
            added = best.neuron.with_channel(_named(replace(channel, g=scale)))
            name = channel.name if best.name == "leak alone" else f"{best.name} + {channel.name}"
            round_.append(_fitted_current(name, added, few, trainable, solve))
        round_.sort(key=lambda c: c.score)
        for c in round_[:3]:
            tell(f"  {c.name}: rmse {c.rmse:.3g} {unit}")
        tried += round_
        if not round_ or round_[0].rmse > (1.0 - _WORTH) * best.rmse:
            break
        best = round_[0]
        if best.rmse <= _EXPLAINED * noise:
            break
    rest = sorted((c for c in tried if c is not best), key=lambda c: c.score)
    return [best, *rest], trainable, max(noise, 1e-12)


def _named(channel: Channel) -> Channel:
    """Gates named after the channel, so that two channels go together."""
    gates = tuple(replace(x, name=f"{x.name}_{channel.name}") for x in channel.gates)
    return channel.with_gates(gates)


def _fitted_current(name, neuron, recordings, trainable, solve: _Solve) -> Candidate:
    result = fit(neuron, recordings, trainable=list(trainable), progress=False, **solve)
    rmse = float(np.sqrt(np.mean(np.asarray(result.train_error.rmse) ** 2)))
    return Candidate(name, replace(result.neuron, name=name), rmse)


def _scatter(recording: Recording) -> float:
    """Standard deviation of the noise of a current, from second differences (their median)."""
    second = np.diff(recording.data[recording.mask], 2)
    return float(np.median(np.abs(second))) / 0.6745 / np.sqrt(6.0)
