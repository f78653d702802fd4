"""The verb `simulate`: a neuron under a protocol, or many of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from . import backends
from .backends.base import Backend
from .backends.batch import check_one_structure, solve_in_groups, starts_of
from .backends.options import options_of
from .errors import InputError, SolveError
from .memory import enough_memory
from .neuron import plausible
from .neuron.calcium import STATE
from .neuron.neuron import Neuron
from .numerics.arrays import LARGEST, FloatArray
from .population.population import Population
from .population.result import PopulationResult
from .protocols import Protocol
from .protocols.sample_times import sample_times
from .recordings.matching import neurons_of, scales_of
from .solution.solution import Solution

SPACING = 0.05  # of samples, ms
LESS = "give a larger saveat, or fewer elements in one call (a Population is solved in parts)"


@overload
def simulate(
    neuron: Neuron | Sequence[Neuron],
    protocol: Protocol | Sequence[Protocol],
    *,
    saveat: ArrayLike | float | None = None,
    theta: ArrayLike | None = None,
    parameters: Mapping[str, ArrayLike] | None = None,
    y0: ArrayLike | None = None,
    area: float | None = None,
    capacitance: float | None = None,
    backend: str | Backend = "auto",
    throw: bool = True,
    **options: Any,
) -> Solution: ...


@overload
def simulate(
    neuron: Population, protocol: Protocol | Sequence[Protocol], **options: Any
) -> PopulationResult: ...


def simulate(
    neuron: Neuron | Sequence[Neuron] | Population,
    protocol: Protocol | Sequence[Protocol],
    *,
    saveat: ArrayLike | float | None = None,
    theta: ArrayLike | None = None,
    parameters: Mapping[str, ArrayLike] | None = None,
    y0: ArrayLike | None = None,
    area: float | None = None,
    capacitance: float | None = None,
    backend: str | Backend = "auto",
    throw: bool | None = None,
    **options: Any,
) -> Solution | PopulationResult:
    """Solve the equations of a neuron under a protocol.

    Parameters
    ----------
    neuron : Neuron or sequence of Neuron
        A sequence must hold neurons of one structure, and makes a batch. They may differ in
        parameters, temperature and where they start. Of a `Population` all cells are simulated;
        what is recorded, and the other arguments, are those of `Population.simulate`.
    protocol : CurrentClamp or VoltageClamp, or a sequence of one kind
        A sequence makes a batch, of one neuron or element by element. Each element ends at the
        `t_end` of its own protocol; its samples after that are NaN.
    saveat : float or array (T,), optional
        Spacing or times of the samples, ms. Default: every 0.05 ms, and not more than 20,001.
        Only what is returned depends on it: every solve goes to the end of the protocol, and
        spike times come from the solver's own steps.
    theta : array (P,) or (B, P), optional
        Parameters in the order of ``neuron.layout``, in place of the neuron's own.
    parameters : mapping of name to number or array (B,), optional
        Single parameters to change, for instance ``{"na.g": np.linspace(80, 160, 9)}``.
    y0 : array (S,) or (B, S), optional
        Start, in the order of ``neuron.states``. Default: `v_rest` with the gates at their
        steady state (under voltage clamp at the first command).
    area, capacitance : float, optional
        Of the cell, µm² or pF; give one. A neuron per area (µA/cm²) under a current in pA or nA
        is scaled to it, exactly, and the other way round; without either (or an ``area`` of the
        neuron) such a mixture is refused. Under voltage clamp the currents are then in pA.
        `theta` and `parameters` are in the unit of the neuron that is given.
    backend : {"auto", "torch", "julia"}
    throw : bool
        Raise `SolveError` when an element fails (the default); otherwise its status says so and
        the samples that were not reached are NaN. The other elements of a batch are right either
        way.
    **options
        How to solve: `SolveOptions`, one by one (``rtol=1e-5``) or as ``options=SolveOptions(…)``.

    Returns
    -------
    Solution
        Arrays (T, S), or (B, T, S) for a batch.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> squid = ph.library.get("squid_axon")
    >>> clamp = ph.CurrentClamp.step(10.0, start=5.0, stop=45.0, t_end=50.0)
    >>> ph.simulate(squid, clamp).spike_times().round(2)
    array([ 6.9 , 21.8 , 36.44])
    >>> cells = ph.simulate(squid, clamp, parameters={"na.g": [100.0, 120.0]}, saveat=0.1)
    >>> cells.y.shape
    (2, 501, 4)
    """
    if isinstance(neuron, Population):
        given = {"theta": theta, "parameters": parameters, "y0": y0, "area": area}
        _check_population({**given, "capacitance": capacitance})
        own = {"saveat": saveat, "backend": backend, "throw": bool(throw), **options}
        return neuron.simulate(protocol, **own)
    neurons = [neuron] if isinstance(neuron, Neuron) else list(neuron)
    protocols = [protocol] if isinstance(protocol, Protocol) else list(protocol)
    _check(neurons, protocols)
    solved = options_of(options, None, simulate)
    for item in neurons:
        plausible.check(item)
    given, sized = neurons, area is not None or capacitance is not None
    neurons = neurons_of(given, protocols, area, capacitance)
    check_one_structure(neurons)
    base, scale = neurons[0], scales_of(given, neurons, sized)
    with enough_memory("this batch", LESS):
        values, individual = _theta(neurons, theta, parameters, scale)
        t = sample_times(saveat, protocols, SPACING)
        start = _start(base, y0)
        batch = _batch_size(len(values), len(protocols), start)
        engine = backends.get(backend, solved, [base]) if isinstance(backend, str) else backend
        if len(values) == 1 and len(protocols) == 1 and batch > 1:
            protocols = protocols * batch
        if len(neurons) > 1 and start is None:
            start = starts_of(neurons, values, protocols)
        raw = solve_in_groups(engine, neurons, protocols, values, start, t, solved)
        batched = not isinstance(neuron, Neuron) or not isinstance(protocol, Protocol) or batch > 1
        batched = batched or individual or (start is not None and start.ndim == 2)
        solution = _solution(base, values, protocols, raw, batched)
    if throw is not False and raw.status.any():  # success is zero
        raise SolveError(f"{base.name}: {solution.message}. With throw=False the rest is returned")
    return solution


def _check_population(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if value is not None:
            raise InputError(f"{name}: the cells of a Population have their own; leave it out")


def _check(neurons: list[Neuron], protocols: list[Protocol]) -> None:
    for name, items in (("neuron", neurons), ("protocol", protocols)):
        if not items:
            raise InputError(f"{name}: an empty sequence; give at least one")
    for item in neurons:
        if not isinstance(item, Neuron):
            raise InputError(f"neuron is a {type(item).__name__}; give a Neuron")
    for item in protocols:
        if not isinstance(item, Protocol):
            raise InputError(
                f"protocol is a {type(item).__name__}; give a CurrentClamp or a VoltageClamp"
            )


def _theta(
    neurons: list[Neuron],
    theta: ArrayLike | None,
    parameters: Mapping[str, ArrayLike] | None,
    scale: FloatArray | None = None,
) -> tuple[FloatArray, bool]:
    """Parameter sets (1, P) or (B, P), and whether there is one for each element.

    `scale` (N, P) is what the numbers of the caller are multiplied with, for N neurons.
    """
    layout = neurons[0].layout
    if theta is None and not parameters and len(neurons) == 1 and neurons[0].is_valid:
        return neurons[0].theta[None], False
    if theta is None:
        values = np.array([neuron.theta for neuron in neurons])
    elif len(neurons) > 1:
        raise InputError("theta: give it with a single neuron, not with a sequence")
    else:
        values = np.atleast_2d(np.array(theta, dtype=np.float64))
    if values.ndim != 2 or values.shape[1] != layout.size:
        raise InputError(f"theta has shape {values.shape}; its last axis must be {layout.size}")
    if theta is not None and scale is not None:
        values = values * scale
    individual = np.ndim(theta) == 2 if theta is not None else len(neurons) > 1
    for name, given in (parameters or {}).items():
        entry, array = layout[name], np.asarray(given, dtype=np.float64)
        if array.ndim == 1 and entry.size == 1:
            if individual and len(values) not in (1, len(array)):
                raise InputError(f"parameters: {name} has {len(array)} values for {len(values)}")
            values = np.repeat(values, len(array), axis=0) if len(values) == 1 else values
            individual = True
            array = array[:, None]
        elif array.shape not in ((), entry.shape):
            raise InputError(f"parameters: {name} has shape {array.shape}; give a number or (B,)")
        array = array.reshape(-1, entry.size) if array.ndim else array
        values[:, entry.slice] = array if scale is None else array * scale[:, entry.slice]
    _check_values(values, layout)
    return values, individual


def _check_values(values: FloatArray, layout) -> None:
    if ((values >= layout.least) & (values < np.inf)).all():
        return
    finite = np.isfinite(values)
    if not finite.all():
        bad = ~finite.all(axis=0)
        raise InputError(f"theta: parameter {layout.names[int(np.argmax(bad))]} is not finite")
    for entry in layout:
        if entry.group not in ("conductances", "capacitance"):
            continue
        least = values[:, entry.slice].min()
        if entry.group == "conductances" and least < 0:
            raise InputError(
                f"{entry.name} = {least:g} {entry.unit}: a conductance is zero or positive"
            )
        if entry.group == "capacitance" and least <= 0:
            raise InputError(f"{entry.name} = {least:g} {entry.unit}: must be positive")


def _start(neuron: Neuron, y0: ArrayLike | None) -> FloatArray | None:
    if y0 is None:
        return None
    start = np.asarray(y0, dtype=np.float64)
    n = len(neuron.states)
    if start.ndim not in (1, 2) or start.shape[-1] != n:
        raise InputError(f"y0 has shape {start.shape}; give ({n},) or (B, {n}): {neuron.states}")
    if start.ndim == 1 and _plain_start(start.tolist()):
        return start
    wrong = np.argwhere(~(np.abs(start) <= LARGEST))
    if wrong.size:
        name, value = neuron.states[wrong[0][-1]], start[tuple(wrong[0])]
        raise InputError(f"y0: {name} = {value:g} is NaN or infinite, or beyond {LARGEST:g}")
    gates = start[..., 1:]
    if neuron.right_hand_side is not None or ((gates >= 0) & (gates <= 1)).all():
        return start
    gated = {gate.name: gate.kinetics for gate in neuron.gates}
    for i, name in enumerate(neuron.states[1:], 1):
        least, most = start[..., i].min(), start[..., i].max()
        worst = least if least < 0 else most
        if name == STATE and neuron.calcium is not None:
            if least < 0:
                raise InputError(f"y0: {name} = {least:g} mM; a concentration is not negative")
        elif name not in gated:
            if least < 0 or most > 1:
                raise InputError(f"y0: state {name} = {worst:g}; a probability lies in [0, 1]")
        elif getattr(gated[name], "form", "") != "free" and (least < 0 or most > 1):
            raise InputError(f"y0: gate {name} = {worst:g}; a gate lies in [0, 1]")
    return start


def _plain_start(y0: list[float]) -> bool:
    """Whether there is nothing to be said against one start, whatever the equations are."""
    return -LARGEST <= y0[0] <= LARGEST and all(0.0 <= x <= 1.0 for x in y0[1:])


def _batch_size(n_sets: int, n_protocols: int, y0: FloatArray | None) -> int:
    sizes = {n for n in (n_sets, n_protocols) if n > 1}
    if y0 is not None and y0.ndim == 2 and len(y0) > 1:
        sizes.add(len(y0))
    if len(sizes) > 1:
        starts = 1 if y0 is None or y0.ndim == 1 else len(y0)
        raise InputError(
            f"{n_sets} parameter sets, {n_protocols} protocols, {starts} starts y0: the sizes of a "
            "batch must be equal, or 1"
        )
    return sizes.pop() if sizes else 1


def _solution(base: Neuron, values: FloatArray, protocols: list[Protocol], raw, batched: bool):
    y = raw.y if batched else raw.y[0]
    stats = raw.stats if batched else {k: x[0] for k, x in raw.stats.items()}
    given = protocols if batched and len(protocols) > 1 else protocols[0]
    status = raw.status if batched else raw.status[0]
    return Solution(
        raw.t,
        y,
        base,
        given,
        stats=stats,
        status=status,
        steps=raw.steps,
        theta=values,
    )
