"""The parts of a step of the compiled population kernel, each on its own: for `limit.py`."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numba import njit

import pyhodgkin as ph
from pyhodgkin.backends.compiled import solve as kernels
from pyhodgkin.backends.compiled.kernels import equations, integrate, layout, methods
from pyhodgkin.backends.compiled.kernels.vectors import WIDE, fill, pointer, store, wide_float64
from pyhodgkin.backends.torch.tableaus import TSIT5
from pyhodgkin.protocols import Segments

WIDTH, REPEATS = WIDE, 20_000
compiled = njit(fastmath={"contract"}, nogil=True, error_model="numpy", _nrt=False)


@compiled
def right_hand_sides(m, c, x, z, n, sines, tableau, options, repeats):
    like, m, c, x = wide_float64(), pointer(m), pointer(c), pointer(x)
    for _ in range(repeats):
        for i in range(1, 7):
            target = m[layout.STAGES] + i * m[layout.STATES]
            equations.right_hand_side(like, m, c, x, m[layout.Y], fill(like, 1.0), False, target)


@compiled
def stages(m, c, x, z, n, sines, tableau, options, repeats):
    like, m, x, a = wide_float64(), pointer(m), pointer(x), pointer(tableau[0])
    for _ in range(repeats):
        for i in range(1, 7):
            for j in range(m[layout.STATES]):
                moved = methods.combined(
                    like, x, m[layout.STAGES], m[layout.STATES], j, a, i * 7, i
                )
                store(x, m[layout.Y_STAGE] + j, moved)


@compiled
def whole_steps(m, c, x, z, n, sines, tableau, options, repeats):
    like, m, c, x, z, n = wide_float64(), pointer(m), pointer(c), pointer(x), pointer(z), pointer(n)
    own = (pointer(tableau[0]), pointer(tableau[1]), pointer(tableau[2]), pointer(tableau[3]))
    t, h = fill(like, 0.0), fill(like, 0.01)
    for _ in range(repeats):
        methods.explicit_step(like, m, c, x, z, n, sines, own, 7, t, h, False, False)


@compiled
def errors(m, c, x, z, n, sines, tableau, options, repeats):
    like, m, x, weights = wide_float64(), pointer(m), pointer(x), pointer(tableau[3])
    for _ in range(repeats):
        norm = integrate.error_norm(like, m, x, weights, 7, None, fill(like, 0.01), options)
        store(x, m[layout.Y_STAGE], norm)


def least(call: Callable[[], object], repeats: int = 5) -> float:
    """Seconds of the processor, the best of some calls after a first one."""
    call()
    times = []
    for _ in range(repeats):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return min(times)


def measured(model: str, cells: int = 512) -> dict[str, float]:
    """Nanoseconds of one core for a cell and step."""
    neuron, clamp = ph.library.get(model), ph.CurrentClamp.constant(10.0, t_end=50.0)
    spread = np.random.default_rng(0).uniform(0.9, 1.1, (cells, neuron.layout.size))
    batch = kernels.Batch(
        neuron.theta * spread, np.arange(cells), Segments.stack([clamp.segments]),
        np.zeros(cells, dtype=np.int64), np.full(cells, neuron.v_rest),
        np.zeros((0, len(neuron.states))), np.array([[50.0]]), np.full(cells, 50.0), False,
    )  # fmt: skip
    options = ph.SolveOptions(solver="tsit5", rtol=1e-4, atol=1e-6)
    kernel = (kernels.entries.doubles, WIDTH, np.dtype(float))
    run = kernels._Run(neuron.tables, TSIT5, batch, options, False, None, kernel)

    def solve(count: int = cells) -> None:
        run((np.arange(count), np.zeros(1, dtype=np.int64)))

    found = {"the kernel": 1e9 * least(solve) / run.results[:, 1:].sum()}
    kept, plain = [], kernels._workspace

    def workspace(*arguments):
        kept.append(plain(*arguments))
        return kept[-1]

    kernels._workspace = workspace
    solve(WIDTH)
    kernels._workspace = plain
    x, z, n, _ = kept[0]
    rest = (run.packed.m, run.packed.c, x, z, n, run.method[1], run.method[2], run.options)
    labels = {
        "the step: stages and right-hand sides": whole_steps,
        "of these six right-hand sides": right_hand_sides,
        "of these the states of the stages": stages,
        "the norm of the error": errors,
    }
    for label, kernel in labels.items():
        found[label] = 1e9 * least(lambda kernel=kernel: kernel(*rest, REPEATS)) / REPEATS / WIDTH
    found["the rest (size of the next step, taking it, events)"] = (
        found["the kernel"] - found["the step: stages and right-hand sides"]
        - found["the norm of the error"]
    )  # fmt: skip
    return found
