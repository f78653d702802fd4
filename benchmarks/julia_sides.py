"""The two sides of `julia_paired.py`: each case as what to time and what its error is.

Both are functions of the relative tolerance; the absolute one is a hundredth of it. The peers'
`common.py` (tasks, references, error measures) and `hh_jax.py` must be on the path.
"""

from __future__ import annotations

import common
import numpy as np

GRID = np.arange(501) * 0.1
VARIANTS = {"solve": "std", "stiff": "ref"}

# The side of pyhodgkin.


NAMES = ["na.g", "k.g", "l.g", "na.e", "k.e", "l.e", "c_m"]


def our_neuron(p):
    """The squid axon with the peers' parameters gNa gK gL ENa EK EL C I."""
    import pyhodgkin as ph

    values = {name.replace(".", "__"): x for name, x in zip(NAMES, p[:7], strict=True)}
    return ph.library.get("hodgkinmodel_jl").with_parameters(**values)


def our_solve(case, solver):
    import pyhodgkin as ph

    variant = VARIANTS[case]
    p = common.VARIANTS[variant]
    cell, clamp = our_neuron(p), ph.CurrentClamp.constant(-p[7], t_end=50.0)

    def run(rtol, t=GRID):
        options = {"rtol": rtol, "atol": rtol * 1e-2, "solver": solver, "backend": "julia"}
        return ph.simulate(cell, clamp, saveat=t, y0=common.X0, **options)

    def error(rtol):
        t = np.arange(5001) * 0.01
        return common.errors(variant, 50, t, run(rtol, t).v)["err_spike"]

    return run, error


def our_gradient(cell, currents, targets, solver):
    import pyhodgkin as ph
    from pyhodgkin.backends.base import SolveOptions
    from pyhodgkin.backends.loss import Loss

    engine, start = ph.backends.get("julia"), np.tile(common.X0, (len(currents), 1))
    data = [
        ph.Recording(GRID, ph.CurrentClamp.constant(float(i), t_end=50.0), v=v)
        for i, v in zip(currents, targets, strict=True)
    ]

    def run(rtol):
        options = SolveOptions(solver, rtol, rtol * 1e-2)
        return engine.value_and_grad(
            cell, data, cell.theta, Loss("mse", scale=1.0), y0=start, options=options
        )

    return run


def our_physical(case, solver):
    p = common.VARIANTS["ref"]
    cell, (target, _, reference) = our_neuron(p), common.load_c(50)
    run = our_gradient(cell, [-p[7]], [target], solver)

    def error(rtol):
        g = run(rtol).gradient[[cell.layout[name].start for name in NAMES]]
        # A stimulus enters as g_l e_l does; the peers' current has the other sign.
        return common.rel_grad_err(np.append(g, -g[5] / p[2]), reference)

    return run, error


def our_gate(case, solver):
    import pyhodgkin as ph

    d = common.load_d()
    parts = common.unflatten(d["theta"])
    kinetics = ph.NeuralKinetics(
        "steady_state",
        ph.Network(tuple(parts[0::2]), tuple(parts[1::2])),
        v_shift=-65.0,
        v_scale=40.0,
        tau_min=0.0,
        tau_max=None,
    )
    cell = our_neuron(common.VARIANTS["ref"]).replace_gate("n", kinetics)
    one = case == "gate"
    targets = d["target"][None] if one else d["target32"]
    run = our_gradient(cell, [9.0] if one else list(-d["I32"]), targets, solver)
    places = cell.layout.select("networks")

    def error(rtol):
        found = d["dirs"] @ run(rtol).gradient[places]
        expected = d["fd1" if one else "fd32"]
        return float(np.max(np.abs(found - expected) / np.abs(expected)))

    return run, error


def our_residual(case, solver):
    """One or three gates with a network of 338 weights on top of their published kinetics."""
    import pyhodgkin as ph

    cell = our_neuron(common.VARIANTS["ref"])
    for i, gate in enumerate(("n",) if case == "one" else ("n", "m", "h")):
        network = ph.Network.create((1, 16, 16, 2), seed=i, zero_last=True)
        prior = cell.gate(gate).kinetics
        cell = cell.replace_gate(gate, ph.NeuralKinetics("residual", network, prior=prior))
    return our_gradient(cell, [9.0], [common.load_d()["target"]], solver), lambda rtol: 0.0


def ours(case, method):
    of = {"solve": our_solve, "stiff": our_solve, "physical": our_physical}
    of |= {"gate": our_gate, "batch": our_gate, "one": our_residual, "three": our_residual}
    return of[case](case, method)


# The side of diffrax, set up as in the peers' own script; tolerances are arguments, so that one
# compilation does for all of them.


def their_setup():
    import jax

    jax.config.update("jax_enable_x64", True)
    import diffrax as dfx
    import hh_jax
    import jax.numpy as jnp

    def solve(field, args, ts, rtol, most, adjoint):
        return dfx.diffeqsolve(
            dfx.ODETerm(field),
            dfx.Tsit5(),
            0.0,
            50.0,
            dt0=None,
            y0=jnp.array(common.X0),
            args=args,
            saveat=dfx.SaveAt(ts=ts, fn=lambda t, y, a: y[0]),
            stepsize_controller=dfx.PIDController(rtol=rtol, atol=rtol * 1e-2),
            max_steps=most,
            adjoint=adjoint,
        ).ys

    return jax, jnp, dfx, hh_jax, solve


def their_solve(case):
    jax, jnp, dfx, field, solve = their_setup()
    variant = VARIANTS[case]
    p = jnp.array(common.VARIANTS[variant])
    plain = dfx.RecursiveCheckpointAdjoint()
    compiled = jax.jit(lambda p, t, rtol: solve(field.vf, p, t, rtol, 1_000_000, plain))
    grid = jnp.array(GRID)

    def error(rtol):
        t = np.arange(5001) * 0.01
        v = np.asarray(compiled(p, jnp.array(t), rtol))
        return common.errors(variant, 50, t, v)["err_spike"]

    return lambda rtol: jax.block_until_ready(compiled(p, grid, rtol)), error


def their_physical(method):
    jax, jnp, dfx, field, solve = their_setup()
    target, _, reference = common.load_c(50)
    p, back = jnp.array(common.VARIANTS["ref"]), method == "Tsit5 back"
    adjoint = dfx.RecursiveCheckpointAdjoint() if back else dfx.ForwardMode()

    def loss(p, rtol):
        v = solve(field.vf, p, jnp.array(GRID), rtol, 16_384, adjoint)
        return jnp.mean((v - jnp.array(target)) ** 2)

    def forward(p, rtol):
        along = jax.vmap(lambda e: jax.jvp(lambda p: loss(p, rtol), (p,), (e,)))(jnp.eye(8))
        return along[0][0], along[1]

    compiled = jax.jit(jax.value_and_grad(loss) if back else forward)

    def run(rtol):
        return jax.block_until_ready(compiled(p, rtol))

    return run, lambda rtol: common.rel_grad_err(np.asarray(run(rtol)[1]), reference)


def their_gate(case):
    jax, jnp, dfx, field, solve = their_setup()
    d, one = common.load_d(), case == "gate"
    p = np.tile(common.VARIANTS["ref"], (1 if one else 32, 1))
    p[:, 7] = -9.0 if one else d["I32"]
    targets = jnp.array(d["target"][None] if one else d["target32"])
    weights = [jnp.array(w) for w in common.unflatten(d["theta"])]
    adjoint = dfx.RecursiveCheckpointAdjoint()

    def loss(w, rtol):
        def each(p):
            return solve(field.vf_mlp, (p, tuple(w)), jnp.array(GRID), rtol, 16_384, adjoint)

        v = each(jnp.array(p[0]))[None] if one else jax.vmap(each)(jnp.array(p))
        return jnp.mean((v - targets) ** 2)

    compiled = jax.jit(jax.value_and_grad(loss))

    def run(rtol):
        return jax.block_until_ready(compiled(weights, rtol))

    def error(rtol):
        g = np.concatenate([np.asarray(x).ravel() for x in run(rtol)[1]])
        expected = d["fd1" if one else "fd32"]
        return float(np.max(np.abs(d["dirs"] @ g - expected) / np.abs(expected)))

    return run, error


def theirs(case, method):
    if case == "physical":
        return their_physical(method)
    return their_solve(case) if case in ("solve", "stiff") else their_gate(case)
