"""What the header of an Axon Binary Format file says, in one form for versions 1 and 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

EPISODIC = 5  # the only mode of acquisition in which waveforms are put out
MODES = {
    1: "events of variable length",
    2: "events of fixed length",
    3: "gap-free",
    4: "high-speed oscilloscope",
    EPISODIC: "episodic",
}
FROM_EPOCHS, FROM_FILE = 1, 2


@dataclass(frozen=True)
class Epoch:
    """One column of the epoch table; durations in samples."""

    number: int
    kind: int
    level: float
    level_step: float
    samples: int
    samples_step: int
    period: int
    width: int


@dataclass(frozen=True)
class UserList:
    """Values of one parameter, sweep by sweep; `parameter` as the header numbers it."""

    parameter: int
    values: tuple[str, ...]
    repeat: bool
    epochs: int  # how many epochs the numbering of the parameters allows for

    def __getitem__(self, sweep: int) -> float:
        """The value for a sweep: past the end the last one, or from the start again."""
        count = len(self.values)
        return float(self.values[sweep % count if self.repeat else min(sweep, count - 1)])


@dataclass(frozen=True)
class StimulusFile:
    """A file of samples that an output played: sample x scale + offset."""

    path: str
    scale: float
    offset: float
    episode: int  # 0: every sweep; -1: every one but the first; n: the n-th
    channel: int


NO_FILE = StimulusFile("", 1.0, 0.0, 0, 0)


@dataclass(frozen=True)
class Output:
    """An analog output (DAC)."""

    number: int
    name: str
    unit: str
    holding: float
    enabled: bool = False
    source: int = 0  # 1: the epoch table, 2: a file
    keeps_last_level: bool = False  # between sweeps, in place of the holding level
    epochs: tuple[Epoch, ...] = ()
    user_list: UserList | None = None
    file: StimulusFile = NO_FILE
    train_level: float | None = None  # level at which a conditioning train before each sweep ends
    has_train: bool = False
    leak_subtraction: bool = False

    @property
    def label(self) -> str:
        """What it is called in messages and by ``command=``."""
        return self.name or f"DAC {self.number}"


@dataclass(frozen=True)
class Input:
    """A recorded channel.

    `volts` is the scale that its numbers were computed with, volts at the digitizer for each
    unit. What the amplifier reported, if it did: its type as the format numbers it, the clamp,
    the capacitance that it compensated (pF) and the access resistance.
    """

    number: int
    name: str
    unit: str
    volts: float
    amplifier: int = 0
    mode: str | None = None
    capacitance: float | None = None
    access_resistance: float | None = None


@dataclass(frozen=True)
class Header:
    """What the header says about times, channels and outputs."""

    version: str
    mode: int
    dt: float  # ms between samples of one channel
    samples: int  # of one channel in a sweep
    sweeps_per_run: int
    split_clock: bool
    compressed: bool
    active: int
    alternating: bool
    changes: int  # of levels, made by hand while recording
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]


def text_of(raw: Any) -> str:
    """A text of a header without its padding."""
    return bytes(raw).split(b"\0")[0].decode("latin-1").strip()


def mode_of(mode: int) -> str | None:
    """The clamp that an amplifier reported; at zero current the potential is observed too.

    Amplifiers that do not report it leave 0, which stands for voltage clamp: it tells nothing.
    """
    return "current" if int(mode) in (1, 2) else None


def positive(value: float) -> float | None:
    """A number that is stated: 0 and nonsense are not."""
    return float(value) if np.isfinite(value) and value > 0 else None


def user_list(parameter: int, text: str, repeat: bool, epochs: int) -> UserList:
    """A user list from its text, numbers that commas or spaces separate."""
    values = tuple(x for x in text.replace(",", " ").split() if x)
    return UserList(int(parameter), values or ("0",), repeat, epochs)
