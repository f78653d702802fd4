"""Curves that no gate can have: rates and time constants below zero, steady states above one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ..errors import PlausibilityWarning
from .curves import Curve
from .kinetics import RateKinetics, SteadyStateKinetics
from .markov import MarkovChannel

if TYPE_CHECKING:
    from .neuron import Neuron

AT = np.linspace(-100.0, 40.0, 15)  # mV; where every curve is looked at
ROUNDING = 1e-6


def check(neuron: Neuron, stacklevel: int = 3) -> None:
    """Warn where a curve of `neuron` makes the equations of its gate meaningless.

    Rates and time constants must not be negative, a steady state not outside [0, 1], at the
    voltages from -100 to 40 mV. The gate is held in [0, 1] all the same, so that nothing else
    would show it. Networks, and curves that depend on calcium, are left out.

    Warns
    -----
    PlausibilityWarning
    """
    known = neuron.__dict__.get("_implausible")
    if known is None:  # once for each neuron: a short simulation takes a millisecond
        known = tuple(found(neuron))
        object.__setattr__(neuron, "_implausible", known)
    for where, text in known:
        warnings.warn(
            f'neuron "{neuron.name}": {where}: {text}', PlausibilityWarning, stacklevel=stacklevel
        )


def found(neuron: Neuron) -> Iterator[tuple[str, str]]:
    """The parts with a meaningless curve, and what is wrong with it."""
    for gate in neuron.gates:
        kinetics, text = gate.kinetics, ""
        if kinetics.uses_calcium:
            continue
        if isinstance(kinetics, RateKinetics):
            text = negative("alpha", kinetics.alpha, "1/ms") or negative(
                "beta", kinetics.beta, "1/ms"
            )
        elif isinstance(kinetics, SteadyStateKinetics):
            text = negative("tau", kinetics.tau, "ms") or outside(kinetics.x_inf)
        if text:
            yield f"gate {gate.name}", text
    for channel in neuron.channels:
        for rate in channel.rates if isinstance(channel, MarkovChannel) else ():
            if rate.curve is not None and (text := negative("rate", rate.curve, "1/ms")):
                yield f"rate {rate.name} of {channel.name}", text


@lru_cache(maxsize=4096)
def negative(role: str, curve: Curve, unit: str) -> str:
    """What to say of a curve that is below zero somewhere; "" where it is not.

    Examples
    --------
    >>> from pyhodgkin.rates import Constant
    >>> negative("tau", Constant(-1.0), "ms")
    'tau = -1 ms at -100 mV; it must not be negative'
    """
    values = _values(curve)
    if values is None or not (values < 0.0).any():
        return ""
    i = int(np.argmin(values))
    return f"{role} = {values[i]:g} {unit} at {AT[i]:g} mV; it must not be negative"


@lru_cache(maxsize=4096)
def outside(curve: Curve) -> str:
    """What to say of a steady state that leaves [0, 1]; "" where it does not."""
    values = _values(curve)
    if values is None:
        return ""
    i = int(np.argmax(np.abs(values - 0.5)))
    if -ROUNDING <= values[i] <= 1.0 + ROUNDING:
        return ""
    return f"x_inf = {values[i]:g} at {AT[i]:g} mV; a steady state lies in [0, 1]"


def _values(curve: Curve) -> np.ndarray | None:
    """At `AT`; None for a curve of something else than v."""
    from .calcium_curves import uses_calcium

    if uses_calcium(curve):
        return None
    with np.errstate(all="ignore"):
        return np.nan_to_num(np.broadcast_to(curve(AT), AT.shape), posinf=0.5, neginf=-1.0)
