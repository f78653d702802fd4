"""The peers' side of `peers.py`: rows A (one cell), C and D (gradients) of the compiled peers.

    python peer_others.py PEER TASK ...     in the peers' environment, their folder on the path

The models and the calls are those of the peers' own scripts; the choice of rows is made here.
"""

from __future__ import annotations

import sys

import numpy as np

PEER, TASKS = sys.argv[1], sys.argv[2:]
sys.argv[1:] = ["none"]  # the peers' scripts run their tasks by this, when they are imported

from common import TOLS, emit, errors, load_c, load_d, rel_grad_err, tolname, unflatten  # noqa: E402
from peer_measure import VARIANTS, X0, guard, timed  # noqa: E402


def each_case(peer: str, method: str, solve, settings=TOLS, name=tolname):
    """Rows A: `solve(p, T, *setting)` gives a call, and the call times and voltages."""
    for variant, p in VARIANTS.items():
        for t_end in (50, 500):
            for setting in settings:

                def go(task, peer, method, label, variant=variant, T=t_end):
                    seconds, (t, v) = timed(solve(p, T, *setting))
                    off = errors(variant, T, t, v)
                    emit(task, peer, method, label, variant=variant, T=T, **seconds, **off)

                guard(go)("A", peer, method, name(*setting), variant=variant, T=t_end)


def scipy():
    import hh_numba
    from scipy.integrate import solve_ivp
    from sksundae.cvode import CVODE

    def lsoda(p, t_end, rtol, atol):
        t = np.arange(t_end * 100 + 1) * 0.01
        options = {"rtol": rtol, "atol": atol, "t_eval": t, "method": "LSODA"}

        def call():
            s = solve_ivp(lambda t, y: hh_numba.rhs(t, y, p), (0, t_end), X0, **options)
            return s.t, s.y[0]

        return call

    def cvode(p, t_end, rtol, atol):
        t = np.arange(t_end * 100 + 1) * 0.01

        def call():
            options = {"method": "BDF", "rtol": rtol, "atol": atol, "max_num_steps": 100_000}
            s = CVODE(lambda t, y, f: hh_numba.rhs_inplace(t, y, f, p), **options).solve(t, X0)
            return s.t, s.y[:, 0]

        return call

    if "A" in TASKS:
        each_case("scipy", "LSODA", lsoda)
        each_case("sundials", "CVODE BDF", cvode)


def neuron():
    import peer_neuron as nrn

    def cvode(p, t_end, rtol, atol):
        cells, h = [nrn.make(p)], nrn.h
        section = cells[0][0]
        v, t = h.Vector(), h.Vector()
        v.record(section(0.5)._ref_v, 0.01)
        t.record(h._ref_t, 0.01)

        def call():
            h.usetable_hh = 0
            nrn.cv.active(1)
            nrn.cv.rtol(rtol)
            nrn.cv.atol(atol)
            h.tstop = t_end
            nrn.init(cells)
            nrn.cv.solve(t_end)
            return np.rint(np.array(t) / 0.005) * 0.005, np.array(v)

        return call

    if "A" in TASKS:
        each_case("neuron", "CVODE", cvode)


def diffrax():
    import jax
    import peer_diffrax as dfx

    jnp, library = jax.numpy, dfx.dfx
    y0 = jnp.array(X0)

    def solve(term, p, t, rtol, atol, adjoint=None):
        at = library.SaveAt(ts=t, fn=dfx.V_ONLY)
        return dfx.solve(term, "Tsit5", 50, y0, p, at, rtol, atol, 16_384, adjoint).ys

    def single(p, t_end, rtol, atol):
        t = jnp.arange(t_end * 100 + 1) * 0.01
        at = library.SaveAt(ts=t, fn=dfx.V_ONLY)
        run = jax.jit(
            lambda p: dfx.solve(dfx.TERM, "Tsit5", t_end, y0, p, at, rtol, atol, 1_000_000).ys
        )
        return lambda: (np.asarray(t), np.asarray(run(jnp.array(p))))

    if "A" in TASKS:
        each_case("diffrax", "Tsit5", single)

    def gradients(task, peer, method, setting, rtol, atol, **case):
        target, _, reference = load_c(50)
        t, p, seen = jnp.arange(501) * 0.1, jnp.array(VARIANTS["ref"]), jnp.array(target)
        forward = method.endswith("forward")
        adjoint = library.ForwardMode() if forward else library.RecursiveCheckpointAdjoint()

        def loss(p):
            return jnp.mean((solve(dfx.TERM, p, t, rtol, atol, adjoint) - seen) ** 2)

        def pushed(p):
            value, slope = jax.vmap(lambda e: jax.jvp(loss, (p,), (e,)))(jnp.eye(8))
            return value[0], slope

        run = jax.jit(pushed if forward else jax.value_and_grad(loss))
        seconds, (_, g) = timed(lambda: jax.block_until_ready(run(p)))
        emit(
            task,
            peer,
            method,
            setting,
            **case,
            **seconds,
            gerr=rel_grad_err(np.asarray(g), reference),
        )

    def networks(task, peer, method, setting, rtol, atol, batch, **case):
        d, t = load_d(), jnp.arange(501) * 0.1
        net, p = dfx.make_mlp(d["theta"]), np.tile(VARIANTS["ref"], (batch, 1))
        if batch > 1:
            p[:, 7] = d["I32"]
        seen = jnp.array(d["target"][None] if batch == 1 else d["target32"])
        adjoint, p = library.RecursiveCheckpointAdjoint(), jnp.array(p)

        def loss(net):
            v = jax.vmap(lambda p: solve(dfx.TERMN, (p, net), t, rtol, atol, adjoint))(p)
            return jnp.mean((v - seen) ** 2)

        def alone(net):
            v = solve(dfx.TERMN, (p[0], net), t, rtol, atol, adjoint)
            return jnp.mean((v - seen[0]) ** 2)

        run = dfx.eqx.filter_jit(dfx.eqx.filter_value_and_grad(alone if batch == 1 else loss))
        seconds, (_, g) = timed(lambda: jax.block_until_ready(run(net)))
        off = dfx.dir_err(dfx.flat(g), d["dirs"], d["fd1"] if batch == 1 else d["fd32"])
        emit(task, peer, method, setting, batch=batch, **case, **seconds, gerr=off)

    for rtol, atol in TOLS[:2]:
        for way in ("Tsit5 forward", "Tsit5 backward") if "C" in TASKS else ():
            label = tolname(rtol, atol)
            guard(gradients)("C", "diffrax", way, label, rtol=rtol, atol=atol, T=50)
        for batch in (1, 32) if "D" in TASKS else ():
            how = {"rtol": rtol, "atol": atol, "batch": batch, "T": 50}
            guard(networks)("D", "diffrax", "Tsit5 backward", tolname(rtol, atol), **how)


def jaxley():
    import jax
    import peer_jaxley as jx

    jnp = jax.numpy

    def gradients(task, peer, method, setting, dt, **case):
        target, _, reference = load_c(50)
        cell, every = jx.make_cell(jx.HHRef()), round(0.1 / dt)
        seen, p = jnp.array(target), jnp.array(VARIANTS["ref"])

        def loss(p):
            return jnp.mean((jx.sim(cell, p, 50, dt, method)[::every] - seen) ** 2)

        run = jax.jit(jax.value_and_grad(loss))
        seconds, (_, g) = timed(lambda: jax.block_until_ready(run(p)))
        emit(
            task,
            peer,
            method,
            setting,
            **case,
            **seconds,
            gerr=rel_grad_err(np.asarray(g), reference),
        )

    def networks(task, peer, method, setting, dt, batch, **case):
        d, channel, every = load_d(), jx.HHNeural(), round(0.1 / dt)
        cell, p = jx.make_cell(channel), np.tile(VARIANTS["ref"], (batch, 1))
        if batch > 1:
            p[:, 7] = d["I32"]
        seen = jnp.array(d["target"][None] if batch == 1 else d["target32"])
        own = next(x for x in cell.channels if x._name == "HHRef")

        def loss(weights):
            own.weights = weights
            v = jax.vmap(lambda p: jx.sim(cell, p, 50, dt, method)[::every])(jnp.array(p))
            return jnp.mean((v - seen) ** 2)

        run = jax.jit(jax.value_and_grad(loss))
        weights = [jnp.array(x) for x in unflatten(d["theta"])]
        seconds, (_, g) = timed(lambda: jax.block_until_ready(run(weights)))
        along = d["dirs"] @ np.concatenate([np.asarray(x).ravel() for x in g])
        fd = d["fd1"] if batch == 1 else d["fd32"]
        off = float(np.max(np.abs(along - fd) / np.abs(fd)))
        emit(task, peer, method, setting, batch=batch, **case, **seconds, gerr=off)

    for dt in (0.025, 0.0025):
        if "C" in TASKS:
            guard(gradients)("C", "jaxley", "crank_nicolson", f"dt={dt:g}", dt=dt, T=50)
        for batch in (1, 32) if "D" in TASKS else ():
            how = {"dt": dt, "batch": batch, "T": 50}
            guard(networks)("D", "jaxley", "crank_nicolson", f"dt={dt:g}", **how)


if __name__ == "__main__":
    {"scipy": scipy, "neuron": neuron, "diffrax": diffrax, "jaxley": jaxley}[PEER]()
