"""Populations, networks and gradients on a GPU: one table, with the name of the card.

    python benchmarks/gpu_population.py [--seconds 330]

Cells of the squid axon with their own conductances, 50 ms under 10 µA/cm², from the steady state,
only the end is kept. "kernel" is one launch, "call" the whole call of the engine with arrays of
numpy in and out. Sections are left out when the time is up. Peers (JAX: diffrax, Jaxley) run where
they can be imported. Exits with 2 where there is no CUDA device.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import pyhodgkin as ph
from pyhodgkin.backends.torch.engine import TorchBackend

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SQUID = ph.library.get("squid_axon")
CLAMP = ph.CurrentClamp.constant(10.0, 50.0)
PRECISIONS = (("float32", 1e-4), ("float64", 1e-6))
ENGINE = TorchBackend()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=330.0, help="after which nothing starts")
    parser.add_argument("--only", default="", help="a section")
    seconds, only = (lambda a: (a.seconds, a.only))(parser.parse_args())
    import torch

    if not torch.cuda.is_available():
        print("no CUDA device")
        return 2
    import triton

    card = torch.cuda.get_device_name()
    print(
        f"{card}; torch {torch.__version__}, triton {triton.__version__}, "
        f"pyhodgkin {ph.__version__}"
    )
    began = time.perf_counter()
    for section in (populations, references, networks, gradients, peers):
        if only and section.__name__ != only:
            continue
        if time.perf_counter() - began > seconds:
            print(f"{section.__name__}: left out, the time is up")
            continue
        try:
            section()
        except Exception as error:  # the other sections are of use all the same
            print(
                f"{section.__name__}: {type(error).__name__}: {' '.join(str(error).split())[:600]}"
            )
    print(f"{time.perf_counter() - began:.0f} s in all")
    return 0


def timed(call: Callable[[], object], times: int = 3) -> tuple[float, float]:
    """The first call and the median of the following ones, s."""
    import torch

    found = []
    for _ in range(times + 1):
        torch.cuda.synchronize()
        start = time.perf_counter()
        call()
        torch.cuda.synchronize()
        found.append(time.perf_counter() - start)
    return found[0], statistics.median(found[1:])


def row(what: str, path: str, first: float, second: float, cells: float, more: str = "") -> None:
    rate = cells * 50.0 / second
    print(
        f"{what:<44} {path:<7} first {first:7.2f} s, then {second * 1e3:9.2f} ms"
        f" {rate:9.3g} cell·ms/s  {more}",
        flush=True,
    )


def scattered(cell: ph.Neuron, count: int) -> np.ndarray:
    """Parameters (count, P) with conductances of their own."""
    rng = np.random.default_rng(0)
    theta = np.tile(cell.theta, (count, 1))
    for channel in ("na", "k", "l"):
        if f"{channel}.g" in cell.layout:
            theta[:, cell.layout[f"{channel}.g"].start] *= rng.uniform(0.8, 1.2, count)
    return theta


def launch_of(cell: ph.Neuron, theta: np.ndarray, options: ph.SolveOptions) -> Callable:
    import torch

    from pyhodgkin.backends.torch.gpu import Launch
    from pyhodgkin.backends.torch.gpu_batch import Batch
    from pyhodgkin.backends.torch.steps import METHODS
    from pyhodgkin.protocols import Segments

    def tensor(x: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(x, device="cuda")

    count, none = len(theta), np.zeros(len(theta), dtype=np.int64)
    batch = Batch(
        tensor(theta),
        tensor(np.arange(count)),
        tensor(none),
        Segments.stack([CLAMP.segments]),
        tensor(np.full(count, cell.v_rest, dtype=float)),
        tensor(np.zeros((0, len(cell.states)))),
        tensor(np.array([[50.0]])),
        tensor(np.full(count, 50.0)),
        False,
    )
    launch = Launch(cell.tables, METHODS[options.solver].tableau, batch, options)
    return lambda: launch(0, count)


def populations() -> None:
    for dtype, rtol in PRECISIONS:
        for solver in ("tsit5", "rodas5p"):
            options = ph.SolveOptions(
                solver=solver, rtol=rtol, atol=rtol * 1e-2, dtype=dtype, device="cuda"
            )
            for count in (10_000, 100_000, 1_000_000) if solver == "tsit5" else (100_000,):
                theta = scattered(SQUID, count)
                solve = launch_of(SQUID, theta, options)
                what = f"{solver} {dtype} rtol {rtol:g}, {count} cells"
                found = solve()
                steps = float(found.results[1].double().mean())
                bad = int((found.results[0] != 0).sum())
                row(what, "kernel", *timed(solve), count, f"{steps:.0f} steps, {bad} failed")
                if count == 100_000:

                    def call(theta=theta, options=options):
                        return ENGINE.solve(SQUID, [CLAMP], theta, None, np.array([50.0]), options)

                    row(what, "call", *timed(call, 1), count)


def references() -> None:
    """13 traces at rtol 1e-8 on the GPU: against the files, or the CPU at 1e-10."""
    runs = (
        json.loads((DATA / "hh1952_reference.json").read_text())["runs"]
        if DATA.is_dir()
        else {
            f"step{a:g}": {"pulses_delay_dur_uA_cm2": [(5, 90, a)], "celsius": 6.3}
            for a in (2, 5, 6.2, 6.5, 7, 10, 20, 50)
        }
    )
    arrays = dict(np.load(DATA / "hh1952_reference.npz")) if DATA.is_dir() else {}
    t = np.linspace(0.0, 100.0, 2001)
    for solver in ("rodas5p", "tsit5"):
        worst, start = 0.0, time.perf_counter()
        for name, run in runs.items():
            pulses = [ph.Step(s, s + w, a) for s, w, a in run["pulses_delay_dur_uA_cm2"]]
            clamp = ph.CurrentClamp(sum(pulses[1:], pulses[0]), t_end=100.0)
            cell = replace(SQUID, temperature=run["celsius"])
            same = {"backend": "torch", "saveat": t, "solver": solver}
            found = ph.simulate(cell, clamp, rtol=1e-8, atol=1e-10, device="cuda", **same)
            expected = arrays.get(f"{name}_V")
            if expected is None:
                expected = ph.simulate(cell, clamp, rtol=1e-10, atol=1e-12, **same).v
            worst = max(worst, float(np.abs(found.v - expected).max()))
        print(
            f"{len(runs)} reference traces, {solver}: {worst:.2g} mV off at most, "
            f"{time.perf_counter() - start:.1f} s",
            flush=True,
        )


def learned() -> ph.Neuron:
    network = ph.Network.create((1, 16, 16, 2), seed=1)
    return SQUID.replace_gate("n", ph.NeuralKinetics("steady_state", network))


def networks() -> None:
    cell, count = learned(), 10_000
    theta = scattered(cell, count)
    place = [i for i, name in enumerate(cell.layout.names) if "network" in name]
    theta[:, place] *= np.random.default_rng(1).uniform(0.9, 1.1, (count, len(place)))
    for dtype, rtol in PRECISIONS:
        options = ph.SolveOptions(
            solver="tsit5", rtol=rtol, atol=rtol * 1e-2, dtype=dtype, device="cuda"
        )
        solve = launch_of(cell, theta, options)
        row(f"{count} networks of the n gate, {dtype}", "kernel", *timed(solve), count)


def gradients() -> None:
    """One recording, 10,000 cells, by all parameters; one network shared by 1,000 recordings."""
    from pyhodgkin.backends.loss import Loss

    clamp = ph.CurrentClamp.constant(10.0, 50.0)
    one = ph.Recording.from_solution(ph.simulate(SQUID, clamp, backend="torch", dt=1.0))
    options = ph.SolveOptions(solver="tsit5", rtol=1e-6, atol=1e-8, device="cuda")
    theta = scattered(SQUID, 10_000)

    def cells():
        return ENGINE.value_and_grad(SQUID, [one], theta, Loss(), options=options)

    row("gradient of 10000 cells, float64 rtol 1e-6", "call", *timed(cells, 1), 10_000)
    cell = learned()

    def shared():
        many = [one] * 10_000
        return ENGINE.value_and_grad(cell, many, cell.theta, Loss(), options=options)

    row("gradient by one network, 10000 recordings", "call", *timed(shared, 1), 10_000)


def peers() -> None:
    """diffrax's Tsit5 and its gradient, in this process; nothing where JAX is missing."""
    try:
        import diffrax
        import jax
        import jax.numpy as jnp
    except ImportError as error:
        print(f"peers: {error}")
        return
    jax.config.update("jax_enable_x64", True)
    start = jnp.array([-65.0, 0.3177, 0.0529, 0.5961])

    def linoid(x):
        near = jnp.abs(x) < 1e-6
        x = jnp.where(near, 1.0, x)
        return jnp.where(near, 1.0, x / -jnp.expm1(-x))

    def slopes(t, y, p):
        v, n, m, h = y
        an, bn = 0.1 * linoid((v + 55) / 10), 0.125 * jnp.exp(-(v + 65) / 80)
        am, bm = linoid((v + 40) / 10), 4 * jnp.exp(-(v + 65) / 18)
        ah, bh = 0.07 * jnp.exp(-(v + 65) / 20), 1 / (1 + jnp.exp(-(v + 35) / 10))
        ionic = p[0] * m**3 * h * (v - 50) + p[1] * n**4 * (v + 77) + p[2] * (v + 54.3)
        rates = (an * (1 - n) - bn * n, am * (1 - m) - bm * m, ah * (1 - h) - bh * h)
        return jnp.stack([10.0 - ionic, *rates])

    def end(p, rtol):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(slopes),
            diffrax.Tsit5(),
            0.0,
            50.0,
            None,
            start.astype(p.dtype),
            args=p,
            saveat=diffrax.SaveAt(t1=True),
            max_steps=4096,
            throw=False,
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=rtol * 1e-2),
        ).ys[-1, 0]

    rng = np.random.default_rng(0)
    for dtype, rtol in PRECISIONS:
        for count in (10_000, 100_000):
            p = jnp.array([120.0, 36.0, 0.3]) * rng.uniform(0.8, 1.2, (count, 3))
            run = jax.jit(jax.vmap(lambda p, rtol=rtol: end(p, rtol)))
            p = p.astype(dtype)
            found = timed(lambda run=run, p=p: jax.block_until_ready(run(p)), 1)
            row(f"diffrax tsit5 {dtype} rtol {rtol:g}, {count} cells", "call", *found, count)
    p = jnp.array([120.0, 36.0, 0.3]) * rng.uniform(0.8, 1.2, (10_000, 3))
    slope = jax.jit(jax.vmap(jax.grad(lambda p: (end(p, 1e-6) + 65.0) ** 2)))
    found = timed(lambda: jax.block_until_ready(slope(p)), 1)
    row("diffrax gradient of 10000 cells by 3", "call", *found, 10_000)


if __name__ == "__main__":
    sys.exit(main())
