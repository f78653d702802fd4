"""How what a neuron does at given states moves with its parameters.

Networks have thousands of weights and say a few numbers, smoothly: of all directions in which
their weights can move, some tens change what they say. So derivatives are taken by the outputs
of the networks first, and by the weights only along the directions asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd import forward_ad

from ...numerics import mlp
from ...numerics.interpolation import even_stencils, weighted
from ..linearization import Directions, WeightDirections
from .kinetics import Params
from .scan import linear_scan
from .system import ConductanceSystem, System

FloatArray = NDArray[np.float64]
Indices = NDArray[np.intp]

# Something of the parameters at states y (S, K, Q) and a stimulus u (K, Q): (F, K, Q).
Quantity = Callable[[System, Tensor, Tensor, Params], Tensor]

_LEVELS = 600  # of the input of a network that sees one number only
_POINTS = 1_000  # at once: rows by weight of a large network are large
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
    assert isinstance(system, ConductanceSystem)
    return system.ionic_current(y, p)[None]


def value(
    quantity: Quantity, system: System, theta: FloatArray, y: FloatArray, u: FloatArray
) -> FloatArray:
    """A quantity (F, N) at states `y` (S, N) and stimuli `u` (N,)."""
    p = system.unpack(torch.as_tensor(theta)[None])
    with torch.no_grad():
        return quantity(system, _tensor(y)[:, None], _tensor(u)[None], p)[:, 0].numpy()


def jacobians(system: System, theta: FloatArray, y: FloatArray, u: FloatArray) -> FloatArray:
    """∂f/∂y (N, S, S) at states `y` (S, N), in the engine's own order, and stimuli `u` (N,)."""
    p = system.unpack(torch.as_tensor(theta)[None])
    with torch.no_grad():
        _, jacobian = system.linearize(_tensor(y)[:, None], _tensor(u)[None], p)
        return np.moveaxis(jacobian.dense()[:, :, 0].numpy(), -1, 0).copy()


@dataclass(frozen=True)
class NetworkInputs:
    """One network, and what it sees: `inputs` (N, in).

    `arrays` are its weights and biases, `places` (W,) where they lie in theta.
    """

    arrays: Sequence[FloatArray]
    places: Indices
    activation: str
    inputs: FloatArray

    @property
    def outputs(self) -> int:
        """How many numbers it says."""
        return len(self.arrays[-1])

    def rows(self) -> FloatArray:
        """Its outputs by its weights (N, out, W), in the order of `places`."""
        return mlp.jacobian(self.arrays, self.activation, self.inputs)


def network_inputs(
    system: System, theta: FloatArray, y: FloatArray, u: FloatArray
) -> list[NetworkInputs]:
    """The networks of a system, and what they see at states `y` (S, N), stimuli `u` (N,)."""
    p, found = system.unpack(torch.as_tensor(theta)[None]), []
    with torch.no_grad():
        for stack, inputs in system.networks(_tensor(y)[:, None], _tensor(u)[None], p):
            x = inputs[:, 0] if inputs.dim() == 4 else inputs
            x = np.broadcast_to(x.numpy(), (stack.count, *x.shape[1:]))
            for i in range(stack.count):
                places = [place[i].numpy() for place in stack.places]
                arrays = [theta[place] for place in places]
                flat = np.concatenate([place.ravel() for place in places])
                found.append(NetworkInputs(arrays, flat, stack.activation, x[i].T))
    return found


def jvp(
    quantity: Quantity,
    system: System,
    theta: FloatArray,
    y: FloatArray,
    u: FloatArray,
    directions: Directions,
) -> FloatArray:
    """Derivatives (N, F, q) of a quantity along q directions, those of networks first.

    Parameters
    ----------
    quantity : callable
    system : System
    theta : array (P,)
    y : array (S, N)
        States, in the engine's own order.
    u : array (N,)
    directions : Directions
    """
    seen = network_inputs(system, theta, y, u)
    # An output of a network moves as its last bias does.
    outputs = [network.places[-network.outputs :] for network in seen]
    entries = np.concatenate([*outputs, directions.entries]).astype(np.intp)
    # Forwards every entry costs as much as the whole, backwards every point has its own theta.
    few = len(entries) <= _FEW
    one, some = (_forwards, _POINTS) if few else (_backwards, max(1, _NUMBERS // len(theta)))
    parts = [
        one(quantity, system, theta, y[:, i : i + some], u[i : i + some], entries)
        for i in range(0, y.shape[1], some)
    ]
    slopes, found, place = np.concatenate(parts), [], 0
    for network, block in zip(seen, directions.networks, strict=True):
        own = slopes[:, :, place : place + network.outputs]
        place += network.outputs
        if own.any() and block.columns.size:
            found.append(own @ _projected(network, block))
        else:
            found.append(np.zeros((*own.shape[:2], block.columns.shape[1])))
    return np.concatenate([*found, slopes[:, :, place:] * directions.slopes], axis=-1)


def _projected(network: NetworkInputs, block: WeightDirections) -> FloatArray:
    """The outputs of a network along directions (N, out, r) in its weights."""
    x = network.inputs
    if x.shape[1] == 1:
        levels = Levels(x[:, 0])
        nodes = replace(network, inputs=levels.nodes[:, None])
        return levels.spread(nodes.rows()[:, :, block.trained] @ block.columns)
    parts = (replace(network, inputs=x[i : i + _POINTS]) for i in range(0, len(x), _POINTS))
    return np.concatenate([part.rows()[:, :, block.trained] @ block.columns for part in parts])


class Levels:
    """Where a function of one number is looked at, so as to know it at many points `x` (N,).

    Examples
    --------
    >>> x = np.random.default_rng(0).uniform(-3.0, 3.0, 10_000)
    >>> levels = Levels(x)
    >>> off = levels.spread(np.sin(levels.nodes)) - np.sin(x)
    >>> len(levels.nodes), bool(np.abs(off).max() < 1e-9)
    (600, True)
    """

    def __init__(self, x: FloatArray) -> None:
        self.nodes: FloatArray = x
        self._all = len(x) <= 2 * _LEVELS
        if self._all:
            return
        low, high = float(x.min()), float(x.max())
        step = max((high - low) / (_LEVELS - 3), 1e-9)
        self.nodes = low + step * np.arange(-1.0, _LEVELS - 1.0)
        self._stencils = even_stencils((x - self.nodes[0]) / step, _LEVELS, order=4)

    def spread(self, table: FloatArray) -> FloatArray:
        """Values (N, …) at the points, from those (n, …) at the nodes, by cubics."""
        return table if self._all else weighted(*self._stencils, table)


def _forwards(
    quantity: Quantity,
    system: System,
    theta: FloatArray,
    y: FloatArray,
    u: FloatArray,
    entries: Indices,
) -> FloatArray:
    """Derivatives (N, F, m) by entries of theta, one after the other."""
    m = len(entries)
    tangent = torch.zeros((m, len(theta)), dtype=torch.float64)
    tangent[torch.arange(m), torch.as_tensor(entries)] = 1.0
    primal = torch.as_tensor(theta).expand(m, -1).clone()
    states = _tensor(y)[:, None].expand(-1, m, -1)
    with torch.no_grad(), forward_ad.dual_level():
        p = system.unpack(forward_ad.make_dual(primal, tangent))
        out = quantity(system, states, _tensor(u)[None].expand(m, -1), p)
        slope = forward_ad.unpack_dual(out).tangent
        if slope is None:
            return np.zeros((y.shape[1], len(out), m))
        return np.moveaxis(slope.numpy(), (0, 1, 2), (1, 2, 0)).copy()


def _backwards(
    quantity: Quantity,
    system: System,
    theta: FloatArray,
    y: FloatArray,
    u: FloatArray,
    entries: Indices,
) -> FloatArray:
    """Derivatives (N, F, m) by entries of theta: backwards, where each point has its own theta."""
    n, m = len(u), len(entries)
    own = torch.as_tensor(theta)[torch.as_tensor(entries)].expand(n, -1).clone().requires_grad_()
    whole = torch.as_tensor(theta).expand(n, -1).index_copy(1, torch.as_tensor(entries), own)
    out = quantity(system, _tensor(y)[:, :, None], _tensor(u)[:, None], system.unpack(whole))
    found = np.zeros((n, len(out), m))
    for f, part in enumerate(out):
        if part.requires_grad:
            (slope,) = torch.autograd.grad(part.sum(), own, retain_graph=True, allow_unused=True)
            found[:, f] = 0.0 if slope is None else slope.numpy()
    return found


def recurrence(decay: FloatArray, push: FloatArray) -> FloatArray:
    """x (G, N) with x[k] = decay[k]·x[k - 1] + push[k], from zero."""
    a, b = _tensor(decay)[:, None], _tensor(push)[:, None]
    return linear_scan(a, b, torch.zeros_like(a[..., 0]))[:, 0].numpy()


def _tensor(x: FloatArray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64))
