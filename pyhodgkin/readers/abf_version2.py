"""Headers of version 2 of the Axon Binary Format, and the function that reads either."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RecordingError
from . import abf_layout as layout
from .abf_header import (
    Epoch,
    Header,
    Input,
    Output,
    StimulusFile,
    UserList,
    mode_of,
    positive,
    text_of,
    user_list,
)
from .abf_version1 import version_1


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
                return version_2(file.read())
            if content[:4] == b"ABF ":
                return version_1(content)
        except (ValueError, IndexError, struct.error) as error:
            raise RecordingError(f"{path}: its header is damaged: {error}") from None
    raise RecordingError(f"{path} cannot be read as ABF, or is cut short: no ABF signature")


def version_2(content: bytes) -> Header:
    file: Any = np.frombuffer(content, layout.ABF2_FILE, 1)[0]
    p = _section(content, "protocol")[0]
    strings = _strings(content)
    adcs = _section(content, "adc")
    version = tuple(int(x) for x in file["version"][::-1])
    lists = {
        int(u["nListNum"]): user_list(
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
    texts = [text_of(x) for x in block[44:].split(b"\0")]
    return lambda index: texts[index - 1] if 0 < index <= len(texts) else ""


def _input_2(a: Any, strings: Any) -> Input:
    reported: dict[str, Any] = {}
    if a["nTelegraphEnable"]:
        reported = {
            "amplifier": int(a["nTelegraphInstrument"]),
            "mode": mode_of(a["nTelegraphMode"]),
            "capacitance": positive(a["fTelegraphMembraneCap"]),
            "access_resistance": positive(a["fTelegraphAccessResistance"]),
        }
    return Input(
        number=int(a["nADCNum"]),
        name=strings(a["lADCChannelNameIndex"]),
        unit=strings(a["lADCUnitsIndex"]),
        volts=float(a["fInstrumentScaleFactor"]),
        **reported,
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
