"""A mechanism in NMODL, in two parts, and how to read one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import pyhodgkin as ph

V = np.linspace(-120.0, 60.0, 181) + 0.0123
HEAD = """NEURON {
    SUFFIX kx
    USEION k READ ek WRITE ik
    RANGE gbar
}
UNITS { (mV) = (millivolt) (mA) = (milliamp) (S) = (siemens) }
"""
BODY = """PARAMETER { gbar = 0.01 (S/cm2) half = -30 (mV) slope = 9 (mV) }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) celsius (degC) ninf ntau (ms) }
STATE { n }
BREAKPOINT { SOLVE states METHOD cnexp
    ik = gbar*n^4*(v - ek) }
INITIAL { rates(v) n = ninf }
DERIVATIVE states { rates(v)
    n' = (ninf - n)/ntau }
PROCEDURE rates(u (mV)) {
    ninf = 1/(1 + exp(-(u - half)/slope))
    ntau = 2 + 8*exp(-((u + 50)/25)^2)
}
"""
BELL = 2.0 + 8.0 * np.exp(-(((V + 50.0) / 25.0) ** 2))


def written(folder: Path, text: str, name: str = "kx.mod") -> Path:
    (folder / name).write_text(text)
    return folder / name


def read(mod, text: str, **given):
    return ph.read_channel(mod(text), **{"e": -77.0, **given})
