"""What a simulation returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..numerics.arrays import FloatArray
from ..numerics.cached import cached_property
from ..numerics.spikes import upward_crossings
from ..status import Status
from .currents import checked_theta, currents_of, open_probabilities_of
from .interchange import Interchange
from .named_arrays import NamedArrays
from .view import html_of
from .voltage_steps import VoltageSteps

if TYPE_CHECKING:
    from ..neuron.neuron import Neuron
    from ..protocols import Protocol

__all__ = ["NamedArrays", "Solution", "Status"]


@dataclass(frozen=True, eq=False, repr=False)
class Solution(Interchange):
    """States over time, of one neuron or of a batch.

    Parameters
    ----------
    t : array, shape (T,)
        Times, ms.
    y : array, shape (B, T, S), or (T, S) when the call was not batched
        States in the order of ``neuron.states``: mV and then gates. NaN after the end of the
        protocol of an element that ends before others; ``solution[i]`` is without these.
    neuron : Neuron
    protocol : Protocol or sequence of them
        One for all or one for each element.
    currents, open_probability : mapping of str to array (B, T) or (T,), optional
        By channel; values may be functions that compute the array when first asked for. Those
        left out follow from `y` and `theta`, or without `theta` the parameters of `neuron`; so a
        batch in which each element has its own parameters needs one of the two.
    stats : mapping of str to array, shape (B,) or ()
        ``n_steps``, ``n_rejected``, ``n_f_evals``.
    status : array, shape (B,) or ()
        How each element ended, see `Status`.
    steps : VoltageSteps, optional
        The voltage on the solver's own steps, for spike times; `simulate` gives it.
    theta : array (1, P) or (B, P), optional
        Parameters that were solved with, in the order of ``neuron.layout``.

    Raises
    ------
    InputError
        For shapes that do not fit, and a current or open probability that the neuron has not.

    Examples
    --------
    >>> from pyhodgkin.protocols import CurrentClamp
    >>> from types import SimpleNamespace
    >>> cell = SimpleNamespace(name="cell", states=("v",), channels=())
    >>> t = np.linspace(0, 10, 101)
    >>> solution = Solution(t, 100 * np.sin(t)[:, None], cell, CurrentClamp.constant(0.0, 10.0))
    >>> solution
    Solution(cell, 101 samples of v in 0 to 10 ms, success)
    >>> solution.spike_times().round(4)
    array([6.2832])
    """

    t: FloatArray
    y: FloatArray
    neuron: Neuron
    protocol: Protocol | Sequence[Protocol]
    currents: Mapping[str, FloatArray] = None  # type: ignore[assignment]
    stats: Mapping[str, NDArray[np.int64]] = None  # type: ignore[assignment]
    status: Any = Status.SUCCESS
    open_probability: Mapping[str, FloatArray] = None  # type: ignore[assignment]
    steps: VoltageSteps | None = None
    theta: FloatArray | None = None

    def __post_init__(self) -> None:
        t, y = np.asarray(self.t), np.asarray(self.y)
        shape = (t.shape[-1], len(self.neuron.states))
        if t.ndim != 1 or y.ndim not in (2, 3) or y.shape[-2:] != shape:
            raise InputError(f"y has shape {y.shape}; t and the states ask for (..., {shape})")
        status = np.asarray(self.status, dtype=np.int64)
        if status.shape != y.shape[:-2]:
            status = np.broadcast_to(status, y.shape[:-2])
        theta = checked_theta(self.neuron, self.theta, y)
        currents = currents_of(self.neuron, theta, y, _given(self.currents))
        probability = open_probabilities_of(self.neuron, theta, y, _given(self.open_probability))
        values = {
            "t": t,
            "y": y,
            "status": status,
            "stats": dict(self.stats or {}),
            "theta": theta,
            "currents": currents,
            "open_probability": probability,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    # -- what was solved ----------------------------------------------------------------

    @property
    def batched(self) -> bool:
        """Whether there is a leading batch axis."""
        return self.y.ndim == 3

    @property
    def v(self) -> FloatArray:
        """Membrane potential, mV, shape (B, T) or (T,)."""
        return self.y[..., 0]

    @cached_property
    def gates(self) -> NamedArrays:
        """Gating variables by name, each (B, T) or (T,), in [0, 1]."""
        names = self.neuron.states[1:]
        return NamedArrays("gate", {name: self.y[..., k + 1] for k, name in enumerate(names)})

    @property
    def stimulus(self) -> FloatArray:
        """The command at the times `t`, (B, T) or (T,), in the unit of the protocol.

        NaN after the end of the protocol.
        """
        if not self.batched:
            return self._command(0)
        return np.stack([self._command(i) for i in range(len(self.y))])

    def _command(self, i: int) -> FloatArray:
        protocol = self._protocol(i)
        return np.where(self.t <= _last(protocol), protocol(self.t), np.nan)

    @property
    def current_unit(self) -> str | None:
        """Unit of `currents`: that of the stimulus, or under voltage clamp that of the neuron.

        None where the neuron does not state it.
        """
        protocol = self._protocol(0)
        if protocol.kind == "current":
            return protocol.unit
        return getattr(self.neuron, "current_unit", None)

    @property
    def success(self) -> NDArray[np.bool_]:
        """Whether each element was solved to the end, shape (B,) or ()."""
        return self.status == Status.SUCCESS

    @property
    def message(self) -> str:
        """One line on how the solve ended: the failures and what to do about them."""
        lines = []
        for code in np.unique(self.status):
            if code != Status.SUCCESS:
                which = np.flatnonzero(self.status == code) if self.batched else []
                where = f"element {_listed(which)}: " if self.batched else ""
                lines.append(where + Status(int(code)).message)
        return "; ".join(lines) or Status.SUCCESS.message

    def _protocol(self, i: int) -> Protocol:
        if isinstance(self.protocol, Sequence):
            return self.protocol[i if len(self.protocol) > 1 else 0]
        return self.protocol

    # -- use ----------------------------------------------------------------------------

    def spike_times(self, threshold: float = 0.0) -> Any:
        """Times in ms at which v rises through `threshold` (mV).

        They are those of the solver's own steps and the polynomials inside them, so they do not
        depend on `saveat` or the length of the run. Where these are not known (a `Solution` made
        from arrays, a voltage clamp, another threshold than 0 in a batch of more than two million
        steps), four samples around each crossing are interpolated by a cubic: the error falls
        with the fourth power of the spacing of `t`, 5e-4 ms at 0.05 ms (squid axon), and spikes
        between samples are missed. Of 128 cells and more, compiled, only the steps that cross 0 mV
        are kept: for another threshold they are solved once more.

        Returns
        -------
        array, or list of B arrays for a batch
        """
        if self.steps is not None and self.steps.knows(threshold):
            found = self.steps.crossings(threshold)
        else:
            found = [upward_crossings(self.t, v, threshold) for v in np.atleast_2d(self.v)]
        return found if self.batched else found[0]

    def __len__(self) -> int:
        if not self.batched:
            raise TypeError("this solution has no batch axis")
        return len(self.y)

    def __getitem__(self, i: int) -> Solution:
        """Element `i` of a batch, as a solution without a batch axis, to its own end."""
        if not self.batched:
            raise InputError("this solution has no batch axis to index")
        i = range(len(self.y))[i]
        protocol = self._protocol(i)
        own = i, slice(int(np.searchsorted(self.t, _last(protocol), side="right")))
        neuron, theta = self.neuron, self.theta
        if theta is not None and len(theta) > 1:
            theta = theta[i : i + 1]
            neuron = neuron.with_theta(theta[0])
        return Solution(
            self.t[own[1]],
            self.y[own],
            neuron,
            protocol,
            currents=_parts(self.currents, own),
            open_probability=_parts(self.open_probability, own),
            stats={name: np.asarray(count)[i] for name, count in self.stats.items()},
            status=self.status[i],
            steps=None if self.steps is None else self.steps.of(i),
            theta=theta,
        )

    def __iter__(self) -> Iterator[Solution]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        states = " ".join(self.neuron.states)
        size = f"{len(self.y)} x " if self.batched else ""
        if np.all(self.success):
            end = "success"
        elif self.batched:
            end = f"{np.sum(~self.success)} of {len(self.y)} failed"
        else:
            end = Status(int(self.status)).name
        span = f"{self.t[0]:g} to {self.t[-1]:g} ms"
        samples = f"{size}{len(self.t)} samples of {states}"
        return f"Solution({self.neuron.name}, {samples} in {span}, {end})"

    _repr_html_ = html_of

    def plot(self, *args: Any, **options: Any) -> Any:
        """Draw the voltage with its stimulus; see `pyhodgkin.plot.trace`."""
        from .. import plot

        return plot.trace(self, *args, **options)


def _last(protocol: Protocol) -> float:
    """The last time that belongs to `protocol`, ms, with what is later by rounding only."""
    return protocol.t_end * (1.0 + 1e-9)


def _given(arrays: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Arrays that were handed in; the others are computed, for these states."""
    return arrays.given if isinstance(arrays, NamedArrays) else arrays


def _parts(arrays: Mapping[str, FloatArray], own: tuple[Any, ...]) -> dict[str, Any]:
    given = _given(arrays) or {}
    return {name: lambda array=array: array()[own] for name, array in given.items()}


def _listed(indices: ArrayLike) -> str:
    indices = [str(i) for i in np.asarray(indices)]
    return ", ".join(indices[:8]) + (f" and {len(indices) - 8} more" if len(indices) > 8 else "")
