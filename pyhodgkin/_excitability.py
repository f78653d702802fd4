"""What is usually asked of a neuron first: its f-I curve, its rheobase, its input resistance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import backends
from ._simulate import simulate
from .backends.base import Backend
from .backends.options import check_names, options_of
from .errors import InputError, unknown
from .neuron.neuron import Neuron
from .neuron.rest import rest, steady_current
from .numerics.arrays import FloatArray
from .population.rheobase import FIRST, LAST
from .protocols import CurrentClamp, Step
from .quantity import Quantity
from .units import PER_CM2, written

RESISTANCE = {PER_CM2: "kΩ·cm²", "nA": "MΩ", "pA": "GΩ"}
_AT_ONCE, _DOUBLINGS = 6, 4


@dataclass(frozen=True, eq=False)
class FICurve:
    """Firing rates at several currents.

    Attributes
    ----------
    current : array (B,)
        Amplitudes of the steps, in `unit`.
    rate : array (B,)
        Spikes per second, Hz, counted over the step.
    first_spike : array (B,)
        Time from the start of the step to the first spike, ms; NaN without one.
    spike_times : list of B arrays
        ms from the start of the step.
    unit : str
        Unit of the currents.
    """

    current: FloatArray
    rate: FloatArray
    first_spike: FloatArray
    spike_times: list[FloatArray]
    unit: str

    def __repr__(self) -> str:
        low, high = self.current.min(), self.current.max()
        return (
            f"FICurve({len(self.current)} currents, {low:g} to {high:g} {self.unit}, up to "
            f"{self.rate.max():.4g} Hz)"
        )


def fi_curve(
    neuron: Neuron,
    currents: ArrayLike,
    *,
    duration: float = 1000.0,
    start: float = 100.0,
    skip: float = 0.0,
    threshold: float = 0.0,
    **options: Any,
) -> FICurve:
    """Firing rate against the amplitude of a step of current.

    Parameters
    ----------
    neuron : Neuron
    currents : array (B,)
        Amplitudes, in the unit of the neuron's currents (µA/cm² unless it says otherwise).
    duration : float
        Length of the step, ms.
    start : float
        Time without current before it, ms.
    skip : float
        ms at the beginning of the step in which spikes do not count, for the steady rate.
    threshold : float
        mV; a spike is a rise of v through it.
    **options
        Other arguments of `simulate`, and how to solve: `SolveOptions`.

    Returns
    -------
    FICurve

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> curve = ph.fi_curve(ph.library.get("squid_axon"), [0.0, 10.0], duration=100.0, start=10.0)
    >>> curve.rate
    array([ 0., 70.])
    >>> curve.unit
    'uA/cm2'
    """
    check_names(options, fi_curve, simulate, also=True)
    amplitudes = np.atleast_1d(np.asarray(currents, dtype=np.float64))
    if amplitudes.ndim != 1 or len(amplitudes) == 0 or not np.isfinite(amplitudes).all():
        raise InputError("currents: give finite amplitudes (B,), at least one")
    if not 0 <= skip < duration:
        raise InputError(f"skip = {skip:g} ms must be less than duration = {duration:g} ms")
    trains = _spikes(neuron, amplitudes, start, duration, threshold, options)
    counts = np.array([np.sum(times > skip) for times in trains], dtype=np.float64)
    first = np.array([times[0] if len(times) else np.nan for times in trains])
    rate = 1000.0 * counts / (duration - skip)
    return FICurve(amplitudes, rate, first, trains, _unit(neuron))


def rheobase(
    neuron: Neuron,
    *,
    duration: float = 500.0,
    start: float = 100.0,
    tolerance: float = 1e-3,
    threshold: float = 0.0,
    **options: Any,
) -> Quantity:
    """The smallest step of current that makes the neuron fire.

    The criterion is at least one rise of v through `threshold` during a step of `duration` ms
    that follows `start` ms without current. Amplitudes are doubled until one fires, and the
    interval between the last that does not and the first that does is narrowed until it is
    `tolerance` of its upper end, which is returned. The shorter the step, the larger the result:
    give the `duration` with it.

    Parameters
    ----------
    neuron : Neuron
    duration, start : float
        ms.
    tolerance : float
        Relative.
    threshold : float
        mV.
    **options
        Other arguments of `simulate`, and how to solve: `SolveOptions`.

    Returns
    -------
    Quantity
        A float that knows its unit, that of the neuron's currents.

    Raises
    ------
    InputError
        If it fires without a current, or not at any.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> found = ph.rheobase(ph.library.get("squid_axon"), duration=50.0, start=20.0)
    >>> print(f"{found:.2f} {found.unit}")
    2.24 µA/cm²
    """
    check_names(options, rheobase, simulate, also=True)
    if not 0 < tolerance < 1:
        raise InputError(f"tolerance = {tolerance:g}: give a number between 0 and 1")

    def fires(amplitudes: FloatArray) -> NDArray[np.bool_]:
        trains = _spikes(neuron, amplitudes, start, duration, threshold, options)
        return np.array([len(times) > 0 for times in trains])

    low, high = _bracket(neuron, fires)
    while high - low > tolerance * high:
        inside = np.linspace(low, high, _AT_ONCE + 2)
        first = np.flatnonzero(np.append(fires(inside[1:-1]), True))[0]
        low, high = float(inside[first]), float(inside[first + 1])
    return Quantity(high, written(_unit(neuron)))


def _bracket(neuron: Neuron, fires: Any) -> tuple[float, float]:
    """A current that does not make it fire, and a larger one that does."""
    unit = written(_unit(neuron))
    low, top = 0.0, FIRST * neuron.c_m
    tried = np.array([0.0, top])
    while True:
        found = np.flatnonzero(fires(tried))
        if len(found) and tried[found[0]] == 0.0:
            raise InputError(f'neuron "{neuron.name}" fires without a current: it has no rheobase')
        if len(found):
            return float(tried[found[0] - 1]) if found[0] else low, float(tried[found[0]])
        low = float(tried[-1])
        if low > LAST * neuron.c_m:
            raise InputError(
                f'neuron "{neuron.name}" does not fire at any current up to {low:g} {unit}'
            )
        tried = low * 2.0 ** np.arange(1, _DOUBLINGS + 1)


def input_resistance(
    neuron: Neuron, *, step: float | None = None, backend: str | Backend = "auto", **options: Any
) -> Quantity:
    """How far the steady potential moves with a current, from rest.

    Parameters
    ----------
    neuron : Neuron
        With a stable resting potential; see `Neuron.rest`.
    step : float, optional
        A current, in the unit of the neuron's currents; the result is then the change of the
        steady potential over it, as measured with long steps. By default the limit of small
        steps, the slope of the steady-state current-voltage curve at rest.
    backend, **options
        As of the other verbs, which can so be called alike; nothing is solved over time, so the
        result does not depend on them.

    Returns
    -------
    Quantity
        A float that knows its unit: kΩ·cm² for currents per area, MΩ for nA, GΩ for pA.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.Neuron("passive", (ph.leak(0.1, -65.0),), c_m=1.0)
    >>> ph.input_resistance(cell)
    10 kΩ·cm²
    >>> ph.input_resistance(cell, step=-1.0)
    10 kΩ·cm²
    """
    options_of(options, None, input_resistance)
    if isinstance(backend, str) and backend not in ("auto", *backends.NAMES):
        raise unknown("backend", backend, ("auto", *backends.NAMES))
    at = rest(neuron)
    unit = RESISTANCE[_unit(neuron)]
    if step is None:
        low, high = steady_current(neuron, at + 1e-3 * np.array([-1.0, 1.0]))
        return Quantity(2e-3 / float(high - low), unit)
    if not np.isfinite(step) or step == 0:
        raise InputError(
            f"step = {step:g} {written(_unit(neuron))}: give a current that is not zero"
        )
    return Quantity((rest(neuron, step) - at) / step, unit)


def _unit(neuron: Neuron) -> str:
    return neuron.current_unit or PER_CM2


def _spikes(
    neuron: Neuron,
    amplitudes: FloatArray,
    start: float,
    duration: float,
    threshold: float,
    options: dict[str, Any],
) -> list[FloatArray]:
    """Spike times after the start of steps of these amplitudes, ms."""
    if not (start > 0 and duration > 0):
        raise InputError(f"start = {start:g}, duration = {duration:g} ms: must be positive")
    end, unit = start + duration, _unit(neuron)
    clamps = [CurrentClamp(Step(start, None, float(a)), end, unit) for a in amplitudes]
    found = simulate(neuron, clamps, **{"saveat": [end], **options})
    return [times[times > start] - start for times in found.spike_times(threshold)]
