"""NEURON: the Python file that builds the cell from its mechanisms."""

from __future__ import annotations

from .nmodl import suffix_of
from .nmodl_coupled import pool_suffix
from .programs import CellProgram

_TEXT = '''"""{name} for NEURON, written by pyhodgkin.

Compile the mechanisms beside this file first:

    nrnivmodl .

Then ``python cell.py`` applies a step of current, and ``build()`` gives the section to others.
"""

from pathlib import Path

from neuron import h, load_mechanisms

HERE = Path(__file__).parent
AREA = {area!r}  # µm²
V_REST = {v_rest!r}  # mV
MECHANISMS = {mechanisms!r}


def build():
    """A section of AREA with the mechanisms of {name}."""
    if not hasattr(h, MECHANISMS[0]):
        load_mechanisms(str(HERE))
    h.load_file("stdrun.hoc")
    section = h.Section(name="{name}")
    section.L = section.diam = (AREA / 3.141592653589793) ** 0.5
    section.nseg = 1
    section.cm = {c_m!r}  # µF/cm²
    for mechanism in MECHANISMS:
        section.insert(mechanism)
    h.v_init = V_REST
{celsius}    return section


def run(amplitude=10.0, start=10.0, stop=40.0, t_end=50.0, rtol=0.0, atol=1e-7):
    """t (ms) and v (mV) under a step of current density, µA/cm²."""
    section = build()
    clamp = h.IClamp(section(0.5))
    clamp.delay, clamp.dur = start, stop - start
    clamp.amp = amplitude * AREA * 1e-5  # nA
    solver = h.CVode()
    solver.active(True)
    solver.rtol(rtol)
    solver.atol(atol)
    t, v = h.Vector().record(h._ref_t), h.Vector().record(section(0.5)._ref_v)
    h.finitialize(V_REST)
    h.continuerun(t_end)
    return t.to_python(), v.to_python()


if __name__ == "__main__":
    times, voltages = run()
    crossings = [t for t, a, b in zip(times[1:], voltages, voltages[1:]) if a < 0.0 <= b]
    print(f"{{len(crossings)}} spikes, the first times (ms):", crossings[:5])
'''


def script(cell: CellProgram) -> str:
    """The text of ``cell.py``."""
    warm = "" if cell.temperature is None else f"    h.celsius = {cell.temperature!r}\n"
    pool = [] if cell.pool is None else [pool_suffix(cell)]
    return _TEXT.format(
        name=cell.name,
        area=float(cell.area),
        v_rest=cell.v_rest,
        c_m=cell.c_m,
        celsius=warm,
        mechanisms=[*(suffix_of(cell, channel) for channel in cell.channels), *pool],
    )
