"""States as unknowns: v in units of 10 mV, gates as logits, so that they stay in [0, 1]."""

from __future__ import annotations

import numpy as np

from ..numerics.arrays import FloatArray, Indices

_GATE_EDGE = 1e-4  # keeps the logit of a gate that starts at 0 or 1 finite
_V_UNIT = 10.0  # mV


class InitialStates:
    """The states at the start of the R recordings.

    Parameters
    ----------
    values : array (K, R, S)
        To begin with.
    gates : bool
        Whether the states after v are gates, which stay in [0, 1].
    free_v : bool
        Whether v is fitted too.

    Examples
    --------
    >>> states = InitialStates(np.array([[[-65.0, 0.25]]]))
    >>> states.start().round(3)
    array([[-6.5  , -1.099]])
    >>> states.unpack(states.start()).round(6)
    array([[[-65.  ,   0.25]]])
    """

    def __init__(self, values: FloatArray, gates: bool = True, free_v: bool = True) -> None:
        self._values, self._gates = values, gates
        self._first = 0 if free_v else 1  # of the states that are fitted

    @property
    def values(self) -> FloatArray:
        """The states (K, R, S) to begin with."""
        return self._values

    def start(self) -> FloatArray:
        values = self.values
        x = values[..., 1:]
        if self._gates:
            x = np.clip(x, _GATE_EDGE, 1.0 - _GATE_EDGE)
            x = np.log(x) - np.log1p(-x)
        states = np.concatenate([values[..., :1] / _V_UNIT, x], axis=-1)[..., self._first :]
        return states.reshape(len(values), -1)

    def unpack(self, phi: FloatArray) -> FloatArray:
        values = self.values
        states = phi.reshape(*values.shape[:-1], values.shape[-1] - self._first)
        x = states[..., 1 - self._first :]
        x = 0.5 * (1.0 + np.tanh(0.5 * x)) if self._gates else x
        v = values[..., :1] if self._first else _V_UNIT * states[..., :1]
        return np.concatenate([v, x], axis=-1)

    def initial(self, phi: FloatArray) -> FloatArray | None:
        return self.unpack(phi)

    def vjp(self, phi: FloatArray, by_states: FloatArray, rows: Indices) -> FloatArray:
        y0 = self.unpack(phi)[rows]
        slope = np.ones_like(y0)
        slope[..., 0] = _V_UNIT
        if self._gates:
            slope[..., 1:] = y0[..., 1:] * (1.0 - y0[..., 1:])
        return (by_states * slope)[..., self._first :].reshape(len(rows), -1)

    def repeated(self, k: int, times: int) -> InitialStates:
        values = np.repeat(self.values[k : k + 1], times, axis=0)
        return InitialStates(values, self._gates, not self._first)

    def of(self, y0: FloatArray, recording: int) -> tuple[Indices, FloatArray]:
        slope = np.ones(len(y0))
        slope[0] = _V_UNIT
        if self._gates:
            slope[1:] = y0[1:] * (1.0 - y0[1:])
        n = len(y0) - self._first
        return n * recording + np.arange(n), np.diag(slope)[:, self._first :]
