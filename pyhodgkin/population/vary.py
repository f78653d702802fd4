"""What varies over the cells of a population, checked against the neuron."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import InputError, unknown
from ..neuron.neuron import Neuron
from ..numerics.arrays import FloatArray
from .distribution import Distribution
from .distributions import LogNormal, Normal

# The expected number of cells with an impossible value up to which a distribution is taken.
_IMPOSSIBLE = 1e-6


def resolved(
    neuron: Neuron, n: int, vary: Mapping[str, Any]
) -> tuple[dict[str, Distribution], dict[str, FloatArray]]:
    """Distributions and given values by the name of a parameter, checked."""
    layout, theta = neuron.layout, neuron.theta
    drawn: dict[str, Distribution] = {}
    given: dict[str, FloatArray] = {}
    for pattern, what in vary.items():
        for place in layout.select(pattern):
            name = layout.names[place]
            if name not in layout:
                raise InputError(f"vary: {name} is a weight of a network; it cannot vary by cell")
            if name in drawn or name in given:
                raise InputError(f"vary: {name} is named twice (by {pattern} as well)")
            if isinstance(what, Distribution):
                drawn[name] = what.around(float(theta[place]), name)
                _check_possible(drawn[name], name, n, float(layout.least[place]), layout[name].unit)
            else:
                given[name] = _array(what, name, n, float(layout.least[place]))
    return drawn, given


def _check_possible(distribution: Distribution, name: str, n: int, least: float, unit: str) -> None:
    share = distribution.below(least)
    if share * n <= _IMPOSSIBLE:
        return
    raise InputError(
        f"vary: {name}: {distribution} gives {100 * share:.2g} % of the cells values below 0 "
        f"{unit}, which it cannot have; cut it off (low = 0), or use LogNormal(cv=…)"
    )


def _array(what: Any, name: str, n: int, least: float) -> FloatArray:
    try:
        values = np.asarray(what, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"vary: {name} is a {type(what).__name__}; give a distribution, such as "
            "LogNormal(cv=0.2), a number, or an array with one for each cell"
        ) from None
    if values.shape not in ((), (n,)):
        raise InputError(f"vary: {name} has shape {values.shape}; give a number or ({n},)")
    bad = ~((values >= least) & (values < np.inf))
    if bad.any():
        first = float(values[bad].flat[0])
        raise InputError(f"vary: {name} = {first:g} is a value that it cannot have")
    out = np.broadcast_to(values, (n,)).copy()
    out.setflags(write=False)
    return out


def check_names(neuron: Neuron, names: Any) -> None:
    """Raise unless each of `names` is a parameter of one number."""
    for name in names:
        if name not in neuron.layout:
            known = [entry.name for entry in neuron.layout if entry.size == 1]
            raise unknown("parameter (column of the table)", name, known)


def fitted(values: FloatArray) -> Distribution:
    """The log-normal (normal, where not all are positive) distribution of `values`."""
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    if (values > 0).all():
        return LogNormal(mean=mean, cv=sd / mean)
    return replace(Normal(sd=sd), mean=mean)
