"""Cases that Triton's interpreter solves, for `test_gpu_kernels`, in a process of its own.

    TRITON_INTERPRET=1 python gpu_interpreted.py results.npz

Each case is solved by the kernel for GPUs and by that of the CPU.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import numpy as np
import torch
from curved_cells import CURVED
from neurons import SQUID
from test_lowering import CASES

import pyhodgkin as ph
from pyhodgkin.backends.compiled.solve import Batch as Compiled
from pyhodgkin.backends.compiled.solve import solve
from pyhodgkin.backends.loss import Loss
from pyhodgkin.backends.torch import compiled, gpu_solve
from pyhodgkin.backends.torch.engine import TorchBackend
from pyhodgkin.backends.torch.gpu import Launch
from pyhodgkin.backends.torch.gpu_batch import Batch
from pyhodgkin.backends.torch.steps import METHODS
from pyhodgkin.protocols import Segments
from pyhodgkin.solution.voltage_steps import Collector

STEP = ph.CurrentClamp.step(20.0, start=0.1, stop=0.3, t_end=0.4)
CHIRP = ph.CurrentClamp(ph.Chirp(10.0, f_start=20.0, f_stop=200.0, start=0.1, stop=0.3), t_end=0.35)
VOLTAGE = ph.VoltageClamp.step(20.0, 0.1, 0.2, t_end=0.3, holding=-70.0)
RAMP = ph.VoltageClamp(ph.Sampled([0.1, 0.2, 0.3], [-80.0, 20.0, -40.0]), t_end=0.35)


@dataclass(frozen=True)
class Case:
    """A neuron, a protocol and options; with `theta` (K, P) in place of scattered parameters."""

    neuron: ph.Neuron
    clamps: tuple
    options: ph.SolveOptions
    theta: np.ndarray | None = None
    keep: bool = False
    watch: bool = False
    y0: np.ndarray | None = None


def options(solver: str, rtol: float = 1e-6, **rest) -> ph.SolveOptions:
    return ph.SolveOptions(solver=solver, rtol=rtol, atol=rtol * 1e-2, **rest)


CLAMPS = (
    ("chirp", CHIRP, "tsit5"),
    ("voltage", VOLTAGE, "tsit5"),
    ("voltage", VOLTAGE, "rodas5p"),
    ("ramp", RAMP, "rodas5p"),
)


def cases() -> dict[str, Case]:
    found = {}
    for solver in ("tsit5", "rodas5p"):
        for name in ("learned", "black_box"):
            clamp = STEP if solver == "tsit5" else CHIRP
            found[f"{name} {solver}"] = Case(CASES[name], (clamp,), options(solver, 1e-2))
    for name, clamp, solver in CLAMPS:
        found[f"squid {name} {solver}"] = Case(SQUID, (clamp,), options(solver, 1e-2))
    for name in ("free", "blind", "boundless", "nested", "prior", "warm"):
        found[name] = Case(CASES[name], (STEP,), options("tsit5", 1e-2))
    for name in ("smooth", "kinks"):
        found[name] = Case(CURVED[name], (STEP,), options("tsit5", 1e-2))
    found["nested rodas4p"] = Case(CASES["nested"], (STEP,), options("rodas4p", 1e-3))
    tight = options("tsit5", 1e-9)
    short = ph.CurrentClamp.step(20.0, start=0.02, stop=0.06, t_end=0.08)
    found["squid tight"] = Case(SQUID, (short,), tight)
    found["squid single"] = Case(SQUID, (STEP,), options("tsit5", 1e-4, dtype="float32"))
    for solver in ("tsit5", "rodas5p"):
        found[f"tape {solver}"] = Case(SQUID, (STEP,), options(solver, 1e-3), keep=True)
    near = np.array([-25.0, 0.4, 0.4, 0.5])
    found["spike"] = Case(SQUID, (STEP,), options("tsit5", 1e-3), watch=True, y0=near)
    bad = np.tile(SQUID.theta, (3, 1))
    bad[1, SQUID.layout["na.e"].start] = np.inf
    found["fails"] = Case(SQUID, (STEP,), options("tsit5", 1e-3), theta=bad)
    own = (STEP, replace(STEP, t_end=0.2))
    found["limit"] = Case(SQUID, own, options("tsit5", 1e-4, max_steps=2), SQUID.theta)
    return found


def arrays(case: Case) -> dict[str, np.ndarray]:
    """Both answers to a case."""
    theta = case.theta
    if theta is None:
        random = np.random.default_rng(0).uniform(-1.0, 1.0, (2, len(case.neuron.theta)))
        theta = case.neuron.theta * (1.0 + 0.02 * random)
    sets = np.atleast_2d(theta)
    count, states = max(len(sets), len(case.clamps)), len(case.neuron.states)
    every, none = np.arange(count), np.zeros(count, dtype=np.int64)
    clamped = case.clamps[0].kind == "voltage"
    ends = np.broadcast_to([clamp.t_end for clamp in case.clamps], (count,)).astype(float)
    numbers = {
        "theta": sets,
        "set_of": every if len(sets) > 1 else none,
        "protocol_of": every if len(case.clamps) > 1 else none,
        "v_start": np.full(count, case.neuron.v_rest),
        "y_start": np.zeros((0, states)) if case.y0 is None else case.y0[None],
        "saveat": np.linspace(0.0, ends.max(), 4)[None],
        "stops": ends,
    }
    segments = Segments.stack([clamp.segments for clamp in case.clamps])
    tensors = {name: torch.as_tensor(x) for name, x in numbers.items()}
    tables, tableau = case.neuron.tables, METHODS[case.options.solver].tableau
    batch = Batch(**tensors, segments=segments, clamped=clamped)
    launch = Launch(tables, tableau, batch, case.options, keep=case.keep, watch=case.watch)
    found = launch(0, count, 8)  # too little room for some: it is taken on the way
    names = ("theta", "set_of", "protocol_of", "v_start", "y_start", "saveat", "stops")
    theta, set_of, protocol_of, v0, y0, saveat, stops = (numbers[name] for name in names)
    other = Compiled(theta, set_of, segments, protocol_of, v0, y0, saveat, stops, clamped)
    rising = Collector(count) if case.watch else None
    expected = solve(tables, tableau, other, case.options, keep=case.keep, rising=rising)
    result = {
        "found": found.samples.permute(2, 0, 1).numpy(),
        "expected": expected.samples,
        "found_results": found.results.T.numpy(),
        "expected_results": expected.results,
    }
    if found.steps is not None and expected.steps is not None:
        count_of = found.steps.count.numpy()
        rows = [found.steps.numbers[:n, :, i] for i, n in enumerate(count_of)]
        state = [found.steps.states[:n, :, i] for i, n in enumerate(count_of)]
        result["found_tape"] = torch.cat([torch.cat(rows), torch.cat(state)], 1).numpy()
        result["expected_tape"] = expected.steps.numbers
        pieces = [found.steps.pieces[:n, i] for i, n in enumerate(count_of)]
        result["found_pieces"] = torch.cat(pieces).numpy()
        result["expected_pieces"] = expected.steps.integers[:, 1]
    if found.rising is not None and rising is not None:
        steps = rising.result()
        rows = [found.rising.numbers[:n, :, i] for i, n in enumerate(found.rising.count)]
        result["found_rising"] = torch.cat(rows).numpy()
        result["expected_rising"] = np.column_stack([steps.t, steps.h, steps.coefficients])
    return result


def by_kernels(call, monkey: tuple[str, ...] = ("cpu",)):
    """What `call` gives with the kernels for GPUs in place of those of the CPU."""
    before = compiled.kernel_for, gpu_solve.DEVICES
    compiled.kernel_for, gpu_solve.DEVICES = (lambda *_: False), monkey
    try:
        return call()
    finally:
        compiled.kernel_for, gpu_solve.DEVICES = before


def engine() -> dict[str, np.ndarray]:
    """`simulate` through the engine."""
    clamps = [STEP, replace(STEP, t_end=0.2)]
    quick = options("tsit5", 1e-3)
    y0 = np.array([-25.0, 0.4, 0.4, 0.5])

    def simulated():
        return ph.simulate(SQUID, clamps, backend="torch", saveat=[0.2, 0.4], options=quick, y0=y0)

    result = {}
    for name, how in (("found", by_kernels), ("expected", lambda call: call())):
        solution = how(simulated)
        spikes = [t for own in solution.spike_times() for t in own]
        result |= {f"{name}_y": solution.y, f"{name}_spikes": np.array(spikes)}
    return result


def gradient(name: str, clamp, solver: str) -> dict[str, np.ndarray]:
    """`value_and_grad`, by the adjoint kernel where the method is explicit."""
    neuron = CASES[name]
    solution = ph.simulate(neuron, clamp, backend="torch", dt=0.05)
    data = [ph.Recording.from_solution(solution)] * 2
    theta = np.stack([neuron.theta, 1.02 * neuron.theta])
    quick = options(solver, 1e-2)

    def call():
        return TorchBackend().value_and_grad(neuron, data, theta, Loss(), options=quick)

    found, expected = by_kernels(call), call()
    return {
        "found_value": found.value,
        "expected_value": expected.value,
        "found_gradient": found.gradient,
        "expected_gradient": expected.gradient,
    }


GRADIENTS = {
    "squid_axon tsit5": STEP,
    "learned tsit5": CHIRP,
    "nested tsit5": RAMP,
    "squid_axon rodas4p": STEP,
}


def main() -> None:
    kept = {f"engine/{name}": x for name, x in engine().items()}
    for name, clamp in GRADIENTS.items():
        neuron, solver = name.split()
        kept |= {f"{name}/{key}": x for key, x in gradient(neuron, clamp, solver).items()}
    for name, case in cases().items():
        kept |= {f"{name}/{key}": x for key, x in arrays(case).items()}
    np.savez(sys.argv[1], **kept)


if __name__ == "__main__":
    main()
