"""The verb `simulate_network`."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..backends.compiled import why_not
from ..backends.network_plan import Inputs, Plan
from ..errors import InputError, SolveError, unknown
from ..notices import notice
from ..numerics.arrays import FloatArray, Indices
from ..numerics.seeds import check_seed
from . import checks
from .network import SpikingNetwork
from .planning import LARGEST_STEP, plan_of
from .solution import NetworkSolution
from .sources import Trains

ENGINES = ("auto", "compiled", "numpy")
# Steps of cells between two looks at interrupts and at voltages that are not finite.
CHUNK, MOST_STEPS = 4_000_000, 2_000


def simulate_network(
    network: SpikingNetwork,
    duration: float,
    *,
    dt: float = 0.025,
    record: Mapping[str, ArrayLike | str] | None = None,
    record_dt: float | None = None,
    seed: int | None = None,
    engine: str = "auto",
    threads: int | None = None,
) -> NetworkSolution:
    """Integrate a network.

    Steps have a fixed size and are of second order. Spikes are upward crossings of the threshold,
    interpolated within a step; each arrives at its own time after its delay, not on the grid of
    the steps, except that a delay shorter than `dt` acts from the next step on.

    Parameters
    ----------
    network : SpikingNetwork
    duration : float
        ms.
    dt : float
        The step, ms; the next smaller one that divides `duration` is taken.
    record : mapping of group to indices or "all", optional
        Cells whose voltage is returned.
    record_dt : float, optional
        Spacing of the voltages, ms, a multiple of `dt` (the default).
    seed : int, optional
        Of Poisson trains; default that of the network. Connections depend on the network alone.
    engine : {"auto", "compiled", "numpy"}
        Compiled by numba, or numpy, which is slow; "auto" takes the compiled one where it can run.
    threads : int, optional
        Of the compiled engine; default ``OMP_NUM_THREADS`` or all processors. The result does not
        depend on it, bit for bit.

    Returns
    -------
    NetworkSolution

    Raises
    ------
    InputError
        For names, indices, sizes and steps that cannot be.
    SolveError
        If a voltage is not finite.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> axon = ph.library.get("squid_axon")
    >>> pair = ph.SpikingNetwork(
    ...     groups={"a": ph.NeuronGroup(axon, 1, current=10.0), "b": (axon, 1)},
    ...     synapses=[ph.Synapses("a", "b", ph.AlphaSynapse(0, tau=1), 0.3, 2, i=[0], j=[0])],
    ... )
    >>> found = ph.simulate_network(pair, 40.0, dt=0.025, record={"b": [0]})
    >>> found.v["b"].shape, len(found.spikes["b"].times)
    ((1, 1601), 3)
    """
    if not isinstance(network, SpikingNetwork):
        raise InputError(f"network is a {type(network).__name__}; give a SpikingNetwork")
    duration = checks.number("duration", duration, "ms", least=0.0, above=True)
    dt = checks.number("dt", dt, "ms", least=0.0, above=True)
    if dt > LARGEST_STEP:
        raise InputError(f"dt = {dt:g} ms does not resolve a spike; give {LARGEST_STEP:g} or less")
    steps = math.ceil(duration / dt - 1e-9)
    h = duration / steps
    stride = _stride(record_dt, h)
    cells = _recorded(network, record or {})
    seed = network.seed if seed is None else check_seed(seed)
    plan, stimuli = plan_of(network, h, stride, cells)
    run = _engine(engine, plan, threads)
    trains = Trains(list(network.sources.values()), len(plan.groups), seed)
    samples = np.empty((max(1, sum(map(len, cells.values()))), steps // stride + 1))
    _write_start(samples, plan)
    t = (stride * h) * np.arange(samples.shape[1], dtype=np.float64)
    found = []
    for first, last in _chunks(plan, steps):
        edges = h * np.arange(first, last + 1, dtype=np.float64)
        inputs = Inputs(stimuli.between(edges), *trains.between(edges))
        found.append(run.advance(first, last, inputs, samples))
        _check_finite(run, plan, last * h)
    return NetworkSolution.of(
        network,
        duration,
        h,
        seed,
        found,
        t,
        samples,
        cells,
    )


def _stride(record_dt: float | None, h: float) -> int:
    if record_dt is None:
        return 1
    wanted = checks.number("record_dt", record_dt, "ms", least=0.0, above=True)
    stride = round(wanted / h)
    if stride < 1 or abs(stride * h - wanted) > 1e-6 * wanted:
        raise InputError(f"record_dt = {wanted:g} ms is not a multiple of dt = {h:g} ms")
    return stride


def _recorded(network: SpikingNetwork, record: Mapping[str, Any]) -> dict[str, Indices]:
    """The cells to record of each group, in increasing order."""
    if not isinstance(record, Mapping):
        raise InputError(f"record is a {type(record).__name__}; give {{group: indices}}")
    cells = {}
    for name in record:
        if name not in network.groups:
            raise unknown("group in record", str(name), network.groups)
    for name, group in network.groups.items():
        if name in record:
            wanted = record[name]
            every = isinstance(wanted, str) and wanted == "all"
            wanted = np.arange(group.n) if every else np.atleast_1d(np.asarray(wanted))
            cells[name] = np.unique(checks.indices(f"record: {name}", wanted, group.n))
    return cells


def _engine(name: str, plan: Plan, threads: int | None):
    if name not in ENGINES:
        raise unknown("engine", str(name), ENGINES)
    if threads is not None:
        checks.count("threads", threads)
    reason = why_not()
    if name == "compiled" and reason:
        raise InputError(f'engine = "compiled" cannot run: {reason}')
    if name == "auto" and reason:
        _say(reason)
    if name == "numpy" or reason:
        from .eager import EagerNetwork

        return EagerNetwork(plan)
    from ..backends.compiled.network import CompiledNetwork

    return CompiledNetwork(plan, threads)


@lru_cache(maxsize=8)
def _say(reason: str) -> None:
    """Once, unless ``PYHODGKIN_QUIET=1``."""
    if os.environ.get("PYHODGKIN_QUIET", "") in ("", "0"):
        notice(f"networks are integrated by numpy, which is slow: {reason}")


def _chunks(plan: Plan, steps: int):
    cells = sum(group.size for group in plan.groups)
    wanted = min(MOST_STEPS, max(1, CHUNK // cells))
    size = max(1, wanted // plan.interval) * plan.interval
    return [(first, min(first + size, steps)) for first in range(0, steps, size)]


def _write_start(samples: FloatArray, plan: Plan) -> None:
    row = 0
    for group in plan.groups:
        end = row + len(group.recorded)
        samples[row:end, 0] = group.y0[group.recorded, 0]
        row = end


def _check_finite(run: Any, plan: Plan, t: float) -> None:
    for index, group in enumerate(plan.groups):
        wrong = ~np.isfinite(run.voltages(index))
        if wrong.any():
            raise SolveError(
                f'group "{group.name}": the voltage of cell {int(np.argmax(wrong))} is not finite '
                f"at t = {t:g} ms; check its parameters and weights, or give a smaller dt"
            )
