"""Headers of version 1 of the Axon Binary Format."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import abf_layout as layout
from .abf_header import (
    Epoch,
    Header,
    Input,
    Output,
    StimulusFile,
    mode_of,
    positive,
    text_of,
    user_list,
)


def version_1(content: bytes) -> Header:
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
    reported: dict[str, Any] = {}
    if x is not None and x["nTelegraphEnable"][n]:
        reported = {
            "amplifier": int(x["nTelegraphInstrument"][n]),
            "mode": mode_of(x["nTelegraphMode"][n]),
            "capacitance": positive(x["fTelegraphMembraneCap"][n]),
        }
    return Input(
        number=n,
        name=text_of(h["sADCChannelName"][n]),
        unit=text_of(h["sADCUnits"][n]),
        volts=float(h["fInstrumentScaleFactor"][n]),
        **reported,
    )


def _output_1(h: Any, x: Any, n: int) -> Output:
    common = {
        "number": n,
        "name": text_of(h["sDACChannelName"][n]),
        "unit": text_of(h["sDACChannelUnits"][n]),
        "holding": float(h["fDACHoldingLevel"][n]),
    }
    old = x is None
    if n > 1 or (old and n != h["nActiveDACChannel"]):
        return Output(**common)
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
        user_list=user_list(
            x["nULParamToVary"][n], text_of(x["sULParamValueList"][n]), bool(x["nULRepeat"][n]), 10
        )
        if x["nULEnable"][n]
        else None,
        file=StimulusFile(
            text_of(x["sDACFilePath"][n]),
            float(x["fDACFileScale"][n]),
            float(x["fDACFileOffset"][n]),
            int(x["lDACFileEpisodeNum"][n]),
            int(x["nDACFileADCNum"][n]),
        ),
        train_level=float(x["fPostTrainLevel"][n]) if trained and lasts else None,
        has_train=trained,
        leak_subtraction=bool(x["nPNEnable"][n]),
    )


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
        "user_list": user_list(h["_nParamToVary"], text_of(h["_sParamValueList"]), False, 10)
        if h["_nListEnable"]
        else None,
        "file": StimulusFile(
            text_of(h["_sDACFilePath"]),
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
