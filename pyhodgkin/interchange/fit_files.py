"""A fit as an NWB file and as events for TensorBoard."""

from __future__ import annotations

import math
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..libraries import library
from ..protocols import CurrentClamp, Sampled, VoltageClamp
from ..recordings import Recording, RecordingSet
from ..results.fit_result import FitResult
from ..results.history import PER_START
from ..results.prediction import Prediction


def recordings_of(result: FitResult) -> RecordingSet:
    """What was measured, and what the best start predicts of it, as recordings by turns."""
    found = []
    for p in result.predictions:
        found += [_recording(p, p.measured, p.name),
                  _recording(p, p.predicted[result.best], f"{p.name} predicted")]  # fmt: skip
    return RecordingSet(found)


def _recording(p: Prediction, values: Any, name: str) -> Recording:
    waveform = Sampled(p.t, p.command)
    end = float(p.t[-1])
    if p.unit == "mV":
        return Recording(p.t, CurrentClamp(waveform, end, p.command_unit), v=values, mask=p.mask,
                         name=name)  # fmt: skip
    return Recording(p.t, VoltageClamp(waveform, end), current=values, current_unit=p.unit,
                     mask=p.mask, name=name)  # fmt: skip


def to_nwb(result: FitResult, path: str | PathLike[str], **options: Any) -> Path:
    """Write measured and predicted traces; see `FitResult.to_nwb`."""
    return recordings_of(result).to_nwb(path, **options)


def to_tensorboard(result: FitResult, folder: str | PathLike[str]) -> Path:
    """Write the history as scalars; see `FitResult.to_tensorboard`."""
    writer_of = library("torch.utils.tensorboard").SummaryWriter
    with writer_of(str(folder)) as writer:
        history = result.history
        for k, seed in enumerate(result.seeds):
            start = "given" if seed is None else f"seed {seed}"
            for name in PER_START:
                values = np.asarray(history[name], dtype=np.float64)[:, k]
                for i, value in enumerate(values.tolist()):
                    if math.isfinite(value):
                        writer.add_scalar(f"{name}/{start}", value, i + 1)
    return Path(folder)
