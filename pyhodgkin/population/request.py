"""From the arguments of a run to its plan, checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..backends.options import SolveOptions
from ..errors import InputError, unknown
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray
from ..protocols import Protocol
from ..protocols.protocol import as_protocol
from ..protocols.sample_times import sample_times
from .features import Feature, feature
from .plan import SPIKES, Plan, integrator
from .population import Population
from .rheobase import Rheobase

SPACING = 0.1  # of samples, ms


def made(
    population: Population,
    protocol: Protocol | Sequence[Protocol],
    record: str | Sequence[Any],
    each: bool,
    saveat: ArrayLike | float | None,
    threshold: float,
    options: SolveOptions,
    engine: str,
    chunk_size: int | None,
) -> Plan:
    """A plan, checked."""
    several = not isinstance(protocol, Protocol)
    given = [protocol] if isinstance(protocol, Protocol) else list(protocol)
    protocols = tuple(as_protocol(item) for item in given)
    if not protocols:
        raise InputError("protocol: an empty sequence; give at least one")
    if each and len(protocols) != population.n:
        raise InputError(
            f"protocol: each=True asks for one protocol for each of {population.n} cells, and "
            f"there are {len(protocols)}"
        )
    if len({item.kind for item in protocols}) > 1:
        raise InputError("protocol: a run is all current clamp or all voltage clamp")
    if not np.isfinite(threshold):
        raise InputError(f"threshold = {threshold} mV: give a finite number")
    if chunk_size is not None and (int(chunk_size) != chunk_size or chunk_size < 1):
        raise InputError(f"chunk_size = {chunk_size}: give a whole number of cells, at least 1")
    spikes, states, features, rheobase = _recorded(population.neuron, record)
    clamped = protocols[0].kind == "voltage"
    if clamped and (spikes or features or rheobase):
        what = SPIKES if spikes else (features[0].name if features else "rheobase")
        raise InputError(f'record: "{what}" is of a free voltage; under voltage clamp record gates')
    plan = Plan(
        population, protocols, each, several and not each, spikes, states,
        features, rheobase, _samples(saveat, protocols, bool(states)), float(threshold), options,
        engine, integrator(engine, options.device), int(chunk_size or 0),
    )  # fmt: skip
    _ = plan.neuron, plan.block, plan.theta(0, 1)  # units, times and values are checked by these
    return plan


def _recorded(neuron: Neuron, record: Any):
    items = [record] if isinstance(record, (str, Rheobase)) else list(record)
    spikes, states, features, rheobase = False, [], [], None
    for item in dict.fromkeys(items):
        if item == SPIKES:
            spikes = True
        elif isinstance(item, Rheobase):
            rheobase = item
        elif item == "rheobase":
            rheobase = Rheobase()
        elif item in neuron.states:
            states.append(item)
        elif isinstance(item, str) and item in Feature.kinds:
            features.append(feature(item))
        else:
            known = [SPIKES, "rheobase", *neuron.states, *Feature.kinds]
            raise unknown("thing to record", str(item), known)
    if not (spikes or states or features or rheobase):
        raise InputError('record is empty; give what to record, such as ("spikes", "rate")')
    return spikes, tuple(states), tuple(features), rheobase


def _samples(
    saveat: ArrayLike | float | None, protocols: Sequence[Protocol], used: bool
) -> FloatArray:
    if used:
        return sample_times(saveat, protocols, SPACING)
    if saveat is not None:
        raise InputError(
            'saveat: no variable is recorded at these times; record=("v", …) records one'
        )
    return np.zeros(0)
