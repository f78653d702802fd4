"""An axial current that stands for dendrites: filters of v, and networks of their outputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..numerics.arrays import FloatArray
from .channels import NeuralCurrent
from .formula import formula
from .gates import Gate
from .kinetics import SteadyStateKinetics
from .networks import Network
from .neuron import Neuron
from .rates import Sigmoid

# From the charging of the first dendritic compartments to the slowest dendritic conductances.
PASSIVE_TAUS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 300.0)
ACTIVE_TAUS = (0.2, 1.0, 5.0, 20.0, 100.0)
EVENT_TAUS = (5.0, 30.0, 120.0, 460.0)
THRESHOLDS = (-20.0, -50.0)
_STEEPNESS = 5.0  # mV, of what counts the time above a threshold
LOW, HIGH = -150.0, 100.0  # mV: a gate is in [0, 1], and so is the filtered v within this range


def with_axial_current(
    neuron: Neuron,
    *,
    taus: ArrayLike = PASSIVE_TAUS,
    active_taus: ArrayLike = ACTIVE_TAUS,
    event_taus: ArrayLike = EVENT_TAUS,
    thresholds: ArrayLike = THRESHOLDS,
    hidden: int | Sequence[int] = 24,
    name: str = "axial",
    seed: int = 0,
) -> Neuron:
    """The neuron with a current to dendrites that are not modelled, to be learned by `fit`.

    A passive dendrite is a linear filter of the somatic potential: the current into it is a sum
    of v and of v filtered with the time constants of the dendrite. This is the first current, its
    network a linear layer. A dendrite with channels answers by more; that is the second current,
    a network of v, of filtered v, and of the filtered time above each threshold, which rises with
    each spike as calcium does. Both are zero until they are trained. Trained with fixed filters
    on v and the injected current alone, they are set by least squares to the current balance
    i_stim - c_m dv/dt - (known channels), then trained by simulation: see `fit`.

    Parameters
    ----------
    neuron : Neuron
        The soma, with those of its channels that are known.
    taus : array_like of float
        Time constants of the linear filters of the passive dendrite, ms. From 0.02 to 300 ms by
        default.
    active_taus : array_like of float
        Time constants of the filters of v that the network sees, ms.
    event_taus : array_like of float
        Time constants of the filters of sigmoids of v at `thresholds` that it sees, ms.
    thresholds : array_like of float
        Potentials at which these sigmoids are half, mV.
    hidden : int or sequence of int
        Units of the hidden layers of the network; 0 for a passive dendrite alone.
    name : str
        Of the linear current; the other one is called `name` + ``"_active"``.
    seed : int
        Of the network.

    Returns
    -------
    Neuron
        With one or two `NeuralCurrent` more.

    Raises
    ------
    InputError
        For time constants that are not positive, or no filter at all.

    References
    ----------
    Rall 1962, Ann N Y Acad Sci 96:1071, :doi:`10.1111/j.1749-6632.1962.tb54120.x`: a dendrite as
    a filter. Beck et al. 2026, arXiv 2606.16693: a learned axial current.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> soma = ph.Neuron("soma", (ph.leak(0.1, -70.0),), v_rest=-70.0)
    >>> cell = with_axial_current(soma, taus=[1.0, 10.0], hidden=8)
    >>> [channel.name for channel in cell.channels], len(cell.states)
    (['l', 'axial', 'axial_active'], 16)
    """
    linear = _times("taus", taus)
    layers = [int(n) for n in np.atleast_1d(hidden) if n]
    filters = [_filter(f"{name}_v{i + 1}", tau) for i, tau in enumerate(linear)]
    size = 20.0 * neuron.c_m  # what changes v by 20 mV in 1 ms
    shown = {"scale": size, "v_shift": LOW, "v_scale": HIGH - LOW}
    network = Network.create((1 + len(filters), 1), zero_last=True)
    out = neuron.with_channel(NeuralCurrent(name, network, tuple(filters), **shown))
    if not layers:
        return out
    own = [
        _filter(f"{name}_w{i + 1}", tau) for i, tau in enumerate(_times("active_taus", active_taus))
    ]
    halves = np.atleast_1d(np.asarray(thresholds, dtype=np.float64))
    for j, half in enumerate(halves):
        for i, tau in enumerate(_times("event_taus", event_taus)):
            label = f"{name}_e{j * np.size(event_taus) + i + 1}"
            above = Sigmoid(1.0, float(half), _STEEPNESS)
            own.append(Gate(label, SteadyStateKinetics(above, tau)))
    network = Network.create((1 + len(own), *layers, 1), seed=seed, zero_last=True)
    return out.with_channel(NeuralCurrent(f"{name}_active", network, tuple(own), **shown))


def _filter(name: str, tau: float) -> Gate:
    """v filtered with a time constant, from 0 at LOW to 1 at HIGH."""
    return Gate(name, SteadyStateKinetics(formula(f"(v - {LOW})/{HIGH - LOW}"), tau))


def _times(argument: str, taus: ArrayLike) -> list[float]:
    found: FloatArray = np.atleast_1d(np.asarray(taus, dtype=np.float64))
    if found.ndim != 1 or not found.size or not (np.isfinite(found) & (found > 0.0)).all():
        raise InputError(f"{argument} = {taus}: give one or more time constants, in ms, above zero")
    return [float(tau) for tau in found]
