"""Between the parameters of a neuron and what an optimizer sees; the chain rule lives here."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping

import numpy as np

from ..errors import InputError, unknown
from ..neuron.parameters import Entry, Layout
from ..numerics.arrays import FloatArray, Indices

Bounds = Mapping[str, tuple[float, float]]

# One unit of phi should change a model noticeably, whatever the parameter's own unit.
_MILLIVOLTS = 10.0


class Transform:
    """The trainable parameters as a vector phi (…, p) without units.

    A parameter whose entry says ``"log"`` is sign·exp(phi); one that says ``"identity"`` is
    phi times a unit (10 mV for potentials, else 1). Within bounds (lo, hi) phi is the logit of
    where the parameter, or its logarithm, lies between them.

    Parameters
    ----------
    layout : Layout
    theta : array (P,)
        Where training starts; it fixes the signs.
    indices : array of int (p,)
        Places of the trainable parameters in theta.
    bounds : mapping of str to (float, float), optional
        Parameter name or shell pattern to its range, in the parameter's unit.

    Examples
    --------
    >>> import pyhodgkin as ph
    >>> cell = ph.library.get("squid_axon")
    >>> transform = Transform(cell.layout, cell.theta, cell.layout.select(["k.g", "k.e"]))
    >>> transform.to_phi(cell.theta).round(3)
    array([ 3.584, -7.7  ])
    """

    def __init__(
        self,
        layout: Layout,
        theta: FloatArray,
        indices: Indices,
        bounds: Bounds | None = None,
    ) -> None:
        self.indices = np.asarray(indices, dtype=np.intp)
        log, unit = np.zeros(layout.size, bool), np.ones(layout.size)
        for entry in layout:
            log[entry.slice] = entry.transform == "log"
            unit[entry.slice] = _unit(entry)
        self._log = log[self.indices]
        value = np.asarray(theta, dtype=np.float64)[self.indices]
        self._units = [e.unit for e in layout for _ in range(e.size)]
        self._units = [self._units[i] for i in self.indices]
        every = layout.names
        names = [every[i] for i in self.indices]
        for name, x in zip(np.array(names)[self._log], value[self._log], strict=True):
            if x == 0.0:
                raise InputError(
                    f"{name} = 0 is trained on a logarithmic scale and cannot leave zero: "
                    "start from another value, or leave it out of `trainable`"
                )
        self._factor = np.where(self._log, np.where(value < 0, -1.0, 1.0), unit[self.indices])
        self._low, self._high = self._bounds(names, value, bounds or {})

    def _bounds(
        self, names: list[str], value: FloatArray, bounds: Bounds
    ) -> tuple[FloatArray, FloatArray]:
        """Bounds of u, the parameter over its factor or its logarithm; infinite without any."""
        low, high = np.full(len(names), -np.inf), np.full(len(names), np.inf)
        self._range = np.stack([low, high])
        for pattern, (a, b) in bounds.items():
            places = [i for i, name in enumerate(names) if fnmatch.fnmatchcase(name, pattern)]
            if not places:
                raise unknown("trainable parameter in `bounds`", pattern, names[:20])
            for i in places:
                if not a < value[i] < b:
                    raise InputError(
                        f"bounds of {names[i]}: ({a:g}, {b:g}) must hold the start {value[i]:g}"
                        + f" {self._units[i]}".rstrip()
                    )
                ends = np.array([a, b]) / self._factor[i]
                if self._log[i]:
                    if min(ends) <= 0:
                        raise InputError(
                            f"bounds of {names[i]}: ({a:g}, {b:g}) must not reach zero: "
                            "it is trained on a logarithmic scale"
                        )
                    ends = np.log(ends)
                low[i], high[i] = min(ends), max(ends)
                self._range[:, i] = a, b
        self._bounded = np.isfinite(low)
        return low, high

    @property
    def size(self) -> int:
        """p, the number of trainable parameters."""
        return len(self.indices)

    def to_phi(self, theta: FloatArray) -> FloatArray:
        """phi (…, p) of theta (…, P)."""
        # Sums depend on the order in memory, which picking columns turns around.
        u = np.ascontiguousarray(np.asarray(theta)[..., self.indices]) / self._factor
        u[..., self._log] = np.log(u[..., self._log])
        b = self._bounded
        if b.any():
            s = (u[..., b] - self._low[b]) / (self._high[b] - self._low[b])
            s = np.clip(s, 1e-12, 1.0 - 1e-12)
            u[..., b] = np.log(s) - np.log1p(-s)
        return u

    def to_theta(self, phi: FloatArray, theta: FloatArray) -> FloatArray:
        """theta (…, P) with its trainable parameters taken from `phi` (…, p)."""
        out = np.array(theta, dtype=np.float64)
        out[..., self.indices] = self._values(phi)[0]
        return out

    def clipped(self, theta: FloatArray) -> FloatArray:
        """theta (…, P) with its trainable parameters within their bounds."""
        if not self._bounded.any():
            return theta
        out, (low, high) = np.array(theta), self._range
        out[..., self.indices] = np.clip(out[..., self.indices], low, high)
        return out

    def vjp(self, phi: FloatArray, gradient: FloatArray) -> FloatArray:
        """The gradient by phi (…, p), from that by theta (…, P)."""
        return np.ascontiguousarray(gradient[..., self.indices]) * self._values(phi)[1]

    def _values(self, phi: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Parameters (…, p) and their slopes by phi."""
        u, slope = np.array(phi, dtype=np.float64, order="C"), np.ones(np.shape(phi))
        b = self._bounded
        if b.any():
            # tanh form: no overflow for large |phi|.
            s, width = 0.5 * (1.0 + np.tanh(0.5 * u[..., b])), self._high[b] - self._low[b]
            u[..., b] = self._low[b] + width * s
            slope[..., b] = width * s * (1.0 - s)
        with np.errstate(over="ignore"):
            u[..., self._log] = np.exp(u[..., self._log])
        slope[..., self._log] *= u[..., self._log]
        # exp(log(x)) may miss x by a rounding; a bound is a bound.
        return np.clip(u * self._factor, *self._range), slope * self._factor


def _unit(entry: Entry) -> float:
    return _MILLIVOLTS if entry.unit == "mV" and entry.transform == "identity" else 1.0
