"""Exported files in the simulators themselves: how the tests run and compare them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import pyhodgkin as ph

JULIA = """
include(ARGS[1])
const M = getfield(Main, Symbol(ARGS[2]))
p = merge(M.parameters, (i_stim = t -> 10.0 <= t < 40.0 ? 10.0 : 0.0,))
function solve(u, h)
    k1, k2, k3, k4 = (similar(u) for _ in 1:4)
    for i in 0:round(Int, 50/h) - 1
        t, mid, last = h*i, h*i + h/2*(1 - 1e-9), h*i + h*(1 - 1e-9)
        M.rhs!(k1, u, p, t)
        M.rhs!(k2, u .+ h/2 .* k1, p, mid)
        M.rhs!(k3, u .+ h/2 .* k2, p, mid)
        M.rhs!(k4, u .+ h .* k3, p, last)
        u = u .+ h/6 .* (k1 .+ 2 .* k2 .+ 2 .* k3 .+ k4)
        i % 4 == 3 && println(h*(i + 1), " ", u[1])
    end
end
solve(M.initial(p), 0.005)
"""


def runs_like_ours(neuron, t, v, amplitude=10.0):
    """Within 0.1 mV of ours at a time within 0.05 ms; `amplitude` is in µA/cm².

    A neuron of a whole cell is exported with the area at which its capacitance is 1 µF/cm².
    """
    unit = neuron.current_unit or "uA/cm2"
    size = 1.0 if unit == "uA/cm2" else neuron.c_m
    clamp = ph.CurrentClamp.step(size * amplitude, start=10.0, stop=40.0, t_end=50.0, unit=unit)
    solved = ph.simulate(neuron, clamp, saveat=np.linspace(0.0, 50.0, 10001), rtol=1e-8,
                         atol=1e-9, backend="torch")  # fmt: skip
    t, v = np.asarray(t), np.asarray(v)
    shifts = np.linspace(-0.05, 0.05, 21)[:, None]
    near = np.interp(np.minimum(t, 50.0) + shifts, solved.t, solved.v)
    assert np.maximum(near.min(axis=0) - v, v - near.max(axis=0)).max() < 0.1


def loaded(path):
    """A file of Python as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def in_neuron(neuron, folder):
    """t and v of NEURON; skips where it is not installed."""
    pytest.importorskip("neuron", reason="NEURON is not installed (pip install neuron)")
    compiler = shutil.which("nrnivmodl")
    if compiler is None:
        pytest.skip("nrnivmodl of NEURON is not on the path")
    files = neuron.export("nmodl", folder)
    assert files[-1].name == "cell.py"
    subprocess.run([compiler, "."], cwd=folder, check=True, capture_output=True)
    code = "import cell, json; t, v = cell.run(); print(json.dumps([list(t), list(v)]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, check=True,
                          capture_output=True, text=True)  # fmt: skip
    return np.array(eval(done.stdout.splitlines()[-1]))


def in_brian2(neuron, folder):
    """t and v of Brian2; skips where it is not installed."""
    pytest.importorskip("brian2", reason="Brian2 is not installed (pip install brian2)")
    (file,) = neuron.export("brian2", folder)
    return loaded(file).run_step()


def in_jaxley(neuron, folder):
    """t and v of Jaxley; skips where it is not installed."""
    pytest.importorskip("jaxley", reason="Jaxley is not installed (pip install jaxley)")
    import jax

    jax.config.update("jax_enable_x64", True)
    (file,) = neuron.export("jaxley", folder)
    return loaded(file).run()


def in_neuroml(neuron, folder):
    """t and v of jLEMS, of a valid file; skips where pyNeuroML or java is not installed."""
    pytest.importorskip("pyneuroml", reason="pyNeuroML is not installed (pip install pyneuroml)")
    pynml = shutil.which("pynml")
    if pynml is None or shutil.which("java") is None:
        pytest.skip("pynml or java is not on the path")
    cell, lems = neuron.export("neuroml", folder)
    checked = subprocess.run([pynml, "-validate", cell.name], cwd=folder, capture_output=True,
                             text=True)  # fmt: skip
    assert "Valid against schema and all tests" in checked.stdout + checked.stderr
    subprocess.run([pynml, lems.name, "-nogui"], cwd=folder, check=True, capture_output=True)
    return 1e3 * np.loadtxt(folder / f"{neuron.name}.dat").T


def in_julia(neuron, folder):
    """t and v of Julia, by Runge-Kutta; skips where it is not installed."""
    julia = os.environ.get("PYTHON_JULIAPKG_EXE") or shutil.which("julia")
    if julia is None:
        pytest.skip("julia is not on the path, nor named by PYTHON_JULIAPKG_EXE")
    (file,) = neuron.export("julia", folder)
    script = folder / "run.jl"
    script.write_text(JULIA)
    module = "".join(part.capitalize() for part in neuron.name.split("_"))
    command = [julia, "--startup-file=no", str(script), str(file), module]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return np.array([[float(x) for x in line.split()] for line in done.stdout.splitlines()]).T


SIMULATORS = {
    "nmodl": in_neuron,
    "brian2": in_brian2,
    "jaxley": in_jaxley,
    "neuroml": in_neuroml,
    "julia": in_julia,
}
