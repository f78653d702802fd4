"""NWB files as rigs write them, made by tests."""

from datetime import datetime, timezone

import numpy as np
import pytest

RATE = 10_000.0
N = 2000


def times(n=N, rate=RATE):
    """Times of n samples, s."""
    return np.arange(n) / rate


def step(amplitude, n=N, rate=RATE, baseline=0.0, start=0.02, stop=0.1):
    t = times(n, rate)
    return np.where((t >= start) & (t < stop), amplitude, baseline)


class Rig:
    """A file that is being written; electrodes by name."""

    def __init__(self, **fields):
        self.pynwb = pytest.importorskip("pynwb")
        start = datetime(2024, 1, 1, tzinfo=timezone.utc)
        self.file = self.pynwb.NWBFile("a test", "x", start, **fields)
        self.device = self.file.create_device(name="amplifier")
        self.electrodes = {}

    def electrode(self, name="e", **fields):
        if name not in self.electrodes:
            self.electrodes[name] = self.file.create_icephys_electrode(
                name=name, description=fields.pop("description", "glass"), device=self.device,
                **fields,
            )  # fmt: skip
        return self.electrodes[name]

    def series(self, kind, name, data, electrode="e", **fields):
        """A series of pynwb.icephys; `rate` unless timestamps are given."""
        fields = {"gain": 1.0, "electrode": self.electrode(electrode), **fields}
        if "timestamps" not in fields:
            fields.setdefault("rate", RATE)
        return getattr(self.pynwb.icephys, kind)(name=name, data=data, **fields)

    def add(self, name, v, i=None, clamp="current", response=None, stimulus=None, **both):
        """A response in volts with its stimulus in amperes, or the other way round."""
        kinds = ("CurrentClampSeries", "CurrentClampStimulusSeries")
        if clamp == "voltage":
            kinds = ("VoltageClampSeries", "VoltageClampStimulusSeries")
            v, i = i, v
        made = self.series(kinds[0], name, v, **{**both, **(response or {})})
        self.file.add_acquisition(made)
        if i is None:
            return made, None
        other = self.series(kinds[1], f"{name} stimulus", i, **{**both, **(stimulus or {})})
        self.file.add_stimulus(other)
        return made, other

    def write(self, path):
        with self.pynwb.NWBHDF5IO(str(path), "w") as io:
            io.write(self.file)
        return path
