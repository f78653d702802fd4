"""Exported files in their simulators, for `exports.py`: a step of current, a voltage clamp."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import pyhodgkin as ph

# Of the voltage clamp: until when (ms) which voltage (mV).
LEVELS = ((20.0, -80.0), (320.0, 40.0), (500.0, -50.0))
# A process that runs one file after the other: each line names the file, the trace, the amplitude.
RUN = """
import importlib.util, sys, traceback
import numpy as np
if sys.argv[1] == "brian2":
    import brian2
    brian2.prefs.codegen.target = "numpy"  # for one cell faster than compiling its code
if sys.argv[1] == "jaxley":
    import jax
    jax.config.update("jax_enable_x64", True)
for line in sys.stdin:
    file, out, amplitude, how, step = line.rstrip("\\n").split("\\t")
    try:
        spec = importlib.util.spec_from_file_location("cell", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if how:
            exec(open(how).read(), {"module": module, "np": np, "out": out})
        else:
            run = getattr(module, "run_step", None) or module.run
            t, v = run(amplitude=float(amplitude), **({"dt": float(step)} if step else {}))
            np.save(out, np.array([np.asarray(t), np.asarray(v)]))
        print("done", flush=True)
    except Exception:
        print("failed " + traceback.format_exc()[-1200:].replace("\\n", " | "), flush=True)
"""
# The membrane has a capacitance at which no current changes its voltage.
CLAMP = {
    "nmodl": """
h = module.h
h.load_file('stdrun.hoc')
section = module.build()
section.cm = 1e12
solver = h.CVode()
solver.active(True)
solver.rtol(0.0), solver.atol(1e-9)
name = "i_" + module.MECHANISMS[0]
t, i, start = h.Vector().record(h._ref_t, 0.05), [], []
i = h.Vector().record(getattr(section(0.5), "_ref_" + name), 0.05)
h.finitialize(LEVELS[0][1])
for until, level in LEVELS:
    section.v = level
    solver.re_init()
    h.continuerun(until)
np.save(out, np.array([t.to_python(), 1e3*np.array(i.to_python())]))
""",
    "brian2": """
from brian2 import *
start_scope()
defaultclock.dt = 0.02*ms
module.parameters["c_m"] = 1e12*uF/cm**2
cells = module.group()
seen = StateMonitor(cells, "i_kr", record=True, dt=0.1*ms)
net, before = Network(cells, seen), 0.0
for until, level in LEVELS:
    cells.v = level*mV
    net.run((until - before)*ms)
    before = until
np.save(out, np.array([seen.t/ms, seen.i_kr[0]/(uA/cm**2)]))
""",
    "jaxley": """
import jax.numpy as jnp, jaxley as jx
cell = module.build()
dt, t = 0.01, 0.01*jnp.arange(round(LEVELS[-1][0]/0.01) + 1)
v = jnp.full(t.shape, LEVELS[-1][1])
for until, level in LEVELS[::-1]:
    v = jnp.where(t < until, level, v)
cell.clamp("v", v)
cell.record("i_Kr")
i = 1e3*np.asarray(jx.integrate(cell, delta_t=dt)[0])[:len(t)]
np.save(out, np.array([np.asarray(t), i]))
""",
}
JULIA = """
include(ARGS[1])
const M = getfield(Main, Symbol(ARGS[4]))
const amplitude = parse(Float64, ARGS[3])
const clamp = ARGS[5] == "clamp"
p = merge(M.parameters, (i_stim = t -> 10.0 <= t < 40.0 && !clamp ? amplitude : 0.0,))
p = clamp ? merge(p, (c_m = 1e12,)) : p
function solve(u, levels, h, count, rows)
    k1, k2, k3, k4 = (similar(u) for _ in 1:4)
    for i in 0:count - 1
        t = h*i
        if clamp
            u[1] = levels[findfirst(x -> t < x[1] - 1e-9, levels)][2]
            push!(rows, M.kr_current(u[1], opened(u)..., p))
        end
        M.rhs!(k1, u, p, t)
        M.rhs!(k2, u .+ h/2 .* k1, p, t + h/2*(1 - 1e-9))
        M.rhs!(k3, u .+ h/2 .* k2, p, t + h/2*(1 - 1e-9))
        M.rhs!(k4, u .+ h .* k3, p, t + h*(1 - 1e-9))
        u = u .+ h/6 .* (k1 .+ 2 .* k2 .+ 2 .* k3 .+ k4)
        clamp || push!(rows, u[1])
    end
    return rows
end
opened(u) = :kr_O in M.states ? (u[findfirst(==(:kr_O), M.states)],) : (u[2], u[3])
u = M.initial(p)
rows = clamp ? solve(u, LEVELS, 0.02, 25000, Float64[]) : solve(u, (), 0.0025, 20000, [u[1]])
open(ARGS[2], "w") do file
    foreach(x -> println(file, x), rows)
end
"""


def theirs(
    neuron: ph.Neuron,
    to: str,
    amplitude: float,
    options: argparse.Namespace,
    clamp: bool = False,
    step: float | None = None,
) -> np.ndarray:
    """(2, T): t and v of the simulator; under a voltage clamp t and the current, µA/cm²."""
    if to == "neuroml":
        assert step is not None
        return neuroml(neuron, amplitude, step, options)
    folder = Path(tempfile.mkdtemp(prefix=f"{to}_"))
    try:
        files = neuron.export(to, folder)
        out = folder / "trace.npy"
        environment = environment_of(options.python)
        if to == "julia":
            script = folder / "run.jl"
            script.write_text(JULIA.replace("LEVELS", repr(LEVELS)))
            module = "".join(part.capitalize() for part in neuron.name.split("_"))
            call([options.julia, "--startup-file=no", script, files[0], out, amplitude, module,
                  "clamp" if clamp else "step"], folder, environment)  # fmt: skip
            rows = np.loadtxt(out)
            return np.array([(0.02 if clamp else 0.0025) * np.arange(len(rows)), rows])
        how = folder / "clamp.py" if clamp else ""
        if clamp:
            Path(how).write_text(f"LEVELS = {LEVELS!r}\n{CLAMP[to]}")
        if to == "nmodl":
            call([Path(options.python).parent / "nrnivmodl", "."], folder, environment)
        with_processes(to, options).run(files[-1], out, amplitude, how, step)
        return np.load(out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def neuroml(
    neuron: ph.Neuron, amplitude: float, step: float, options: argparse.Namespace
) -> np.ndarray:
    """t and v of jLEMS at a `step` (ms), of a file that pyNeuroML's validator accepts."""
    folder = Path(tempfile.mkdtemp(prefix="neuroml_"))
    try:
        cell, lems = neuron.export("neuroml", folder)
        text = cell.read_text()
        (before,) = re.findall(r'amplitude="([^"]*)nA"', text)
        scaled = float(before) * amplitude / 10.0
        cell.write_text(text.replace(f'amplitude="{before}nA"', f'amplitude="{scaled!r}nA"'))
        lems.write_text(re.sub(r'step="[^"]*"', f'step="{step!r}ms"', lems.read_text()))
        environment = environment_of(options.python)
        pynml = Path(options.python).parent / "pynml"
        checked = call([pynml, "-validate", cell.name], folder, environment)
        assert "Valid against schema and all tests" in checked, checked
        call([pynml, lems.name, "-nogui"], folder, environment)
        t, v = np.loadtxt(folder / f"{neuron.name}.dat").T
        return np.array([1e3 * t, 1e3 * v])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Process:
    """Runs exported files of one simulator; of NEURON each in a process of its own."""

    def __init__(self, to: str, python: str) -> None:
        self._to, self._python, self._running = to, python, None

    def run(
        self, file: Path, out: Path, amplitude: float, how: Path | str, step: float | None
    ) -> None:
        if self._running is None or self._to == "nmodl":
            self._running = subprocess.Popen(
                [self._python, "-c", RUN, self._to], env=environment_of(self._python), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        at = self._running
        assert at.stdin is not None and at.stdout is not None
        print(file, out, amplitude, how, step or "", sep="\t", file=at.stdin, flush=True)
        for line in at.stdout:
            if line.startswith("failed "):
                raise RuntimeError(line[7:].replace(" | ", "\n"))
            if line.strip() == "done":
                break
        else:
            self._running = None
            raise RuntimeError(f"the process of {self._to} ended")
        if self._to == "nmodl":
            at.stdin.close()
            at.wait()


_PROCESSES: dict[str, Process] = {}


def with_processes(to: str, options: argparse.Namespace) -> Process:
    """The process of a simulator, which is started once."""
    return _PROCESSES.setdefault(to, Process(to, options.python))


def environment_of(python: str) -> dict[str, str]:
    path = os.pathsep.join([str(Path(python).parent), os.environ["PATH"]])
    return {**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1", "PATH": path}


def call(command: list, folder: Path, environment: dict[str, str]) -> str:
    """What a command prints, or a RuntimeError with the end of it."""
    done = subprocess.run([str(x) for x in command], cwd=folder, env=environment, text=True,
                          capture_output=True, timeout=1500)  # fmt: skip
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-1500:])
    return done.stdout + done.stderr


def version_of(to: str, options: argparse.Namespace) -> str:
    """The simulator and its version."""
    if to == "julia":
        return call([options.julia, "--version"], Path.cwd(), dict(os.environ)).strip()
    names = {"nmodl": "neuron", "brian2": "brian2", "jaxley": "jaxley", "neuroml": "pyneuroml"}
    code = f"import importlib.metadata as m; print(m.version('{names[to]}'))"
    found = call([options.python, "-c", code], Path.cwd(), environment_of(options.python))
    title = {"nmodl": "NEURON", "brian2": "Brian2", "jaxley": "Jaxley"}.get(to, "pyNeuroML")
    version = f"{title} {found.strip()}"
    if to == "neuroml":
        code = (
            "import pyneuroml as p, pathlib as l; print(*l.Path(p.__path__[0]).glob('lib/*.jar'))"
        )
        jar = call([options.python, "-c", code], Path.cwd(), environment_of(options.python))
        version += " with jNeuroML " + re.findall(r"jNeuroML-([\d.]+)", jar)[-1].rstrip(".")
    return version
