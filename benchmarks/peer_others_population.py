"""The peers' side of rows B of `peers.py`: populations at the step or tolerance that is needed.

    python peer_others_population.py PEER      in the peers' environment, their folder on the path

Needed is what puts the spikes of 64 cells within 0.05 ms of the truth.
"""

from __future__ import annotations

import os
import shutil
import sys

import numpy as np

PEER = sys.argv[1]
sys.argv[1:] = ["none"]  # the peers' scripts run their tasks by this, when they are imported

from common import ROOT, emit, spike_times  # noqa: E402
from peer_measure import CELLS, X0, cells_of, guard, loosest, timed  # noqa: E402

STEPS = (0.025, 0.0125, 0.01, 0.005, 0.0025, 0.00125)
AT_ONCE = 10_000  # cells of a call, where all steps of all cells are kept


def spikes_of(t, v):
    return [spike_times(t, row) for row in np.asarray(v, dtype=np.float64)]


def row(peer, method, setting, error, n, call, budget=1.0):
    tm, _ = timed(call, budget=budget, most=5)
    rate = n * 50 / tm["med_s"]
    emit("B", peer, method, setting, N=n, **tm, err_spike=error, cellms_s=rate)


def jaxley(dtype):
    import jax
    import peer_jaxley as jx

    jax.config.update("jax_enable_x64", dtype == "float64")
    cell, jnp = jx.make_cell(jx.HHRef()), jax.numpy

    def run(dt, end):
        own = (lambda p: jx.sim(cell, p, 50, dt, solver)[-1]) if end else (
            lambda p: jx.sim(cell, p, 50, dt, solver))  # fmt: skip
        return jax.jit(jax.vmap(own))

    def go(task, peer, method, setting):
        def spikes(dt):
            v = run(dt, end=False)(jnp.array(cells_of(CELLS)))
            return spikes_of(np.arange(v.shape[1]) * dt, v)

        dt, error = loosest(STEPS, spikes)
        solve = run(dt, end=True)
        for n in (1000, 10_000, 100_000):
            parts = np.split(cells_of(n), max(1, n // AT_ONCE))
            rows = [jnp.array(part) for part in parts]
            call = lambda rows=rows: [jax.block_until_ready(solve(part)) for part in rows]  # noqa: E731
            if n > AT_ONCE:
                tm, _ = timed(call, budget=1.0, warm=True)
                rate = n * 50 / tm["med_s"]
                emit(task, peer, method, f"dt={dt:g}", N=n, **tm, err_spike=error, cellms_s=rate)
            else:
                row(peer, method, f"dt={dt:g}", error, n, call)

    for solver in ("crank_nicolson", "bwd_euler") if dtype == "float32" else ("crank_nicolson",):
        guard(go)("B", "jaxley", f"{solver} {dtype}", "")


def diffrax():
    import jax
    import peer_diffrax as dfx

    jnp, library, y0 = jax.numpy, dfx.dfx, jax.numpy.array(X0)

    def run(rtol, at):
        def one(p):
            how = {
                "max_steps": 16_384,
                "throw": False,
            }  # of one that fails the samples are infinite
            return dfx.solve(dfx.TERM, "Tsit5", 50, y0, p, at, rtol, rtol / 100, **how).ys

        return jax.jit(jax.vmap(one))

    def go(task, peer, method, setting):
        t = jnp.arange(10_001) * 0.005
        at = library.SaveAt(ts=t, fn=dfx.V_ONLY)

        def spikes(rtol):
            return spikes_of(np.asarray(t), run(rtol, at)(jnp.array(cells_of(CELLS))))

        rtol, error = loosest((1e-3, 1e-4, 1e-5), spikes)
        solve = run(rtol, library.SaveAt(t1=True))
        for n in (1000, 10_000):
            cells = jnp.array(cells_of(n))
            call = lambda cells=cells: jax.block_until_ready(solve(cells))  # noqa: E731
            if n > 1000:
                solve.lower(cells).compile()
            row(peer, method, f"rtol={rtol:g}", error, n, call)

    guard(go)("B", "diffrax", "Tsit5 vmap float64", "")


def brian2():
    import peer_brian2 as b2

    def go(task, peer, method, setting):
        def spikes(setting):
            scheme, dt = setting
            _, monitor, net = b2.build(cells_of(CELLS), scheme, dt, "numpy", dt)
            net.run(50 * b2.ms, namespace={})
            return spikes_of(np.array(monitor.t / b2.ms), monitor.v)

        # Exponential Euler is of first order: half a millisecond off at 0.0125, 0.2 at 0.005.
        settings = [("exponential_euler", 0.0025), ("rk4", 0.0025), ("rk4", 0.00125)]
        (scheme, dt), error = loosest(settings, spikes)
        n, folder = 10_000, os.path.join(ROOT, "cache", "brian2_population")
        shutil.rmtree(folder, ignore_errors=True)
        b2.set_device("cpp_standalone", build_on_run=False)
        b2.device.reinit()
        b2.device.activate(build_on_run=False, directory=folder)
        b2.prefs.devices.cpp_standalone.openmp_threads = 2
        _, _, net = b2.build(cells_of(n), scheme, dt, "auto", None)
        net.run(50 * b2.ms, namespace={})
        b2.device.build(directory=folder, compile=True, run=True, debug=False)
        times = []
        for _ in range(3):
            b2.device.run(directory=folder, with_output=False)
            times.append(b2.device._last_run_time)
        spread = {"med_s": float(np.median(times)), "min_s": min(times), "max_s": max(times)}
        rate = n * 50 / spread["med_s"]
        method = f"{scheme}, C++, OpenMP"
        emit(
            task, peer, method, f"dt={dt:g}", N=n, **spread, reps=3, err_spike=error, cellms_s=rate
        )

    guard(go)("B", "brian2", "C++, OpenMP", "")


def neuron():
    import peer_neuron as nrn

    h, pc, cv = nrn.h, nrn.pc, nrn.cv

    def run(cells, dt=None, rtol=None):
        h.usetable_hh, h.tstop = 0, 50
        if rtol is None:
            cv.active(0)
            h.dt, h.secondorder, h.steps_per_ms = dt, 2, 1 / dt
        else:
            cv.active(1)
            cv.use_local_dt(1)
            cv.rtol(rtol)
            cv.atol(rtol / 100)
        pc.set_maxstep(10)
        nrn.init(cells)
        pc.psolve(50) if rtol is None else cv.solve(50)

    def spikes(cells, gap, **how):
        h.dt = gap
        kept = [(h.Vector().record(s(0.5)._ref_v, gap)) for s, _ in cells[:CELLS]]
        run(cells, **how)
        return spikes_of(np.arange(len(kept[0])) * gap, np.array([np.array(v) for v in kept]))

    def go(task, peer, method, setting, name, values, threads):
        pc.nthread(1)
        few = [nrn.make(p) for p in cells_of(CELLS)]
        gap = (lambda x: x) if name == "dt" else (lambda x: 0.005)
        value, error = loosest(values, lambda x: spikes(few, gap(x), **{name: x}))
        few.clear()
        cells = [nrn.make(p) for p in cells_of(1000)]
        pc.nthread(threads)
        row(peer, method, f"{name}={value:g}", error, 1000, lambda: run(cells, **{name: value}))

    steps = {"name": "dt", "values": STEPS, "threads": 2}
    local = {"name": "rtol", "values": (1e-2, 1e-3, 1e-4, 1e-5), "threads": 1}
    guard(go)("B", "neuron", "Crank-Nicolson, 2 threads", "", **steps)
    guard(go)("B", "neuron", "CVODE, local steps", "", **local)


def arbor():
    import arbor as a
    import peer_arbor as arb

    units = arb.U

    def spikes(dt):
        sim = a.simulation(arb.R(cells_of(CELLS)), a.context(threads=2))
        schedule = a.regular_schedule(dt * units.ms)
        kept = [sim.sample((g, "v"), schedule) for g in range(CELLS)]
        sim.run(50 * units.ms, dt * units.ms)
        rows = [sim.samples(handle)[0][0] for handle in kept]
        return [spike_times(row[:, 0], row[:, 1]) for row in rows]

    def go(task, peer, method, setting):
        dt, error = loosest(STEPS, spikes, start="steady")
        for n in (1000,):  # 10,000 take two minutes
            sim = a.simulation(arb.R(cells_of(n)), a.context(threads=2))

            def call(sim=sim):
                sim.reset()
                sim.run(50 * units.ms, dt * units.ms)

            row(peer, method, f"dt={dt:g}", error, n, call)

    guard(go)("B", "arbor", "fixed step, 2 threads", "")


if __name__ == "__main__":
    name, _, dtype = PEER.partition(":")
    globals()[name](*([dtype] if dtype else []))
