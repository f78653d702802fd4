"""Ionic currents and open probabilities along a trajectory, in numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, unknown
from ..neuron.calcium import STATE
from ..neuron.calcium_channels import GHKChannel, NernstChannel, drive
from ..neuron.channels import NeuralCurrent
from ..neuron.currents import Current
from ..neuron.markov import MarkovChannel, open_of_scheme
from ..numerics.arrays import FloatArray
from .named_arrays import NamedArrays

if TYPE_CHECKING:
    from ..neuron.gates import Gate
    from ..neuron.neuron import Neuron
    from .solution import Solution


def open_probability(neuron: Neuron, channel: Any, y: FloatArray) -> FloatArray:
    """Π x^p of a channel, or p of its open states, for states `y` (..., S) of `neuron`: (...)."""
    if isinstance(channel, MarkovChannel):
        return open_of_scheme(neuron, channel, y)
    product = np.ones(y.shape[:-1])
    for gate in channel.gates:
        product = product * _value(neuron, gate, y) ** gate.power
    return product


def _value(neuron: Neuron, gate: Gate, y: FloatArray) -> FloatArray:
    if gate.name in neuron.states:
        return y[..., neuron.states.index(gate.name)]
    kinetics = gate.kinetics
    if getattr(kinetics, "uses_calcium", False):
        kinetics = kinetics.at_calcium(y[..., neuron.states.index(STATE)])
    return kinetics.x_inf(y[..., 0])


def ionic_current(neuron: Neuron, channel: Current, y: FloatArray) -> FloatArray:
    """Current of a channel for states `y` (..., S): (...), outward positive."""
    v = y[..., 0]
    if isinstance(channel, NeuralCurrent):
        own = [_value(neuron, gate, y) for gate in channel.gates]
        inputs = np.stack([(v - channel.v_shift) / channel.v_scale, *own], axis=-1)
        return channel.scale * channel.network(inputs)[..., 0]
    open_ = open_probability(neuron, channel, y)
    if isinstance(channel, (NernstChannel, GHKChannel)):
        assert neuron.temperature is not None
        ca = y[..., neuron.states.index(STATE)]
        return open_ * drive(channel, neuron.temperature, v, ca)
    return channel.g * open_ * (v - channel.e)


def currents_of(
    base: Neuron, theta: FloatArray | None, y: FloatArray, given: Mapping[str, Any] | None = None
) -> NamedArrays:
    """Currents by channel, each computed when asked for.

    Parameters
    ----------
    base : Neuron
    theta : array (1, P) or (B, P), or None
        Parameters of the elements of the batch; None for those of `base`.
    y : array (..., S)
        States.
    given : mapping of str to array or function, optional
        Currents that are known; the others are computed.

    Raises
    ------
    InputError
        For a name in `given` that no current has, and a channel of a type whose current is
        neither known nor given.
    """
    known = dict(given or {})
    for channel in base.channels:
        computable = isinstance(channel, (NeuralCurrent, GHKChannel)) or hasattr(channel, "g")
        if channel.name not in known and not computable:
            raise InputError(
                f'currents: "{channel.name}" is missing, and cannot be computed from a '
                f"{type(channel).__name__}: give it"
            )
    names = [channel.name for channel in base.channels]
    return _completed("current", names, _Along(ionic_current, base, theta, y), known, y)


def open_probabilities_of(
    base: Neuron, theta: FloatArray | None, y: FloatArray, given: Mapping[str, Any] | None = None
) -> NamedArrays:
    """Open probabilities by channel; a `NeuralCurrent` has none. See `currents_of`."""
    names = [c.name for c in base.channels if not isinstance(c, NeuralCurrent)]
    along = _Along(open_probability, base, theta, y)
    return _completed("channel", names, along, dict(given or {}), y)


def _completed(
    kind: str, names: list[str], along: _Along, given: dict[str, Any], y: FloatArray
) -> NamedArrays:
    if not given:
        return NamedArrays.computed(kind, names, along)
    for name, values in given.items():
        if name not in names:
            raise unknown(kind, name, names)
        if not callable(values) and np.shape(values) != y.shape[:-1]:
            raise InputError(
                f"{kind} {name} has shape {np.shape(values)}; the states ask for {y.shape[:-1]}"
            )
    return NamedArrays.computed(kind, names, along, given)


def checked_theta(neuron: Neuron, theta: ArrayLike | None, y: FloatArray) -> FloatArray | None:
    """`theta` as (1, P) or (B, P), for states `y` (T, S) or (B, T, S) of `neuron`."""
    if theta is None:
        return None
    values = np.atleast_2d(np.asarray(theta, dtype=np.float64))
    batch, size = (len(y) if y.ndim == 3 else 1), neuron.layout.size
    if values.ndim != 2 or len(values) not in (1, batch) or values.shape[1] != size:
        shapes = f"(1, {size})" if batch == 1 else f"(1, {size}) or ({batch}, {size})"
        raise InputError(f"theta has shape {np.shape(theta)}; give {shapes}")
    return values


def total_current(solution: Solution) -> FloatArray:
    """The sum of all ionic currents, (B, T) or (T,), outward positive.

    Raises
    ------
    InputError
        If the neuron has none: a network stands in the place of its whole right-hand side.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> clamp = ph.VoltageClamp.step(0.0, start=1.0, stop=9.0, t_end=10.0)
    >>> total_current(ph.simulate(ph.library.get("squid_axon"), clamp)).shape
    (201,)
    """
    if not len(solution.currents):
        raise InputError(
            f'neuron "{solution.neuron.name}" has no ionic currents: a network stands in the place '
            "of its whole right-hand side, so nothing is known of a current under voltage clamp"
        )
    return np.sum([np.asarray(values) for values in solution.currents.values()], axis=0)


class _Along:
    """A quantity of a channel along the states of a batch, by the name of the channel."""

    def __init__(
        self,
        compute: Callable[..., FloatArray],
        base: Neuron,
        theta: FloatArray | None,
        y: FloatArray,
    ) -> None:
        self._compute, self._base, self._theta, self._y = compute, base, theta, y

    def __call__(self, name: str) -> FloatArray:
        base, theta, y = self._base, self._theta, self._y
        if theta is None or len(theta) == 1:
            neuron = base if theta is None else base.with_theta(theta[0])
            return self._compute(neuron, _channel(neuron, name), y)
        cells = [base.with_theta(row) for row in theta]
        return np.stack(
            [self._compute(c, _channel(c, name), x) for c, x in zip(cells, y, strict=True)]
        )


def _channel(neuron: Neuron, name: str) -> Any:
    return next(channel for channel in neuron.channels if channel.name == name)
