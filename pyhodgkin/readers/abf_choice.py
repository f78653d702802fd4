"""Which channel of an Axon Binary Format file is read, and where its command is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import RecordingError, nearest
from ..units import AMPERE, PER_AREA, VOLTAGE, spelled
from .abf_header import EPISODIC, MODES, Header, Input, Output, StimulusFile
from .options import Options

OBSERVED = {"current": "voltage", "voltage": "current"}  # by clamp

# Amplifiers whose potential output has one fixed gain, as the format numbers them: volts per mV.
_POTENTIAL_OUTPUT = {24: ("MultiClamp 700", 0.01)}


@dataclass(frozen=True)
class Choice:
    """What to read. The command is a recorded channel, or what an output put out, or none."""

    channel: int
    clamp: str
    unit: str | None
    scale: float = 1.0  # of what is observed, where the header has the gain of another quantity
    command_unit: str | None = None
    recorded: int | None = None
    output: Output | None = None
    held: bool = False  # the output has no waveform, only its holding level
    named: bool = False  # the caller named the output, whatever another channel shows
    notes: tuple[str, ...] = ()


def choose(path: Path, header: Header, options: Options) -> Choice:
    """Settle the channel, the clamp and the command from the header and the arguments.

    Raises
    ------
    RecordingError
        When the header contradicts itself or the arguments, or leaves a choice open; the message
        names the argument that settles it.
    """
    channel, other = _channel(path, header, options)
    choice = _clamped(path, header, channel, options)
    if options.protocol is not None:
        if other is not None:
            raise RecordingError(
                f"{path}: {choice.clamp}= names the command, which protocol= replaces: "
                "leave one out"
            )
        return choice
    named = options.command if other is None else other
    if named is not None:
        return _named_command(path, header, choice, named, options)
    return _put_out(path, header, choice, options)


def quantity(unit: str | None) -> str | None:
    """``"voltage"``, ``"current"`` or None for a unit of something else."""
    plain = spelled(unit or "")
    if plain in VOLTAGE:
        return "voltage"
    return "current" if plain in AMPERE or plain in PER_AREA else None


def stated(unit: str | None) -> str | None:
    """A unit as it is stated, None for an empty one."""
    return unit if unit and unit != "?" else None


def channel_text(header: Header, index: int) -> str:
    """A channel as messages name it."""
    channel = header.inputs[index]
    return f"{index} ({channel.name}, {channel.unit or 'unit not stated'})"


# -- the channel that is read ------------------------------------------------------------------


def _index(path: Path, header: Header, argument: str, wanted: int | str) -> int:
    names = [x.name for x in header.inputs]
    if type(wanted) is int and 0 <= wanted < len(names):
        return wanted
    if isinstance(wanted, str) and names.count(wanted) == 1:
        return names.index(wanted)
    known = ", ".join(channel_text(header, i) for i in range(len(names)))
    hint = f"; {nearest(wanted, names)}" if isinstance(wanted, str) else ""
    raise RecordingError(f"{path}: {argument}={wanted!r}: the file has channels {known}{hint}")


def _channel(path: Path, header: Header, options: Options) -> tuple[int, int | str | None]:
    """The channel that is read, and what voltage= or current= names as the command, if so."""
    given = {x: getattr(options, x) for x in ("voltage", "current")}
    given = {x: value for x, value in given.items() if value is not None}
    start = options.channel
    index = None if start is None else _index(path, header, "channel", start)
    of_unit = None if index is None else _clamp_of(header.inputs[index].unit)
    clamp = options.clamp or of_unit
    if clamp is None:
        if len(given) == 2:
            raise RecordingError(
                f"{path}: give clamp= with voltage= and current=: it says which is the command"
            )
        if given and index is None:
            ((argument, value),) = given.items()
            return _index(path, header, argument, value), None
        return (_first(path, header, None) if index is None else index), None
    own = OBSERVED[clamp]
    if own in given:
        by_quantity = _index(path, header, own, given[own])
        if index not in (None, by_quantity):
            raise RecordingError(f"{path}: channel={start!r} and {own}={given[own]!r} differ")
        index = by_quantity
    return (_first(path, header, clamp) if index is None else index), given.get(clamp)


def _first(path: Path, header: Header, clamp: str | None) -> int:
    """The first channel, or the first that records what is observed in a clamp."""
    wanted = OBSERVED[clamp] if clamp else quantity(header.inputs[0].unit)
    fitting = [i for i, x in enumerate(header.inputs) if wanted and quantity(x.unit) == wanted]
    if len({spelled(header.inputs[i].unit) for i in fitting}) > 1:
        texts = ", ".join(channel_text(header, i) for i in fitting)
        raise RecordingError(f"{path}: any of channels {texts} may be the {wanted}: give channel=")
    return fitting[0] if fitting else 0


def _clamp_of(unit: str | None) -> str | None:
    return {"voltage": "current", "current": "voltage"}.get(quantity(unit) or "")


def _clamped(path: Path, header: Header, channel: int, options: Options) -> Choice:
    """How the cell was clamped, and the unit of what was observed."""
    source = header.inputs[channel]
    by_unit = _clamp_of(source.unit)
    clamp = options.clamp or by_unit
    if clamp is None:
        texts = ", ".join(channel_text(header, i) for i in range(len(header.inputs)))
        raise RecordingError(
            f'{path} records in "{source.unit}": give clamp= and the unit, or channel= (the file '
            f"has channels {texts})"
        )
    observed = OBSERVED[clamp]
    told = getattr(options, f"{observed}_unit")
    if by_unit not in (None, clamp) and told is None:
        raise RecordingError(
            f"{path} records in {source.unit}, which is {by_unit} clamp, but clamp is {clamp}: "
            f"if the header states the wrong unit, give {observed}_unit= as well "
            f"(on the command line --{observed}-unit)"
        )
    if options.clamp is None and source.mode == "current" and clamp == "voltage":
        raise RecordingError(
            f"{path} records in {source.unit}, which is voltage clamp, but the amplifier reported "
            'current clamp: give clamp="current" and voltage_unit= if the header states the wrong '
            'unit, or clamp="voltage"'
        )
    what = f"channel {channel_text(header, channel)}"
    unit, notes = _override(path, what, source.unit, told)
    choice = Choice(channel, clamp, unit, notes=notes)
    if by_unit in (None, clamp) or f"{observed}_scale" in options.given():
        return choice
    return _rescaled(path, what, choice, source)


def _rescaled(path: Path, what: str, choice: Choice, source: Input) -> Choice:
    """The gain of the other quantity, where the amplifier is one that has only one.

    The numbers were computed with the volts for each unit that the header states, which are
    those of a current where it took a potential for one.
    """
    name, volts = _POTENTIAL_OUTPUT.get(source.amplifier, ("", 0.0))
    if choice.clamp == "current" and spelled(choice.unit or "") == "mV" and name:
        note = (
            f"{path}: {what} was scaled with {source.volts:g} V/{source.unit}; the {name} puts out "
            f"the potential with {volts:g} V/mV, so its numbers are multiplied by "
            f"{source.volts / volts:g} (voltage_scale= replaces this)"
        )
        return replace(choice, scale=source.volts / volts, notes=(*choice.notes, note))
    quantity_name = OBSERVED[choice.clamp]
    note = (
        f"{path}: {what} was scaled with {source.volts:g} V/{source.unit}; if the amplifier puts "
        f"out another number of volts for each {choice.unit}, give {quantity_name}_scale="
    )
    return replace(choice, notes=(*choice.notes, note))


def _override(
    path: Path, what: str, unit: str | None, told: str | None
) -> tuple[str | None, tuple[str, ...]]:
    """The unit that the caller told, with a note where the header states another."""
    if told is None or stated(unit) is None or spelled(told) == spelled(unit or ""):
        return (told or stated(unit)), ()
    return told, (f"{path}: the header states {unit} for {what}; its numbers are taken as {told}",)


# -- the command -------------------------------------------------------------------------------


def _named_command(
    path: Path, header: Header, choice: Choice, named: int | str, options: Options
) -> Choice:
    """A recorded channel, or an output of the header."""
    told = getattr(options, f"{choice.clamp}_unit")
    outputs = [x for x in header.outputs if x.label == named]
    channels = [x.name for x in header.inputs]
    if len(outputs) == 1 and named not in channels:
        return _output(path, header, replace(choice, named=True), outputs[0], told)
    index = _index(path, header, "command", named)
    source: Input = header.inputs[index]
    what = f"channel {channel_text(header, index)}"
    if index == choice.channel:
        raise RecordingError(f"{path}: {what} is what is observed, it cannot be the command too")
    if told is None and quantity(source.unit) not in (None, choice.clamp):
        raise RecordingError(
            f"{path}: {what} is no {choice.clamp}: as the command of {choice.clamp} clamp it needs "
            f"{choice.clamp}_unit=, or give another clamp="
        )
    unit, notes = _override(path, what, source.unit, told)
    return replace(choice, recorded=index, command_unit=unit, notes=choice.notes + notes)


def _put_out(path: Path, header: Header, choice: Choice, options: Options) -> Choice:
    """The output whose unit fits the clamp."""
    told = getattr(options, f"{choice.clamp}_unit")
    enabled = [x for x in header.outputs if x.enabled and x.source != 0]
    enabled = enabled if header.mode == EPISODIC else []
    fitting = [x for x in enabled if quantity(x.unit) == choice.clamp]
    if not fitting:
        fitting = [x for x in enabled if told is not None or stated(x.unit) is None]
    if len(fitting) > 1 and any(_waveform(x) != _waveform(fitting[0]) for x in fitting):
        names = " or ".join(f'command="{x.label}"' for x in fitting)
        raise RecordingError(
            f"{path}: several outputs have a waveform in a unit of {choice.clamp}: give {names}, "
            "the one that goes to this cell"
        )
    if fitting:
        return _output(path, header, choice, fitting[0], told)
    other = [x for x in enabled if quantity(x.unit) not in (None, choice.clamp)]
    if other and options.clamp is None:
        _refuse_other_clamp(path, header, choice, other[0])
    idle = [x for x in header.outputs if quantity(x.unit) == choice.clamp]
    if not idle:
        raise RecordingError(
            f"{path} holds no command {choice.clamp}: its header has no output in a unit of "
            f"{choice.clamp}; give command= (a recorded channel) or protocol="
        )
    own = header.inputs[choice.channel].number
    same = len({x.holding for x in idle}) == 1
    output = next((x for x in idle if same or x.number == own), None)
    if output is None:
        levels = " or ".join(f'command="{x.label}" ({x.holding:g} {x.unit})' for x in idle)
        raise RecordingError(
            f"{path}: the header has no waveform for {choice.clamp} clamp, and outputs that are "
            f"held at different levels: give {levels}, or protocol="
        )
    return _output(path, header, choice, output, told)


def _waveform(output: Output) -> Output:
    """What an output puts out, without its name."""
    file = output.file if output.source == 2 else StimulusFile("", 1.0, 0.0, 0, 0)
    return replace(output, number=0, name="", file=file)


def _output(path: Path, header: Header, choice: Choice, output: Output, told: str | None) -> Choice:
    held = not output.enabled or output.source == 0 or header.mode != EPISODIC
    unit, notes = _override(path, f"output {output.label}", output.unit, told)
    if held and header.changes:
        raise RecordingError(
            f"{path}: levels of the outputs were changed by hand while recording, and the header "
            "has no waveform: give command= (a recorded channel) or protocol="
        )
    if held:
        why = "" if header.mode == EPISODIC else f" ({MODES.get(header.mode, 'unknown')} mode)"
        notes += (
            f"{path}: the header has no waveform for {choice.clamp} clamp{why}; the command is "
            f"taken as the holding level of {output.label}, {output.holding:g} {unit or ''}, "
            "throughout. If something else was applied, give command= (a recorded channel) or "
            "protocol=",
        )
    if output.has_train and not held:
        notes += (f"{path}: pulses of {output.label} before each sweep are not in the recording",)
    if output.leak_subtraction and choice.clamp == "voltage":
        notes += (f"{path}: leak currents were subtracted while recording (P/N)",)
    return replace(choice, output=output, command_unit=unit, held=held, notes=choice.notes + notes)


def _refuse_other_clamp(path: Path, header: Header, choice: Choice, output: Output) -> None:
    clamp = quantity(output.unit)
    fitting = [
        i for i, x in enumerate(header.inputs) if quantity(x.unit) == OBSERVED[clamp or "current"]
    ]
    texts = " or ".join(f"channel={i} ({header.inputs[i].name})" for i in fitting)
    raise RecordingError(
        f"{path}: channel {channel_text(header, choice.channel)} would be {choice.clamp} clamp, "
        f"but the only waveform is that of {output.label} in {output.unit}: {clamp} clamp. Give "
        + (f"{texts}, or " if texts else "")
        + f'clamp="{choice.clamp}"'
    )
