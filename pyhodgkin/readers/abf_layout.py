"""Where the numbers of an Axon Binary Format header lie: offsets in bytes, by the format's names.

Both versions are little-endian. Version 1 is one block of 6144 bytes (2048 before version 1.6);
version 2 is a table of sections.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BLOCK = 512
ABF1_SIZE, ABF1_OLD_SIZE = 6144, 2048


def _layout(fields: dict[str, tuple[int, str]], size: int) -> np.dtype:
    spec: Any = {
        "names": list(fields),
        "formats": [kind for _, kind in fields.values()],
        "offsets": [offset for offset, _ in fields.values()],
        "itemsize": size,
    }
    return np.dtype(spec)


ABF1 = _layout(
    {
        "fFileVersionNumber": (4, "<f4"),
        "nOperationMode": (8, "<i2"),
        "lActualEpisodes": (16, "<i4"),
        "fHeaderVersionNumber": (32, "<f4"),
        "lDataSectionPtr": (40, "<i4"),
        "lNumDeltas": (76, "<i4"),
        "nADCNumChannels": (120, "<i2"),
        "fADCSampleInterval": (122, "<f4"),
        "fADCSecondSampleInterval": (126, "<f4"),
        "lNumSamplesPerEpisode": (138, "<i4"),
        "lEpisodesPerRun": (146, "<i4"),
        "nADCSamplingSeq": (410, "16<i2"),
        "sADCChannelName": (442, "16S10"),
        "sADCUnits": (602, "16S8"),
        "sDACChannelName": (1306, "4S10"),
        "sDACChannelUnits": (1346, "4S8"),
        "fInstrumentScaleFactor": (922, "16<f4"),
        "fDACHoldingLevel": (1394, "4<f4"),
        "nDigitalEnable": (1436, "<i2"),
        "nActiveDACChannel": (1440, "<i2"),
        # The single waveform of versions before 1.6, which belongs to the active output.
        "_nWaveformSource": (1438, "<i2"),
        "_nInterEpisodeLevel": (1442, "<i2"),
        "_nEpochType": (1444, "10<i2"),
        "_fEpochInitLevel": (1464, "10<f4"),
        "_fEpochLevelInc": (1504, "10<f4"),
        "_nEpochInitDuration": (1544, "10<i2"),
        "_nEpochDurationInc": (1564, "10<i2"),
        "_fDACFileScale": (1620, "<f4"),
        "_fDACFileOffset": (1624, "<f4"),
        "_nDACFileEpisodeNum": (1630, "<i2"),
        "_nDACFileADCNum": (1632, "<i2"),
        "_sDACFilePath": (1634, "S84"),
        "_nConditEnable": (1718, "<i2"),
        "_nConditChannel": (1720, "<i2"),
        "_fPostTrainPeriod": (1742, "<f4"),
        "_fPostTrainLevel": (1746, "<f4"),
        "_nParamToVary": (1762, "<i2"),
        "_sParamValueList": (1764, "S80"),
        "_nPNEnable": (1932, "<i2"),
        "_nListEnable": (1966, "<i2"),
    },
    ABF1_OLD_SIZE,
)

ABF1_EXTENSION = _layout(
    {
        "lEpochPulsePeriod": (2136, "(2,10)<i4"),
        "lEpochPulseWidth": (2216, "(2,10)<i4"),
        "nWaveformEnable": (2296, "2<i2"),
        "nWaveformSource": (2300, "2<i2"),
        "nInterEpisodeLevel": (2304, "2<i2"),
        "nEpochType": (2308, "(2,10)<i2"),
        "fEpochInitLevel": (2348, "(2,10)<f4"),
        "fEpochLevelInc": (2428, "(2,10)<f4"),
        "lEpochInitDuration": (2508, "(2,10)<i4"),
        "lEpochDurationInc": (2588, "(2,10)<i4"),
        "fDACFileScale": (2708, "2<f4"),
        "fDACFileOffset": (2716, "2<f4"),
        "lDACFileEpisodeNum": (2724, "2<i4"),
        "nDACFileADCNum": (2732, "2<i2"),
        "sDACFilePath": (2736, "2S256"),
        "nConditEnable": (3260, "2<i2"),
        "fPostTrainPeriod": (3304, "2<f4"),
        "fPostTrainLevel": (3312, "2<f4"),
        "nULEnable": (3360, "4<i2"),
        "nULParamToVary": (3368, "4<i2"),
        "sULParamValueList": (3376, "4S256"),
        "nULRepeat": (4400, "4<i2"),
        "nPNEnable": (4456, "2<i2"),
        "nTelegraphEnable": (4512, "16<i2"),
        "nTelegraphInstrument": (4544, "16<i2"),
        "fTelegraphMembraneCap": (4704, "16<f4"),
        "nTelegraphMode": (4768, "16<i2"),
        "nAlternateDACOutputState": (5876, "<i2"),
    },
    ABF1_SIZE,
)

# Version 2: where in the first block the section table has each section.
SECTIONS = {
    "protocol": 76,
    "adc": 92,
    "dac": 108,
    "epoch": 124,
    "epoch_per_dac": 156,
    "user_list": 172,
    "strings": 220,
    "delta": 284,
}

ABF2_FILE = _layout({"version": (4, "4u1"), "lActualEpisodes": (12, "<u4")}, BLOCK)

ABF2 = {
    "protocol": {
        "nOperationMode": (0, "<i2"),
        "fADCSequenceInterval": (2, "<f4"),
        "bEnableFileCompression": (6, "u1"),
        "lNumSamplesPerEpisode": (22, "<i4"),
        "lEpisodesPerRun": (30, "<i4"),
        "nDigitalEnable": (140, "<i2"),
        "nActiveDACChannel": (142, "<i2"),
        "nAlternateDACOutputState": (182, "<i2"),
    },
    "adc": {
        "nADCNum": (0, "<i2"),
        "nTelegraphEnable": (2, "<i2"),
        "nTelegraphInstrument": (4, "<i2"),
        "fTelegraphMembraneCap": (14, "<f4"),
        "nTelegraphMode": (18, "<i2"),
        "fTelegraphAccessResistance": (20, "<f4"),
        "fInstrumentScaleFactor": (40, "<f4"),
        "lADCChannelNameIndex": (74, "<i4"),
        "lADCUnitsIndex": (78, "<i4"),
    },
    "dac": {
        "nDACNum": (0, "<i2"),
        "fDACHoldingLevel": (12, "<f4"),
        "lDACChannelNameIndex": (24, "<i4"),
        "lDACChannelUnitsIndex": (28, "<i4"),
        "nWaveformEnable": (40, "<i2"),
        "nWaveformSource": (42, "<i2"),
        "nInterEpisodeLevel": (44, "<i2"),
        "fDACFileScale": (46, "<f4"),
        "fDACFileOffset": (50, "<f4"),
        "lDACFileEpisodeNum": (54, "<i4"),
        "nDACFileADCNum": (58, "<i2"),
        "nConditEnable": (60, "<i2"),
        "fPostTrainPeriod": (82, "<f4"),
        "fPostTrainLevel": (86, "<f4"),
        "nLeakSubtractType": (92, "<i2"),
        "lDACFilePathIndex": (118, "<i4"),
    },
    "epoch_per_dac": {
        "nEpochNum": (0, "<i2"),
        "nDACNum": (2, "<i2"),
        "nEpochType": (4, "<i2"),
        "fEpochInitLevel": (6, "<f4"),
        "fEpochLevelInc": (10, "<f4"),
        "lEpochInitDuration": (14, "<i4"),
        "lEpochDurationInc": (18, "<i4"),
        "lEpochPulsePeriod": (22, "<i4"),
        "lEpochPulseWidth": (26, "<i4"),
    },
    "user_list": {
        "nListNum": (0, "<i2"),
        "nULEnable": (2, "<i2"),
        "nULParamToVary": (4, "<i2"),
        "nULRepeat": (6, "<i2"),
        "lULParamValueListIndex": (8, "<i4"),
    },
}


def section_layout(name: str, entry_size: int) -> np.dtype:
    """The layout of one entry of a section of version 2."""
    return _layout(ABF2[name], entry_size)
