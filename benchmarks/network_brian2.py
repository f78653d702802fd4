"""Brian2's side of `network.py`: COBA-HH in C++ standalone, with connections and starts of a file.

    python network_brian2.py CASE.npz DURATION DT THREADS REPEATS [REFRACTORY]     (ms)

A spike is an upward crossing of the threshold; with a refractory period as in the published script
(3 ms) also a voltage that is still above it when the period ends.
Equations and numbers are those of the published benchmark as in Brian2's own examples. Prints the
times of the runs without compilation, which the program measures itself; spikes go to a file.
"""

from __future__ import annotations

import sys
import tempfile
import time

import brian2 as b
import numpy as np

EQUATIONS = """
dv/dt = (gl*(El - v) + ge*(Ee - v) + gi*(Ei - v) - g_na*(m*m*m)*h*(v - ENa)
         - g_kd*(n*n*n*n)*(v - EK))/Cm : volt
dm/dt = alpha_m*(1 - m) - beta_m*m : 1
dn/dt = alpha_n*(1 - n) - beta_n*n : 1
dh/dt = alpha_h*(1 - h) - beta_h*h : 1
dge/dt = -ge*(1./taue) : siemens
dgi/dt = -gi*(1./taui) : siemens
alpha_m = 0.32*(mV**-1)*4*mV/exprel((13*mV - v + VT)/(4*mV))/ms : Hz
beta_m = 0.28*(mV**-1)*5*mV/exprel((v - VT - 40*mV)/(5*mV))/ms : Hz
alpha_h = 0.128*exp((17*mV - v + VT)/(18*mV))/ms : Hz
beta_h = 4./(1 + exp((40*mV - v + VT)/(5*mV)))/ms : Hz
alpha_n = 0.032*(mV**-1)*5*mV/exprel((15*mV - v + VT)/(5*mV))/ms : Hz
beta_n = .5*exp((10*mV - v + VT)/(40*mV))/ms : Hz
"""


def constants(weight_e: float, weight_i: float) -> dict:
    """Per area, in mS/cm² and µF/cm², times an area of 20,000 µm²."""
    area = 20_000 * b.um**2
    conductance = b.msiemens / b.cm**2 * area
    return {
        "Cm": 1 * b.uF / b.cm**2 * area, "gl": 0.05 * conductance, "El": -60 * b.mV,
        "EK": -90 * b.mV, "ENa": 50 * b.mV, "g_na": 100 * conductance, "g_kd": 30 * conductance,
        "VT": -63 * b.mV, "taue": 5 * b.ms, "taui": 10 * b.ms, "Ee": 0 * b.mV, "Ei": -80 * b.mV,
        "we": weight_e * conductance, "wi": weight_i * conductance, "scale": conductance,
    }  # fmt: skip


def main(
    case: str, duration: float, dt: float, threads: int, repeats: int, refractory: float = 0.0
) -> None:
    given, folder = np.load(case), tempfile.mkdtemp()
    b.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
    b.set_device("cpp_standalone", directory=folder, build_on_run=False)
    b.defaultclock.dt = dt * b.ms
    n, n_e = len(given["v0"]), int(given["n_e"])
    names = constants(float(given["weight_e"]), float(given["weight_i"]))
    rule = refractory * b.ms if refractory else "v > -20*mV"
    cells = b.NeuronGroup(
        n, EQUATIONS, threshold="v > -20*mV", refractory=rule, method="exponential_euler",
        namespace=names,
    )  # fmt: skip
    excitatory = given["i"] < n_e
    synapses = []
    for used, change in ((excitatory, "ge += we"), (~excitatory, "gi += wi")):
        s = b.Synapses(cells, cells, on_pre=change, namespace=names)
        s.connect(i=given["i"][used], j=given["j"][used])
        synapses.append(s)
    cells.v = given["v0"] * b.mV
    cells.ge, cells.gi = given["g_e"] * names["scale"], given["g_i"] * names["scale"]
    for gate in "mhn":
        setattr(cells, gate, f"alpha_{gate}/(alpha_{gate} + beta_{gate})")
    monitor = b.SpikeMonitor(cells)
    network = b.Network(cells, *synapses, monitor)
    network.run(duration * b.ms)
    began = time.perf_counter()
    b.device.build(directory=folder, compile=True, run=False)
    print(f"built {time.perf_counter() - began:.1f}")
    for _ in range(repeats):
        began = time.perf_counter()
        b.device.run(directory=folder, with_output=False, run_args=[])
        # The program's own time of the time loop, without reading and writing.
        print(f"run {b.device._last_run_time:.3f} process {time.perf_counter() - began:.3f}")
    times, indices = np.array(monitor.t / b.ms), np.array(monitor.i)
    np.savez(case.replace(".npz", f"_brian2_{threads}.npz"), times=times, cells=indices)


if __name__ == "__main__":
    numbers = [float(x) for x in sys.argv[2:]]
    main(sys.argv[1], *numbers[:2], *map(int, numbers[2:4]), *numbers[4:])
