"""Values and derivatives of a neuron's equations at single states, on tensors.

Computed in the precision and on the device of the options; what goes in and comes out is numpy's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import forward_ad

from ...neuron.neuron import Neuron
from ...numerics.arrays import FloatArray, Indices
from ..linearization import Directions
from ..options import SolveOptions
from ..sensitivity import variational
from ..sensitivity.local import NetworkInputs, Quantity
from ..voltage_grid import VoltageGrid
from .arrays import tensor_of
from .kinetics import Params
from .scan import linear_scan
from .solve import cached_system
from .system import BlackBoxSystem, ConductanceSystem, System

# Something of the parameters at states y (S, K, Q) and a stimulus u (K, Q): (F, K, Q).
Function = Callable[[System, Tensor, Tensor, Params], Tensor]

_POINTS = 1_000  # at once, forwards
_FEW = 16  # entries of theta for which derivatives are taken forwards
_NUMBERS = 2_000_000  # at once, where each point has its own theta


def rhs(system: System, y: Tensor, u: Tensor, p: Params) -> Tensor:
    """The right-hand side (S, K, Q)."""
    return system.rhs(y, u, p)


def steady_state(system: System, y: Tensor, u: Tensor, p: Params) -> Tensor:
    """The steady state at the voltages of `y` (S, K, Q)."""
    return system.steady_state(y[0], p)


def rates(system: System, y: Tensor, u: Tensor, p: Params) -> Tensor:
    """Opening rate and sum of both rates of each gate, (2·G, K, Q)."""
    assert isinstance(system, ConductanceSystem)
    found = system.gates.rates(y[0], p, system.gates.leaves(y[0], p))
    return torch.cat([found.a, found.s])


def current(system: System, y: Tensor, u: Tensor, p: Params) -> Tensor:
    """The ionic current (1, K, Q)."""
    assert not isinstance(system, BlackBoxSystem)
    return system.ionic_current(y, p)[None]


FUNCTIONS: dict[Quantity, Function] = {
    "rhs": rhs,
    "steady_state": steady_state,
    "rates": rates,
    "current": current,
}


class TorchDerivatives:
    """Those of `neuron`; see `LocalDerivatives`.

    Parameters
    ----------
    neuron : Neuron
    options : SolveOptions
        The precision and the device.

    Raises
    ------
    BackendUnavailableError
        Where this torch sees no such device.

    Examples
    --------
    >>> from pyhodgkin.neuron import library
    >>> cell = library.get("squid_axon")
    >>> local, at_rest = TorchDerivatives(cell, SolveOptions()), cell.initial_state(-65.0)
    >>> local.jacobians(cell.theta, at_rest[:, None], np.zeros(1)).shape
    (1, 4, 4)
    """

    def __init__(self, neuron: Neuron, options: SolveOptions) -> None:
        self._system, self._options = cached_system(neuron, False), options
        self.states = self._system.states

    def value(
        self, quantity: Quantity, theta: FloatArray, y: FloatArray, u: FloatArray
    ) -> FloatArray:
        """A quantity (F, N); see `LocalDerivatives.value`."""
        p = self._system.unpack(self._tensor(theta)[None])
        with torch.no_grad():
            at = self._tensor(y)[:, None], self._tensor(u)[None]
            return _numbers(FUNCTIONS[quantity](self._system, *at, p)[:, 0])

    def jacobians(self, theta: FloatArray, y: FloatArray, u: FloatArray) -> FloatArray:
        """Derivatives (N, S, S) of the right-hand side by the state."""
        p = self._system.unpack(self._tensor(theta)[None])
        with torch.no_grad():
            at = self._tensor(y)[:, None], self._tensor(u)[None]
            _, jacobian = self._system.linearize(*at, p)
            return np.moveaxis(_numbers(jacobian.dense()[:, :, 0]), -1, 0).copy()

    def slopes(
        self,
        quantity: Quantity,
        theta: FloatArray,
        y: FloatArray,
        u: FloatArray,
        entries: Indices,
    ) -> FloatArray:
        """Derivatives (N, F, m) by entries of theta; see `LocalDerivatives.slopes`."""
        # Forwards every entry costs as much as the whole, backwards every point has its own theta.
        few, f = len(entries) <= _FEW, FUNCTIONS[quantity]
        one, some = (
            (self._forwards, _POINTS) if few else (self._backwards, max(1, _NUMBERS // len(theta)))
        )
        parts = [
            one(f, theta, y[:, i : i + some], u[i : i + some], entries)
            for i in range(0, y.shape[1], some)
        ]
        return np.concatenate(parts)

    def networks(self, theta: FloatArray, y: FloatArray, u: FloatArray) -> list[NetworkInputs]:
        """The networks, and their inputs at N states; see `LocalDerivatives.networks`."""
        p, found = self._system.unpack(self._tensor(theta)[None]), []
        with torch.no_grad():
            at = self._tensor(y)[:, None], self._tensor(u)[None]
            for stack, inputs in self._system.networks(*at, p):
                x = inputs[:, 0] if inputs.dim() == 4 else inputs
                x = np.broadcast_to(_numbers(x), (stack.count, *x.shape[1:]))
                for i in range(stack.count):
                    places = [place[i].numpy() for place in stack.places]
                    arrays = [theta[place] for place in places]
                    flat = np.concatenate([place.ravel() for place in places])
                    found.append(NetworkInputs(arrays, flat, stack.activation, x[i].T))
        return found

    def recurrence(self, decay: FloatArray, push: FloatArray) -> FloatArray:
        """x (G, N) with x[:, k] = decay[:, k]·x[:, k - 1] + push[:, k], from zero."""
        a, b = self._tensor(decay)[:, None], self._tensor(push)[:, None]
        return _numbers(linear_scan(a, b, torch.zeros_like(a[..., 0]))[:, 0])

    def forward_sensitivities(
        self,
        theta: FloatArray,
        t: FloatArray,
        y: FloatArray,
        u: FloatArray,
        directions: Directions,
        start: FloatArray,
    ) -> FloatArray:
        """How v moves along a trajectory; see `LocalDerivatives.forward_sensitivities`."""
        return variational.forward_sensitivities(self, theta, t, y, u, directions, start)

    def gate_sensitivities(
        self,
        theta: FloatArray,
        grid: VoltageGrid,
        before: FloatArray,
        directions: Directions,
        held: NDArray[np.bool_],
        start: FloatArray | None,
    ) -> FloatArray:
        """How gates under a known voltage move; see `LocalDerivatives.gate_sensitivities`."""
        return variational.gate_sensitivities(self, theta, grid, before, directions, held, start)

    def _forwards(
        self, f: Function, theta: FloatArray, y: FloatArray, u: FloatArray, entries: Indices
    ) -> FloatArray:
        """Derivatives (N, F, m) by entries of theta, one after the other."""
        m, own = len(entries), self._tensor(theta)
        tangent = own.new_zeros((m, len(theta)))
        tangent[torch.arange(m), torch.as_tensor(entries)] = 1.0
        primal = own.expand(m, -1).clone()
        states, stimulus = self._tensor(y)[:, None].expand(-1, m, -1), self._tensor(u)[None]
        with torch.no_grad(), forward_ad.dual_level():
            p = self._system.unpack(forward_ad.make_dual(primal, tangent))
            out = f(self._system, states, stimulus.expand(m, -1), p)
            slope = forward_ad.unpack_dual(out).tangent
            if slope is None:
                return np.zeros((y.shape[1], len(out), m))
            return np.moveaxis(_numbers(slope), (0, 1, 2), (1, 2, 0)).copy()

    def _backwards(
        self, f: Function, theta: FloatArray, y: FloatArray, u: FloatArray, entries: Indices
    ) -> FloatArray:
        """The same backwards, where each point has its own theta."""
        n, m, one = len(u), len(entries), self._tensor(theta)
        at = torch.as_tensor(entries, device=one.device)
        own = one[at].expand(n, -1).clone().requires_grad_()
        whole = one.expand(n, -1).index_copy(1, at, own)
        states, stimulus = self._tensor(y)[:, :, None], self._tensor(u)[:, None]
        out = f(self._system, states, stimulus, self._system.unpack(whole))
        found = np.zeros((n, len(out), m))
        for i, part in enumerate(out):
            if part.requires_grad:
                (slope,) = torch.autograd.grad(
                    part.sum(), own, retain_graph=True, allow_unused=True
                )
                found[:, i] = 0.0 if slope is None else _numbers(slope)
        return found

    def _tensor(self, x: FloatArray) -> Tensor:
        return tensor_of(np.ascontiguousarray(x, dtype=np.float64), self._options)


def _numbers(x: Tensor) -> FloatArray:
    """A tensor as an array of float64."""
    return x.double().cpu().numpy()
