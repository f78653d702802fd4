"""Exported neurons in the simulators themselves, beside ours.

    python benchmarks/exports.py [--only nmodl brian2 …] [--neurons squid_axon …]
        --neuron-python P --brian2-python P --jaxley-python P --neuroml-python P --julia J

Every neuron of the library and one of each form of neural kinetics, under a step of current; the
table goes to results/exports.md. A voltage differs by its distance from the range of ours within
0.05 ms; spikes are upward crossings of 0 mV. NEURON solves with CVODE (atol 1e-7), Brian2 by
Runge-Kutta of fourth order, Jaxley in implicit steps of 0.0025 ms, jLEMS (NeuroML) in Euler steps
of 0.0001 ms, Julia by Runge-Kutta of fourth order at 0.0025 ms. Every NeuroML file is validated.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import pyhodgkin as ph

NEAR, START, STOP, END = 0.05, 10.0, 40.0, 50.0
STEPS = {"pospischil_rs": 5.0, "pospischil_fs": 5.0, "pospischil_ib": 2.0, "pospischil_lts": 2.0,
         "wang_buzsaki": 2.0, "traub_miles": 5.0, "brette_coba_hh": 5.0, "connor_stevens": 15.0,
         "hodgkinmodel_jl": 9.0, "herg_beattie": 0.01}  # fmt: skip
RUN = """
import importlib.util, sys
import numpy as np
spec = importlib.util.spec_from_file_location("cell", sys.argv[1])
module = importlib.util.module_from_spec(spec)
if "jaxley" in sys.argv[1]:
    import jax
    jax.config.update("jax_enable_x64", True)
spec.loader.exec_module(module)
run = getattr(module, "run_step", None) or module.run
t, v = run(amplitude=float(sys.argv[3]))
np.save(sys.argv[2], np.array([np.asarray(t), np.asarray(v)]))
"""
JULIA = """
include(ARGS[1])
const M = getfield(Main, Symbol(ARGS[4]))
amplitude = parse(Float64, ARGS[3])
p = merge(M.parameters, (i_stim = t -> 10.0 <= t < 40.0 ? amplitude : 0.0,))
u = M.initial(p)
h, rows = 0.0025, Float64[u[1]]
k1, k2, k3, k4 = (similar(u) for _ in 1:4)
for i in 0:19999
    global u
    t = h*i
    M.rhs!(k1, u, p, t)
    M.rhs!(k2, u .+ h/2 .* k1, p, t + h/2*(1 - 1e-9))
    M.rhs!(k3, u .+ h/2 .* k2, p, t + h/2*(1 - 1e-9))
    M.rhs!(k4, u .+ h .* k3, p, t + h*(1 - 1e-9))
    u = u .+ h/6 .* (k1 .+ 2 .* k2 .+ 2 .* k3 .+ k4)
    push!(rows, u[1])
end
open(ARGS[2], "w") do file
    foreach(x -> println(file, x), rows)
end
"""


def learned() -> dict[str, ph.Neuron]:
    """A squid axon with a network in n of each form, set to the published curves, and a current."""
    axon = ph.library.get("squid_axon")
    rates = axon.gate("n").kinetics
    v, found = np.linspace(-100.0, 60.0, 321), {}
    for form in ("steady_state", "rates"):
        net = ph.NeuralKinetics(form, ph.Network.create((1, 16, 16, 2), seed=1))
        found[f"network_{form}"] = axon.replace_gate("n", ph.distill(net, rates, v=v).kinetics)
    net = ph.Network.create((1, 8, 2), seed=2)
    small = net.with_arrays([*net.arrays()[:-2], 0.1 * net.arrays()[-2], net.arrays()[-1]])
    residual = ph.NeuralKinetics("residual", small, prior=rates)
    found["network_residual"] = axon.replace_gate("n", residual)
    free = ph.Network.create((2, 8, 1), seed=3, activation="silu")
    free = free.with_arrays([*free.arrays()[:-2], 0.05 * free.arrays()[-2], free.arrays()[-1]])
    found["network_free"] = axon.replace_gate("n", ph.NeuralKinetics("free", free))
    gate = ph.Gate("w", ph.SteadyStateKinetics(ph.rates.Sigmoid(1.0, -40.0, 8.0), 20.0))
    current = ph.NeuralCurrent("x", ph.Network.create((2, 6, 1), seed=4, activation="softplus"),
                               (gate,), scale=2.0)  # fmt: skip
    found["network_current"] = axon.with_channel(current)
    n = ph.RateKinetics(
        ph.rates.formula("min(0.5, a*exp((v + 55)/k))", a=0.1, k=20.0),
        ph.rates.formula("0.1 if v < -50 else 0.1*exp(-(v + 50)/80)"),
    )
    m, v = axon.gate("m").kinetics, np.linspace(-110.0, 60.0, 86)
    tables = ph.SteadyStateKinetics(
        ph.rates.Tabulated(v, m.x_inf(v)), ph.rates.Tabulated(v, m.tau(v), scale="log")
    )
    found["formulas_and_tables"] = axon.replace_gate("n", n).replace_gate("m", tables)
    return {name: _named(neuron, name) for name, neuron in found.items()}


def _named(neuron: ph.Neuron, name: str) -> ph.Neuron:
    from dataclasses import replace

    return replace(neuron, name=name)


def ours(neuron: ph.Neuron, amplitude: float) -> tuple[np.ndarray, np.ndarray]:
    """t and v of ours; the step of current is a density."""
    if neuron.current_unit in ("nA", "pA"):
        neuron = neuron.per_area(area=100.0 * neuron.c_m * (1e3 if neuron.current_unit == "nA"
                                                            else 1.0))  # fmt: skip
    clamp = ph.CurrentClamp.step(amplitude, start=START, stop=STOP, t_end=END)
    t = np.linspace(0.0, END, 50001)
    solved = ph.simulate(neuron, clamp, saveat=t, rtol=1e-10, atol=1e-10, backend="torch")
    return t, solved.v


def theirs(neuron: ph.Neuron, to: str, amplitude: float, options: argparse.Namespace) -> np.ndarray:
    """(2, T): t and v of the simulator."""
    folder = Path(tempfile.mkdtemp(prefix=f"{to}_"))
    files = neuron.export(to, folder)
    out = folder / "trace.npy"
    environment = {**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"}
    python = getattr(options, f"{'neuron' if to == 'nmodl' else to}_python", None)
    try:
        if to == "neuroml":
            return _neuroml(files, neuron, amplitude, python, environment)
        if to == "julia":
            script = folder / "run.jl"
            script.write_text(JULIA)
            module = "".join(part.capitalize() for part in neuron.name.split("_"))
            _call([options.julia, "--startup-file=no", script, files[0], out, amplitude, module],
                  folder, environment)  # fmt: skip
            v = np.loadtxt(out)
            return np.array([0.0025 * np.arange(len(v)), v])
        if to == "nmodl":
            _call([Path(python).parent / "nrnivmodl", "."], folder, environment)
        script = folder / "run_exported.py"
        script.write_text(RUN)
        _call([python, script, files[-1], out, amplitude], folder, environment)
        return np.load(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _neuroml(files, neuron, amplitude, python, environment) -> np.ndarray:
    cell = files[0]
    text = cell.read_text()
    before = text.split('amplitude="')[1].split("nA")[0]
    scaled = float(before) * amplitude / 10.0
    cell.write_text(text.replace(f'amplitude="{before}nA"', f'amplitude="{scaled!r}nA"'))
    lems = files[1].read_text()
    files[1].write_text(lems.replace('step="0.001ms"', 'step="0.0001ms"'))
    pynml = Path(python).parent / "pynml"
    checked = _call([pynml, "-validate", cell.name], cell.parent, environment)
    assert "Valid against schema and all tests" in checked, checked
    _call([pynml, files[1].name, "-nogui"], cell.parent, environment)
    t, v = np.loadtxt(cell.parent / f"{neuron.name}.dat").T
    return np.array([1e3 * t, 1e3 * v])


def _call(command: list, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run([str(x) for x in command], cwd=folder, env=environment, text=True,
                          capture_output=True, timeout=1500)  # fmt: skip
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-1500:])
    return done.stdout + done.stderr


def crossings(t: np.ndarray, v: np.ndarray) -> np.ndarray:
    at = np.flatnonzero((v[:-1] < 0.0) & (v[1:] >= 0.0))
    return t[at] - v[at] * (t[at + 1] - t[at]) / (v[at + 1] - v[at])


def compared(reference, found) -> tuple[float, float, int]:
    """mV and ms that two traces differ by, and the number of spikes."""
    (t, v), (ti, vi) = reference, found
    keep = ti <= END
    ti, vi = ti[keep], vi[keep]
    shifts = np.linspace(-NEAR, NEAR, 41)[:, None]
    moved = np.interp(ti + shifts, t, v)
    off = float(np.maximum(moved.min(axis=0) - vi, vi - moved.max(axis=0)).max())
    a, b = crossings(t, v), crossings(ti, vi)
    late = np.inf if len(a) != len(b) else float(np.abs(a - b).max(initial=0.0))
    return off, late, len(a)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    simulators = ("nmodl", "brian2", "jaxley", "neuroml", "julia")
    parser.add_argument("--only", nargs="*", default=simulators)
    parser.add_argument("--neurons", nargs="*")
    for name in ("neuron", "brian2", "jaxley", "neuroml"):
        parser.add_argument(f"--{name}-python", default=sys.executable)
    parser.add_argument("--julia", default="julia")
    options = parser.parse_args()
    neurons = {name: ph.library.get(name) for name in ph.library.names()} | learned()
    lines = ["| neuron | simulator | v differs (mV) | spikes differ (ms) | spikes |",
             "|---|---|---|---|---|"]  # fmt: skip
    for name, neuron in neurons.items():
        if options.neurons and name not in options.neurons:
            continue
        amplitude = STEPS.get(name, 10.0)
        reference = ours(neuron, amplitude)
        for to in options.only:
            try:
                off, late, count = compared(reference, theirs(neuron, to, amplitude, options))
                row = f"{off:.4f} | {late:.4f} | {count}"
            except ph.errors.InputError as error:
                row = f"refused: {str(error).split(';')[0]} | |"
            except RuntimeError as error:
                row = f"failed: {str(error).splitlines()[-1]} | |"
                print(error)
            lines.append(f"| {name} | {to} | {row} |")
            print(lines[-1], flush=True)
    if not options.neurons and len(options.only) == len(simulators):
        out = Path(__file__).parent / "results/exports.md"
        head = "# Exported neurons in other simulators\n\n" + __doc__.split("\n\n", 2)[2].strip()
        out.write_text("\n".join([head, "", *lines, ""]))


if __name__ == "__main__":
    main()
