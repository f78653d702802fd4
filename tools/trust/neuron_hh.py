"""The squid axon of NEURON, its own mechanism hh; run by a Python that has NEURON.

    python neuron_hh.py T_END DT

Writes one line of JSON: the version, and for each run the times of its spikes (from v every
DT ms) and the seconds.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from crossings import crossings
from neuron import h

RUNS = ("CVODE 1e-4", "CVODE 1e-6", "CVODE 1e-9", "CVODE 1e-11", "dt 0.025", "dt 0.005")


def axon(level: float) -> list[Any]:
    """1000 µm² with a current of `level` µA/cm²; what must not be collected."""
    section = h.Section(name="axon")
    section.L = section.diam = np.sqrt(1000.0 / np.pi)
    section.insert("hh")
    section.cm, section.ena, section.ek = 1.0, 50.0, -77.0
    stimulus = h.IClamp(section(0.5))
    stimulus.delay, stimulus.dur, stimulus.amp = 0.0, 1e9, 0.01 * level
    return [section, stimulus]


def run(how: str, t_end: float, dt: float) -> tuple[list[float], float]:
    """Times of spikes, from samples every `dt` (or step, if longer), and the seconds."""
    kind, number = how.split()
    parts = axon(10.0)
    h.cvode.active(kind == "CVODE")
    if kind == "CVODE":
        h.cvode.atol(float(number))
    else:
        h.dt, h.steps_per_ms = float(number), round(1.0 / float(number))
        h.secondorder = 2
    v, t = h.Vector(), h.Vector()
    every = max(dt, float(number)) if kind == "dt" else dt
    v.record(parts[0](0.5)._ref_v, every)
    t.record(h._ref_t, every)
    h.finitialize(-65.0)
    began = time.perf_counter()
    h.continuerun(t_end)
    spent = time.perf_counter() - began
    return crossings(np.array(t), np.array(v)).tolist(), spent


def main() -> None:
    t_end, dt = float(sys.argv[1]), float(sys.argv[2])
    h.load_file("stdrun.hoc")
    h.celsius = 6.3
    if hasattr(h, "usetable_hh"):
        h.usetable_hh = 0
    found = {how: run(how, t_end, dt) for how in RUNS}
    print(json.dumps({"version": str(h.nrnversion(0)), "runs": found}))


if __name__ == "__main__":
    main()
