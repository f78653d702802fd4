"""The header of an Axon Binary Format file, versions 1 and 2, as one description."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RecordingError
from . import abf_layout as layout

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


@dataclass(frozen=True)
class Output:
    """An analog output (DAC)."""

    number: int
    name: str
    unit: str
    holding: float
    enabled: bool
    source: int  # 1: the epoch table, 2: a file
    keeps_last_level: bool  # between sweeps, in place of the holding level
    epochs: tuple[Epoch, ...]
    user_list: UserList | None
    file: StimulusFile
    train_level: float | None  # level at which a conditioning train before each sweep ends
    has_train: bool
    leak_subtraction: bool


@dataclass(frozen=True)
class Input:
    """A recorded channel; `mode` is what the amplifier reported, `capacitance` in pF."""

    number: int
    name: str
    unit: str
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


def read_header(path: Path) -> Header:
    """The header of a file.

    Raises
    ------
    RecordingError
        When the file is not one of the format, or is cut short.
    """
    with path.open("rb") as file:
        content = file.read(layout.ABF1_SIZE)
        try:
            if content[:4] == b"ABF2":
                file.seek(0)
                return _version_2(file.read())
            if content[:4] == b"ABF ":
                return _version_1(content)
        except (ValueError, IndexError, struct.error) as error:
            raise RecordingError(f"{path}: its header is damaged: {error}") from None
    raise RecordingError(f"{path} cannot be read as ABF, or is cut short: no ABF signature")


def _text(raw: Any) -> str:
    return bytes(raw).split(b"\0")[0].decode("latin-1").strip()


def _mode(enabled: int, mode: int) -> str | None:
    """The amplifier's mode; without current the potential is observed, as in current clamp."""
    return {0: "voltage", 1: "current", 2: "current"}.get(int(mode)) if enabled else None


def _positive(value: float) -> float | None:
    return float(value) if np.isfinite(value) and value > 0 else None


def _list(parameter: int, text: str, repeat: bool, epochs: int) -> UserList:
    values = tuple(x for x in text.replace(",", " ").split() if x)
    return UserList(int(parameter), values or ("0",), repeat, epochs)


# -- version 1 -------------------------------------------------------------------------------


def _version_1(content: bytes) -> Header:
    h: Any = np.frombuffer(content, layout.ABF1, 1)[0]
    version = float(max(h["fFileVersionNumber"], h["fHeaderVersionNumber"]))
    old = version < 1.599 and not (
        h["lDataSectionPtr"] * layout.BLOCK >= layout.ABF1_SIZE and h["_nWaveformSource"] == 0
    )
    x: Any = None if old else np.frombuffer(content, layout.ABF1_EXTENSION, 1)[0]
    count = int(h["nADCNumChannels"])
    second = h["fADCSecondSampleInterval"]
    return Header(
        version=f"1 ({h['fFileVersionNumber']:.2f})",
        mode=int(h["nOperationMode"]),
        dt=float(h["fADCSampleInterval"]) * count / 1000.0,
        samples=int(h["lNumSamplesPerEpisode"]) // max(count, 1),
        sweeps_per_run=int(h["lEpisodesPerRun"]),
        split_clock=bool(second not in (0.0, h["fADCSampleInterval"])),
        compressed=False,
        active=int(h["nActiveDACChannel"]),
        alternating=not old and bool(x["nAlternateDACOutputState"]) and version > 1.715,
        changes=int(h["lNumDeltas"]),
        inputs=tuple(_input_1(h, x, int(n)) for n in h["nADCSamplingSeq"][:count]),
        outputs=tuple(_output_1(h, x, n) for n in range(4)),
    )


def _input_1(h: Any, x: Any, n: int) -> Input:
    telegraph = 0 if x is None else x["nTelegraphEnable"][n]
    return Input(
        number=n,
        name=_text(h["sADCChannelName"][n]),
        unit=_text(h["sADCUnits"][n]),
        mode=_mode(telegraph, 0 if x is None else x["nTelegraphMode"][n]),
        capacitance=_positive(x["fTelegraphMembraneCap"][n]) if telegraph else None,
    )


def _output_1(h: Any, x: Any, n: int) -> Output:
    common = {
        "number": n,
        "name": _text(h["sDACChannelName"][n]),
        "unit": _text(h["sDACChannelUnits"][n]),
        "holding": float(h["fDACHoldingLevel"][n]),
    }
    old = x is None
    if n > 1 or (old and n != h["nActiveDACChannel"]):
        return Output(**common, **_SILENT)
    if old:
        return Output(**common, **_waveform_of_old(h, n))
    epochs = zip(
        *(x[name][n] for name in ("nEpochType", "fEpochInitLevel", "fEpochLevelInc")),
        *(x[name][n] for name in ("lEpochInitDuration", "lEpochDurationInc")),
        *(x[name][n] for name in ("lEpochPulsePeriod", "lEpochPulseWidth")),
        strict=True,
    )
    trained = bool(x["nConditEnable"][n])
    lasts = x["fPostTrainPeriod"][n] > 0
    return Output(
        **common,
        enabled=bool(x["nWaveformEnable"][n]),
        source=int(x["nWaveformSource"][n]),
        keeps_last_level=bool(x["nInterEpisodeLevel"][n]),
        epochs=_epochs(epochs),
        user_list=_list(
            x["nULParamToVary"][n], _text(x["sULParamValueList"][n]), bool(x["nULRepeat"][n]), 10
        )
        if x["nULEnable"][n]
        else None,
        file=StimulusFile(
            _text(x["sDACFilePath"][n]),
            float(x["fDACFileScale"][n]),
            float(x["fDACFileOffset"][n]),
            int(x["lDACFileEpisodeNum"][n]),
            int(x["nDACFileADCNum"][n]),
        ),
        train_level=float(x["fPostTrainLevel"][n]) if trained and lasts else None,
        has_train=trained,
        leak_subtraction=bool(x["nPNEnable"][n]),
    )


_SILENT: dict[str, Any] = {
    "enabled": False,
    "source": 0,
    "keeps_last_level": False,
    "epochs": (),
    "user_list": None,
    "file": StimulusFile("", 1.0, 0.0, 0, 0),
    "train_level": None,
    "has_train": False,
    "leak_subtraction": False,
}


def _waveform_of_old(h: Any, n: int) -> dict[str, Any]:
    """The waveform of the active output in headers before version 1.6."""
    names = ("_nEpochType", "_fEpochInitLevel", "_fEpochLevelInc")
    names += ("_nEpochInitDuration", "_nEpochDurationInc")
    none = np.zeros(10, dtype=int)
    trained = bool(h["_nConditEnable"]) and h["_nConditChannel"] == n
    lasts = h["_fPostTrainPeriod"] > 0
    return {
        "enabled": h["_nWaveformSource"] != 0,
        "source": int(h["_nWaveformSource"]),
        "keeps_last_level": bool(h["_nInterEpisodeLevel"]),
        "epochs": _epochs(zip(*(h[name] for name in names), none, none, strict=True)),
        "user_list": _list(h["_nParamToVary"], _text(h["_sParamValueList"]), False, 10)
        if h["_nListEnable"]
        else None,
        "file": StimulusFile(
            _text(h["_sDACFilePath"]),
            float(h["_fDACFileScale"]),
            float(h["_fDACFileOffset"]),
            int(h["_nDACFileEpisodeNum"]),
            int(h["_nDACFileADCNum"]),
        ),
        "train_level": float(h["_fPostTrainLevel"]) if trained and lasts else None,
        "has_train": trained,
        "leak_subtraction": bool(h["_nPNEnable"]),
    }


def _epochs(columns: Any) -> tuple[Epoch, ...]:
    made = (
        Epoch(i, int(kind), float(level), float(step), *(int(x) for x in rest))
        for i, (kind, level, step, *rest) in enumerate(columns)
    )
    return tuple(epoch for epoch in made if epoch.kind != 0)


# -- version 2 -------------------------------------------------------------------------------


def _version_2(content: bytes) -> Header:
    file: Any = np.frombuffer(content, layout.ABF2_FILE, 1)[0]
    p = _section(content, "protocol")[0]
    strings = _strings(content)
    adcs = _section(content, "adc")
    version = tuple(int(x) for x in file["version"][::-1])
    lists = {
        int(u["nListNum"]): _list(
            u["nULParamToVary"],
            strings(u["lULParamValueListIndex"]),
            bool(u["nULRepeat"]),
            50 if version >= (2, 7) else 10,
        )
        # Lists that are not in use have no entry; the field nULEnable stays 0 in those that have.
        for u in _section(content, "user_list")
    }
    epochs = _section(content, "epoch_per_dac")
    return Header(
        version=".".join(str(x) for x in version),
        mode=int(p["nOperationMode"]),
        dt=float(p["fADCSequenceInterval"]) / 1000.0,
        samples=int(p["lNumSamplesPerEpisode"]) // max(len(adcs), 1),
        sweeps_per_run=int(p["lEpisodesPerRun"]),
        split_clock=False,
        compressed=bool(p["bEnableFileCompression"]),
        active=int(p["nActiveDACChannel"]),
        alternating=bool(p["nAlternateDACOutputState"]),
        changes=_place(content, "delta")[2],
        inputs=tuple(_input_2(a, strings) for a in adcs),
        outputs=tuple(_output_2(d, strings, epochs, lists) for d in _section(content, "dac")),
    )


def _place(content: bytes, name: str) -> tuple[int, int, int]:
    """First byte, size of an entry and number of entries of a section."""
    block, size, count = struct.unpack_from("<IIq", content, layout.SECTIONS[name])
    return block * layout.BLOCK, size, count


def _section(content: bytes, name: str) -> Any:
    start, size, count = _place(content, name)
    if not count:
        return []
    return np.frombuffer(content, layout.section_layout(name, size), count, start)


def _strings(content: bytes):
    """The numbered strings: 44 bytes of a header, then texts that each end with a zero."""
    start, size, count = _place(content, "strings")
    block = content[start : start + size] if count else b""
    if block and block[:4] != b"SSCH":
        raise ValueError("its section of strings does not begin with SSCH")
    texts = [_text(x) for x in block[44:].split(b"\0")]
    return lambda index: texts[index - 1] if 0 < index <= len(texts) else ""


def _input_2(a: Any, strings: Any) -> Input:
    telegraph = a["nTelegraphEnable"]
    return Input(
        number=int(a["nADCNum"]),
        name=strings(a["lADCChannelNameIndex"]),
        unit=strings(a["lADCUnitsIndex"]),
        mode=_mode(telegraph, a["nTelegraphMode"]),
        capacitance=_positive(a["fTelegraphMembraneCap"]) if telegraph else None,
        access_resistance=_positive(a["fTelegraphAccessResistance"]) if telegraph else None,
    )


def _output_2(d: Any, strings: Any, epochs: Any, lists: dict[int, UserList]) -> Output:
    n = int(d["nDACNum"])
    own = sorted((e for e in epochs if e["nDACNum"] == n), key=lambda e: int(e["nEpochNum"]))
    names = ("nEpochNum", "nEpochType", "fEpochInitLevel", "fEpochLevelInc", "lEpochInitDuration")
    names += ("lEpochDurationInc", "lEpochPulsePeriod", "lEpochPulseWidth")
    columns = tuple(Epoch(*(e[name].item() for name in names)) for e in own)
    return Output(
        number=n,
        name=strings(d["lDACChannelNameIndex"]),
        unit=strings(d["lDACChannelUnitsIndex"]),
        holding=float(d["fDACHoldingLevel"]),
        enabled=bool(d["nWaveformEnable"]),
        source=int(d["nWaveformSource"]),
        keeps_last_level=bool(d["nInterEpisodeLevel"]),
        epochs=tuple(e for e in columns if e.kind != 0),
        user_list=lists.get(n),
        file=StimulusFile(
            strings(d["lDACFilePathIndex"]),
            float(d["fDACFileScale"]),
            float(d["fDACFileOffset"]),
            int(d["lDACFileEpisodeNum"]),
            int(d["nDACFileADCNum"]),
        ),
        train_level=float(d["fPostTrainLevel"])
        if d["nConditEnable"] and d["fPostTrainPeriod"] > 0
        else None,
        has_train=bool(d["nConditEnable"]),
        leak_subtraction=bool(d["nLeakSubtractType"]),
    )
