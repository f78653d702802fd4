"""NEURON's side of `network.py`: pairs of cells to an npz file, or COBA-HH with its time.

    python network_neuron.py pairs OUT.npz
    python network_neuron.py coba DURATION DT CASE.npz     (ms; connections and starts inside)

Run by a Python that has neuron and a C compiler; mechanisms are written and compiled in a
temporary folder. Areas are chosen so that a weight of 1 µS is 1 mS/cm².
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

MECHANISMS = {
    "gapjunction": """
NEURON { POINT_PROCESS GapJunction NONSPECIFIC_CURRENT i RANGE g POINTER vother }
PARAMETER { g = 0 (uS) v (mV) vother (mV) }
ASSIGNED { i (nA) }
BREAKPOINT { i = g * (v - vother) }
""",
    "alphaevents": """
NEURON { POINT_PROCESS AlphaEvents NONSPECIFIC_CURRENT i RANGE tau, e }
PARAMETER { tau = 1 (ms) e = 0 (mV) v (mV) }
ASSIGNED { i (nA) }
STATE { opening closing }
INITIAL { opening = 0 closing = 0 }
BREAKPOINT { SOLVE s METHOD derivimplicit i = opening*2.718281828459045*(v - e) }
DERIVATIVE s { closing' = -closing/tau  opening' = (closing - opening)/tau }
NET_RECEIVE(w (uS)) { closing = closing + w }
""",
    "traubmiles": """
NEURON { SUFFIX traubmiles NONSPECIFIC_CURRENT i RANGE gna, gk, gl }
PARAMETER { gna = 0.1 (S/cm2) gk = 0.03 (S/cm2) gl = 0.00005 (S/cm2) v (mV) }
ASSIGNED { i (mA/cm2) minf hinf ninf mtau (ms) htau (ms) ntau (ms) }
STATE { m h n }
INITIAL { rates(v) m = minf h = hinf n = ninf }
BREAKPOINT {
    SOLVE s METHOD cnexp
    i = gna*m*m*m*h*(v - 50) + gk*n*n*n*n*(v + 90) + gl*(v + 60)
}
DERIVATIVE s { rates(v) m' = (minf - m)/mtau  h' = (hinf - h)/htau  n' = (ninf - n)/ntau }
FUNCTION lin(x, k) {
    if (fabs(x/k) < 1e-6) { lin = k*(1 + x/k/2) } else { lin = x/(1 - exp(-x/k)) }
}
PROCEDURE rates(v (mV)) {
    LOCAL a, b, u
    TABLE minf, mtau, hinf, htau, ninf, ntau FROM -120 TO 80 WITH 4000
    u = v + 63
    a = 0.32*lin(u - 13, 4)   b = 0.28*lin(40 - u, 5)        minf = a/(a + b)  mtau = 1/(a + b)
    a = 0.128*exp((17 - u)/18) b = 4/(1 + exp((40 - u)/5))   hinf = a/(a + b)  htau = 1/(a + b)
    a = 0.032*lin(u - 15, 5)  b = 0.5*exp((10 - u)/40)       ninf = a/(a + b)  ntau = 1/(a + b)
}
""",
}


def neuron():
    """NEURON with the mechanisms above."""
    folder = Path(tempfile.mkdtemp())
    for name, text in MECHANISMS.items():
        (folder / f"{name}.mod").write_text(text)
    tool = Path(sys.executable).with_name("nrnivmodl")
    # Its scripts look for python on the path.
    path = f"{tool.parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(
        [tool], cwd=folder, check=True, capture_output=True, env=os.environ | {"PATH": path}
    )
    os.chdir(folder)
    from neuron import h

    h.load_file("stdrun.hoc")
    return h


def cell(h, mechanism: str):
    """A compartment of 100,000 µm² (so that 1 µS is 1 mS/cm²)."""
    section = h.Section()
    section.L = section.diam = np.sqrt(1e5 / np.pi)
    section.nseg, section.cm = 1, 1.0
    section.insert(mechanism)
    if mechanism == "hh":
        section.ena, section.ek = 50.0, -77.0
    return section


def pairs(out: str) -> None:
    """Squid axons: each kind of synapse with 1.7 ms delay, weights 0.25; a gap junction of 0.1."""
    h, found = neuron(), {}
    h.celsius, h.usetable_hh = 6.3, 0  # tables of 1 mV shift spikes by 0.04 ms in 30 ms
    solver = h.CVode()
    for name in ("exponential", "double", "alpha", "gap"):
        found |= {f"{name}_{key}": x for key, x in pair(h, solver, name).items()}
    np.savez(out, **found)


def pair(h, solver, name: str) -> dict[str, np.ndarray]:
    """Voltages on a grid of 0.1 ms and spikes of two axons, by the variable-step solver."""
    a, b = cell(h, "hh"), cell(h, "hh")
    clamp = h.IClamp(a(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0.0, 1e9, 10.0  # nA, here µA/cm²
    if name == "gap":
        joints = [h.GapJunction(x(0.5)) for x in (a, b)]
        for joint, other in zip(joints, (b, a), strict=True):
            joint.g = 0.1
            h.setpointer(other(0.5)._ref_v, "vother", joint)
    else:
        kind = {"exponential": "ExpSyn", "double": "Exp2Syn", "alpha": "AlphaEvents"}[name]
        synapse = getattr(h, kind)(b(0.5))
        synapse.e = -10.0 if name == "alpha" else 0.0
        if name == "double":
            synapse.tau1, synapse.tau2 = 0.5, 4.0
        else:
            synapse.tau = {"exponential": 3.0, "alpha": 1.5}[name]
        connection = h.NetCon(a(0.5)._ref_v, synapse, sec=a)
        connection.threshold, connection.delay, connection.weight[0] = 0.0, 1.7, 0.25
    solver.active(True)
    solver.atol(1e-8)
    solver.condition_order(2)
    spikes, watch = [h.Vector() for _ in range(2)], []
    for x, s in zip((a, b), spikes, strict=True):
        watch.append(h.NetCon(x(0.5)._ref_v, None, sec=x))
        watch[-1].threshold = 0.0
        watch[-1].record(s)
    t, traces = h.Vector(), [h.Vector(), h.Vector()]
    t.record(h._ref_t)
    for x, trace in zip((a, b), traces, strict=True):
        trace.record(x(0.5)._ref_v)
    h.finitialize(-65.0)
    solver.solve(60.0)
    found = {"t": np.array(t)}
    for k, side in enumerate("ab"):
        found[side], found[f"{side}_spikes"] = np.array(traces[k]), np.array(spikes[k])
    return found


def coba(duration: float, dt: float, out: str) -> None:
    """COBA-HH with the connections and starts in the file `out`; one thread; its time."""
    h, given = neuron(), np.load(out)
    n, n_e = len(given["v0"]), int(given["n_e"])
    began = time.perf_counter()
    cells = [cell(h, "traubmiles") for _ in range(n)]
    synapses: dict[str, list] = {"e": [], "i": []}
    for x in cells:
        for kind, e, tau in (("e", 0.0, 5.0), ("i", -80.0, 10.0)):
            synapse = h.ExpSyn(x(0.5))
            synapse.e, synapse.tau = e, tau
            synapses[kind].append(synapse)
    times, sources = h.Vector(), h.Vector()
    kept = []
    for k, x in enumerate(cells):
        own = h.NetCon(x(0.5)._ref_v, None, sec=x)
        own.threshold = -20.0
        own.record(times, sources, k)
        kept.append(own)
    for i, j in zip(given["i"].tolist(), given["j"].tolist(), strict=True):
        kind = "e" if i < n_e else "i"
        connection = h.NetCon(cells[i](0.5)._ref_v, synapses[kind][j], sec=cells[i])
        connection.threshold, connection.delay = -20.0, dt
        connection.weight[0] = float(given[f"weight_{kind}"])
        kept.append(connection)
    built = time.perf_counter() - began
    h.dt, h.steps_per_ms = dt, 1.0 / dt
    h.finitialize(-65.0)
    for k, x in enumerate(cells):
        x(0.5).v = float(given["v0"][k])
        synapses["e"][k].g, synapses["i"][k].g = float(given["g_e"][k]), float(given["g_i"][k])
    h.fcurrent()
    began = time.perf_counter()
    h.continuerun(duration)
    print(f"run {time.perf_counter() - began:.3f} built {built:.3f}")
    np.savez(out.replace(".npz", "_neuron.npz"), times=np.array(times), cells=np.array(sources))


if __name__ == "__main__":
    if sys.argv[1] == "pairs":
        pairs(os.path.abspath(sys.argv[2]))
    else:
        coba(float(sys.argv[2]), float(sys.argv[3]), os.path.abspath(sys.argv[4]))
